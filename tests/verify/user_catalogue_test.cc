#include "verify/user_catalogue.h"

#include <fmt/format.h>

#include "src/hash/hasher.h"
#include "tests/support/test_support.h"
#include "verify/witnesses.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

Digest DigestOf(std::string_view text) { return HashBytes(Algorithm::kSha256, AsBytes(text)); }

// A release of two files.
Manifest Release() {
  Manifest manifest;
  manifest.weights = "hm1:" + std::string(64, 'a');
  manifest.files.push_back({"config.json", 6, {DigestOf("config")}, {}});
  manifest.files.push_back({"w.safetensors", 7, {DigestOf("weights")}, {}});
  manifest.tensors.emplace_back();
  manifest.tensors[0].name = "lm_head.weight";
  return manifest;
}

CatalogueEntry WordOf(const Manifest& manifest, std::string witness = {}) {
  auto entry = EntryFromManifest(manifest,
                                 {"my-org/my-model", "", "", "2024", "My Org", std::move(witness)});
  EXPECT_TRUE(Ok(entry));
  return *std::move(entry);
}

class UserCatalogue : public testing::Test {
 protected:
  const CatalogueEntry& Known() {
    catalogue_.emplace(*Catalogue::Load(home_.Path() / "own"));
    const CatalogueEntry* entry = catalogue_->Find("my-org/my-model");
    HM_CHECK(entry != nullptr);
    return *entry;
  }
  Result<AddedEntry> Add(const CatalogueEntry& entry, const IfTaken& if_taken = {}) {
    return AddEntry(home_.Path() / "own", entry, if_taken);
  }

  const TemporaryFolder home_;
  const TemporaryFolder friend_home_;
  std::optional<Catalogue> catalogue_;
};

TEST_F(UserCatalogue, AddsExportsAndImports) {
  const auto added = Add(WordOf(Release()));
  ASSERT_TRUE(Ok(added));
  EXPECT_FALSE(added->joined);

  const CatalogueEntry& found = Known();
  EXPECT_FALSE(found.built_in);
  EXPECT_THAT(found.user_files, ElementsAre(added->file));
  EXPECT_EQ(found.Title(), "my-org my-model (My Org)");
  EXPECT_EQ(found.files[0].digests[0].testimony.claim, "own");
  EXPECT_EQ(found.tensors[0].name, "lm_head.weight");
  ASSERT_EQ(found.weights.size(), 1u);
  EXPECT_EQ(found.weights[0].identity, Release().weights);

  const auto text = ExportEntry(found);
  ASSERT_TRUE(Ok(text));
  ASSERT_TRUE(Ok(ImportCatalogue(friend_home_.Path(), *text, "friend.json", "alice", {})));
  const auto theirs = Catalogue::Load(friend_home_.Path());
  const ListedDigest& digest = theirs->Find("my-org/my-model")->files[0].digests[0];
  EXPECT_EQ(digest.digest, DigestOf("config"));
  EXPECT_EQ(digest.testimony.claim, "community");  // of their own copy, which is not the friend's
  EXPECT_THAT(digest.testimony.witnesses, ElementsAre("alice"));
  const ListedWeights& weights = theirs->Find("my-org/my-model")->weights[0];
  EXPECT_EQ(weights.identity, Release().weights);
  EXPECT_EQ(TestimonyText(weights.testimony), "community, 1 witness: alice");

  // One's own words, read again, tell nothing that was not said before.
  const auto again = ImportCatalogue(home_.Path() / "own", *text, "own.json", "", {});
  ASSERT_TRUE(Ok(again));
  EXPECT_TRUE(again->at(0).file.empty());
}

std::string ImportedTestimony(const Testimony& said, const std::string& witness) {
  CatalogueEntry entry = WordOf(Release());
  entry.files[0].digests[0].testimony = said;
  entry.weights[0].testimony = said;
  const TemporaryFolder home;
  const auto added = ImportCatalogue(home.Path(), *ExportEntry(entry), "entry.json", witness, {});
  EXPECT_TRUE(Ok(added));
  const Catalogue catalogue = *Catalogue::Load(home.Path());
  const CatalogueEntry& imported = *catalogue.Find("my-org/my-model");
  const std::string text = TestimonyText(imported.files[0].digests[0].testimony);
  EXPECT_EQ(TestimonyText(imported.weights[0].testimony), text);
  return text;
}

TEST(ImportCatalogue, IsOnePersonsWordWhateverItSays) {
  EXPECT_EQ(ImportedTestimony({"publisher", {"Meta AI", "shawwn"}, 40}, ""),
            "community, 1 witness: Meta AI");
  EXPECT_EQ(ImportedTestimony({"publisher", {"Meta AI"}, 40}, "mallory"),
            "community, 1 witness: mallory");
  EXPECT_EQ(ImportedTestimony({"publisher", {}, 40}, ""), "community, 1 witness");
  // Whose copy was the author's own is not told by that.
  EXPECT_EQ(ImportedTestimony({"own", {"your own copy", "bob"}, 0}, ""), "community, 1 witness");
}

TEST_F(UserCatalogue, JoinsTheWordsOfWitnessesWhoAgree) {
  ASSERT_TRUE(Ok(Add(WordOf(Release()))));

  const auto joined = Add(WordOf(Release(), "bob"));
  ASSERT_TRUE(Ok(joined));
  EXPECT_TRUE(joined->joined);
  EXPECT_TRUE(joined->dissent.empty());

  const CatalogueEntry& entry = Known();
  EXPECT_EQ(entry.user_files.size(), 2u);
  EXPECT_EQ(catalogue_->Models().size(), Catalogue::Load({})->Models().size() + 1);
  ASSERT_EQ(entry.files[1].digests.size(), 1u);
  EXPECT_THAT(entry.files[1].digests[0].testimony.witnesses, ElementsAre("your own copy", "bob"));
  ASSERT_EQ(entry.weights.size(), 1u);
  EXPECT_THAT(entry.weights[0].testimony.witnesses, ElementsAre("your own copy", "bob"));
  EXPECT_TRUE(FindDissent(entry).empty());

  const auto again = Add(WordOf(Release(), "bob"));
  ASSERT_TRUE(Ok(again));
  EXPECT_TRUE(again->file.empty());  // nothing new was said
}

TEST_F(UserCatalogue, RefusesDissentUnlessBothWordsAreWanted) {
  ASSERT_TRUE(Ok(Add(WordOf(Release(), "alice"))));
  Manifest other = Release();
  other.files[1].digests = {DigestOf("other weights")};
  other.weights = "hm1:" + std::string(64, 'b');

  const auto refused = Add(WordOf(other, "bob"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kUsage);
  EXPECT_THAT(refused.error().message,
              HasSubstr("w.safetensors: " + DigestOf("other weights").ToString()));
  EXPECT_THAT(refused.error().message, HasSubstr("alice"));
  EXPECT_THAT(refused.error().hint, HasSubstr("--dissent"));

  const auto kept = Add(WordOf(other, "bob"), {.keep_dissent = true});
  ASSERT_TRUE(Ok(kept));
  EXPECT_EQ(kept->dissent.size(), 2u);
  const CatalogueEntry& entry = Known();
  ASSERT_EQ(entry.files[1].digests.size(), 2u);
  EXPECT_THAT(entry.files[0].digests[0].testimony.witnesses, ElementsAre("alice", "bob"));
  const std::vector<Finding> dissent = FindDissent(entry);
  ASSERT_EQ(dissent.size(), 2u);
  EXPECT_EQ(dissent[0].subject, "w.safetensors");
  EXPECT_THAT(dissent[0].message, HasSubstr("alice"));
  EXPECT_THAT(dissent[0].message, HasSubstr("bob"));
  EXPECT_THAT(dissent[1].message, HasSubstr("alice"));
  EXPECT_THAT(dissent[1].message, HasSubstr("bob"));
  EXPECT_TRUE(ToSource(entry).weights.empty());  // disputed: nobody's word alone

  // Both words survive being handed on.
  const auto text = ExportEntry(entry);
  ASSERT_TRUE(Ok(text));
  const auto parsed = ParseCatalogue(*text, "text");
  ASSERT_TRUE(Ok(parsed));
  EXPECT_EQ(FindDissent(parsed->entries[0]).size(), 2u);
}

TEST_F(UserCatalogue, ReplacesAndRemoves) {
  ASSERT_TRUE(Ok(Add(WordOf(Release(), "alice"))));
  ASSERT_TRUE(Ok(Add(WordOf(Release(), "bob"))));
  Manifest other = Release();
  other.files[1].digests = {DigestOf("other weights")};

  ASSERT_TRUE(Ok(Add(WordOf(other), {.replace = true})));
  EXPECT_EQ(Known().user_files.size(), 1u);
  EXPECT_EQ(Known().files[1].digests[0].digest, DigestOf("other weights"));

  // What replaced the first word is the first word from then on.
  other.weights.clear();
  ASSERT_TRUE(Ok(Add(WordOf(other), {.replace = true})));
  other.weights = Release().weights;
  const auto joined = Add(WordOf(other, "bob"));
  ASSERT_TRUE(Ok(joined));
  EXPECT_TRUE(Known().weights.empty());
  EXPECT_THAT(joined->alone, ElementsAre("weights " + Release().weights));
  fs::remove(joined->file);

  const auto removed = RemoveEntry(home_.Path() / "own", "My-Org/my-model");
  ASSERT_TRUE(Ok(removed));
  EXPECT_EQ(removed->size(), 1u);
  EXPECT_EQ(Catalogue::Load(home_.Path() / "own")->Find("my-org/my-model"), nullptr);
  EXPECT_EQ(RemoveEntry(home_.Path() / "own", "my-org/my-model").error().code, Errc::kNotFound);
  EXPECT_EQ(RemoveEntry(home_.Path() / "own", "llama-1/7B").error().code, Errc::kUsage);
}

TEST_F(UserCatalogue, DoesNotRemoveWhatLiesWithOthers) {
  std::string two = *ExportEntry(WordOf(Release()));
  const std::size_t at = two.find("\"models\": [") + 11;
  two.insert(
      at,
      R"({"id":"my-org/other","model":"other","complete":true,"weights":{"claim":"own","value":"hm1:)" +
          std::string(64, 'c') + "\"}},");
  home_.Write("own/two.json", two);
  ASSERT_EQ(Known().user_files.size(), 1u);

  const auto removed = RemoveEntry(home_.Path() / "own", "my-org/my-model");

  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, Errc::kUsage);
  EXPECT_THAT(removed.error().message, HasSubstr("my-org/other"));
}

// The catalogue's own numbers of LLaMA 7B, said once more by somebody else.
CatalogueEntry WordOnLlama(std::string_view md5) {
  const std::string text = fmt::format(
      R"({{"schema":"hallmark.catalogue/1","family":"LLaMA","models":[{{"id":"LLAMA-1/7b",
      "model":"7B","complete":true,"files":[
      {{"path":"consolidated.00.pth","digests":{{"md5":{{"value":"{}","claim":"own","witnesses":["dave"]}}}}}},
      {{"path":"README","digests":{{"md5":{{"value":"{}","claim":"own"}}}}}}]}}]}})",
      md5, md5);
  auto parsed = ParseCatalogue(text, "text");
  EXPECT_TRUE(Ok(parsed));
  return parsed->entries[0];
}

TEST_F(UserCatalogue, CanConfirmTheBuiltInPartAndNotReplaceIt) {
  const CatalogueEntry word = WordOnLlama("6efc8dab194ab59e49cd24be5574d85e");
  EXPECT_EQ(Add(word, {.replace = true}).error().code, Errc::kUsage);
  ASSERT_TRUE(Ok(Add(word)));

  const Catalogue catalogue = *Catalogue::Load(home_.Path() / "own");
  const CatalogueEntry& entry = *catalogue.Find("llama-1/7B");
  EXPECT_TRUE(entry.built_in);
  EXPECT_EQ(entry.id, "llama-1/7B");
  EXPECT_EQ(entry.files[0].digests[0].testimony.claim, "publisher");
  EXPECT_EQ(entry.files[0].digests[0].testimony.witnesses.back(), "dave");

  EXPECT_FALSE(Add(WordOnLlama("00000000000000000000000000000000")));
}

// Whoever repeats a public digest is not believed anything else about the release for it.
TEST_F(UserCatalogue, AddsNothingThatOnlyALaterWordSays) {
  CatalogueEntry word = WordOnLlama("6efc8dab194ab59e49cd24be5574d85e");
  word.weights.push_back({"hm1:" + std::string(64, 'e'), {"publisher", {"Meta AI"}, 40}});
  word.tensors.push_back({"lm_head.weight", {}});
  word.files[0].digests.push_back({HashBytes(Algorithm::kBlake3, {}), {"publisher", {}, 40}});
  word.files[0].digests[0].testimony = {"publisher", {"Meta AI"}, 40};
  const CatalogueEntry before = *Catalogue::Load({})->Find("llama-1/7B");

  const auto added =
      ImportCatalogue(home_.Path() / "own", *ExportEntry(word), "word.json", "mallory", {});

  ASSERT_TRUE(Ok(added));
  EXPECT_THAT(added->at(0).alone,
              ElementsAre("consolidated.00.pth: " + HashBytes(Algorithm::kBlake3, {}).ToString(),
                          "README", "weights hm1:" + std::string(64, 'e')));
  const Catalogue catalogue = *Catalogue::Load(home_.Path() / "own");
  const CatalogueEntry& after = *catalogue.Find("llama-1/7B");
  EXPECT_TRUE(after.weights.empty());
  EXPECT_TRUE(after.tensors.empty());
  EXPECT_EQ(after.files.size(), before.files.size());
  ASSERT_EQ(after.files[0].digests.size(), before.files[0].digests.size());
  const Testimony& testimony = after.files[0].digests[0].testimony;
  EXPECT_EQ(testimony.claim, "publisher");
  EXPECT_EQ(testimony.witnesses.size(), before.files[0].digests[0].testimony.witnesses.size() + 1);
  EXPECT_EQ(testimony.witnesses.back(), "mallory");
  EXPECT_EQ(testimony.further_witnesses, before.files[0].digests[0].testimony.further_witnesses);
}

TEST_F(UserCatalogue, DoesNotLetALaterWordRaiseTheClaim) {
  CatalogueEntry word = WordOf(Release(), "bob");
  ASSERT_TRUE(Ok(Add(WordOf(Release()))));
  word.files[0].digests[0].testimony = {"publisher", {"bob"}, 40};

  ASSERT_TRUE(Ok(Add(word)));

  EXPECT_EQ(TestimonyText(Known().files[0].digests[0].testimony),
            "own, 2 witnesses: your own copy, bob");
}

TEST_F(UserCatalogue, LeavesOutWhatIsBrokenOrCannotBeCompared) {
  home_.Write("own/broken.json", "{");
  home_.Write("own/notes.txt", "not a catalogue");
  home_.Write("own/sneaky.json", R"({"schema":"hallmark.catalogue/1","family":"Own","models":[
      {"id":"llama-1/7B","model":"one","complete":true,
       "files":[{"path":"x.bin","digests":{"crc32":{"value":"00000001","claim":"own"}}}]}]})");

  const auto catalogue = Catalogue::Load(home_.Path() / "own");

  ASSERT_TRUE(Ok(catalogue));
  EXPECT_EQ(catalogue->Models().size(), Catalogue::Load({})->Models().size());
  ASSERT_EQ(catalogue->Findings().size(), 2u);
  EXPECT_EQ(catalogue->Findings()[0].code, "broken-catalogue");
  EXPECT_EQ(catalogue->Findings()[1].code, "catalogue-id-taken");
}

}  // namespace
}  // namespace hallmark
