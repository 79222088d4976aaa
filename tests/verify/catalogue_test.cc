#include "verify/catalogue.h"

#include <set>

#include "src/base/text.h"
#include "src/hash/hasher.h"
#include "tests/support/test_support.h"
#include "verify/catalogue_id.h"
#include "verify/witnesses.h"

namespace hallmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Catalogue BuiltIn() { return *Catalogue::Load({}); }

std::vector<std::string> Paths(const std::vector<ListedFile>& files) {
  std::vector<std::string> paths;
  for (const ListedFile& file : files) paths.push_back(file.path);
  return paths;
}

const ListedFile& FileOf(const CatalogueEntry& entry, std::string_view path) {
  for (const ListedFile& file : entry.files) {
    if (file.path == path) return file;
  }
  ADD_FAILURE() << path;
  return entry.files.front();
}

TEST(Catalogue, BuiltInEntriesHaveStableUniqueIds) {
  const Catalogue catalogue = BuiltIn();

  std::set<std::string> ids;
  for (const CatalogueEntry& entry : catalogue.Models()) {
    EXPECT_TRUE(IsCatalogueId(entry.id)) << entry.id;
    EXPECT_TRUE(ids.insert(AsciiLower(entry.id)).second) << entry.id;
    EXPECT_TRUE(entry.built_in);
    EXPECT_NE(entry.complete, !entry.incomplete.empty()) << entry.id;
  }
  EXPECT_TRUE(catalogue.Findings().empty());
  // Ids are written down in scripts: none may ever go away.
  for (const char* id :
       {"llama-1/7b", "llama-1/13b", "llama-1/30b", "llama-1/65b", "llama-2/7b", "llama-2/7b-chat",
        "llama-2/13b", "llama-2/7b-hf", "llama-2/7b-chat-hf", "llama-3.1/8b", "llama-3.1/405b",
        "clip/vit-b-32", "clip/vit-l-14-336px", "whisper/large-v1", "whisper/tiny.en",
        "mistral/mistral-7b-v0.1", "mistral/mistral-large-instruct-2407"}) {
    EXPECT_TRUE(ids.contains(id)) << id;
  }
}

// The numbers are those of the lists that volunteers gathered in 2023; here typed in once more.
TEST(Catalogue, HoldsThePublishedDigestsOfLlama7B) {
  const Catalogue catalogue = BuiltIn();

  const CatalogueEntry* entry = catalogue.Find("LLaMA-1/7b");

  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->id, "llama-1/7B");
  EXPECT_THAT(Paths(entry->files), ElementsAre("consolidated.00.pth", "params.json",
                                               "checklist.chk", "tokenizer.model"));
  const ListedFile& weights = FileOf(*entry, "consolidated.00.pth");
  EXPECT_EQ(weights.size, 13476939516u);
  ASSERT_EQ(weights.digests.size(), 2u);
  EXPECT_EQ(weights.digests[0].digest.ToString(), "md5:6efc8dab194ab59e49cd24be5574d85e");
  EXPECT_EQ(TestimonyText(weights.digests[0].testimony),
            "publisher, 4 witnesses: shawwn/llama-dl#4, ggml-org/llama.cpp#238 and 2 more");
  EXPECT_EQ(weights.digests[1].digest.ToString(),
            "sha256:700df0d3013b703a806d2ae7f1bfb8e59814e3d06ae78be0c66368a50059f33d");
  EXPECT_FALSE(weights.optional);
  EXPECT_TRUE(FileOf(*entry, "tokenizer.model").optional);
}

// The sha256 of the publisher's checklist.chk was posted elsewhere than the md5s in it. If the list
// made from the entry's md5s has that sha256, the two sources confirm each other.
TEST(Catalogue, ChecklistOf7BReproducesFromItsMd5s) {
  const Catalogue catalogue = BuiltIn();
  const CatalogueEntry& entry = *catalogue.Find("llama-1/7B");
  std::string list;
  for (const char* path : {"consolidated.00.pth", "params.json"}) {
    list += FileOf(entry, path).digests[0].digest.Hex() + "  " + path + "\n";
  }

  const ListedFile& checklist = FileOf(entry, "checklist.chk");

  EXPECT_EQ(list.size(), checklist.size);
  EXPECT_EQ(HashBytes(Algorithm::kSha256, AsBytes(list)), checklist.digests[0].digest);
}

TEST(Catalogue, FindsByDigestNameAndSize) {
  const Catalogue catalogue = BuiltIn();
  const auto tokenizer =
      *Digest::Parse("sha256:9e556afd44213b6bd1be2b850ebbbd98f5481437a8021afaf58ee7fb1818d347");

  // Nine releases share this tokenizer: every size of LLaMA 1 and Llama 2.
  EXPECT_EQ(catalogue.FindByDigest(tokenizer).size(), 9u);
  EXPECT_TRUE(catalogue.FindByDigest(HashBytes(Algorithm::kSha256, {})).empty());

  const auto by_size = catalogue.FindByNameAndSize("x/Consolidated.00.pth", 13476939516u);
  std::set<std::string> ids;
  for (const CatalogueHit& hit : by_size) ids.insert(hit.entry->id);
  EXPECT_TRUE(ids.contains("llama-1/7B"));
  EXPECT_TRUE(ids.contains("llama-1/65B"));       // its size is not known
  EXPECT_FALSE(ids.contains("llama-2/7B-chat"));  // another size
}

TEST(Catalogue, SuggestsIdsThatComeNear) {
  const Catalogue catalogue = BuiltIn();

  const auto typo = catalogue.Require("lama-1/7B");
  const auto part = catalogue.Require("llama-1");
  const auto nothing = catalogue.Require("resnet/50000000000000");

  ASSERT_FALSE(typo);
  EXPECT_EQ(typo.error().code, Errc::kNotFound);
  EXPECT_THAT(typo.error().hint, HasSubstr("did you mean llama-1/7B"));
  EXPECT_THAT(part.error().hint, HasSubstr("llama-1/7B, llama-1/13B, llama-1/30B, llama-1/65B"));
  EXPECT_THAT(nothing.error().hint, HasSubstr("catalogue list"));
}

TEST(Catalogue, SourceSaysWhatItIsWorth) {
  const Catalogue catalogue = BuiltIn();
  const auto codes = [](const Source& source) {
    std::multiset<std::string> found;
    for (const Finding& finding : source.findings) found.insert(finding.code);
    return found;
  };

  const Source incomplete = ToSource(*catalogue.Find("llama-3.1/405B"));
  const Source md5_only = ToSource(*catalogue.Find("llama-2/13B"));
  const Source good = ToSource(*catalogue.Find("whisper/tiny"));

  EXPECT_EQ(incomplete.name, "catalogue:llama-3.1/405B");
  EXPECT_FALSE(incomplete.complete);
  EXPECT_TRUE(codes(incomplete).contains("incomplete-entry"));
  EXPECT_TRUE(codes(incomplete).contains("single-witness"));
  EXPECT_TRUE(codes(md5_only).contains("weak-digests"));
  EXPECT_TRUE(good.complete);
  EXPECT_TRUE(good.findings.empty());
}

constexpr std::string_view kSmall = R"({"schema":"hallmark.catalogue/1","family":"Own",
  "models":[{"id":"own/one","model":"one","complete":true,
  "weights":{"value":"hm1:0101010101010101010101010101010101010101010101010101010101010101",
             "claim":"community","witnesses":["alice"]},
  "tensors":[{"name":"a","digest":"0202020202020202020202020202020202020202020202020202020202020202"}],
  "files":[{"path":"x.bin","size":3,"digests":{"crc32":{"value":"00000001","claim":"own"}}}]}]})";

std::string Replaced(std::string_view what, std::string_view with) {
  std::string text(kSmall);
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

TEST(ParseCatalogue, RefusesWhatBreaksTheSchema) {
  ASSERT_TRUE(Ok(ParseCatalogue(kSmall, "own.json")));
  const struct {
    std::string text, message;
  } cases[] = {
      {Replaced("own/one", "one"), "/models/0/id: not of the form"},
      {Replaced("own/one", "own/../one"), "/models/0/id: not of the form"},
      {Replaced("x.bin", "../x.bin"), "leaves its directory"},
      {Replaced("x.bin", "/x.bin"), "is absolute"},
      {Replaced("00000001", "0001"), "/models/0/files/0/digests/crc32: 8 hex digits expected"},
      {Replaced("crc32", "md6"), "no algorithm known here"},
      {Replaced("\"own\"}", "\"god\"}"), "/claim: not publisher, community or own"},
      {Replaced("\"size\":3", "\"size\":-3"), "/models/0/files/0/size: not a whole number"},
      {Replaced("\"complete\":true", "\"complete\":1"), "/complete: not true or false"},
      {Replaced("\"complete\":true", "\"complete\":false"), "/incomplete: missing"},
      {Replaced("\"complete\":true,", ""), "/complete: missing"},
      {Replaced("hm1:01", "hm1:0"), "weights/value: not hm1:"},
      {Replaced("\"community\"", "\"god\""), "weights/claim: not publisher, community or own"},
      {Replaced("0202", "02"), "/tensors/0/digest: not 64 hex digits"},
      {Replaced("{\"value\":\"00000001\",\"claim\":\"own\"}",
                "[{\"value\":\"00000001\",\"claim\":\"own\"},"
                "{\"value\":\"00000001\",\"claim\":\"community\"}]"),
       "a value stands twice"},
      {Replaced("{\"value\":\"hm1", "[],\"x\":{\"value\":\"hm1"), "/weights: no weight identity"},
      {Replaced("\"family\":\"Own\",", ""), "/family: missing"},
      {Replaced("\"models\":", "\"models\":[],\"model\":"),
       "/models: the catalogue lists no model"},
      {Replaced("\"model\":\"one\"", "\"model\":\"one\",\"model\":\"two\""), "stands twice"},
  };
  for (const auto& each : cases) {
    const auto parsed = ParseCatalogue(each.text, "own.json");
    ASSERT_FALSE(parsed) << each.text;
    EXPECT_EQ(parsed.error().code, Errc::kMalformed) << each.message;
    EXPECT_EQ(parsed.error().subject, "own.json");
    EXPECT_THAT(parsed.error().message, HasSubstr(each.message));
  }
  EXPECT_EQ(ParseCatalogue(Replaced("catalogue/1", "catalogue/2"), "").error().code,
            Errc::kUnsupported);
}

TEST(Catalogue, SourceSaysWhoseWordTheWeightsAre) {
  CatalogueEntry entry = ParseCatalogue(kSmall, "own.json")->entries[0];
  const auto note = [&] {
    for (const Finding& finding : ToSource(entry).findings) {
      if (finding.message.starts_with("the weight identity is")) return finding;
    }
    return Finding{};
  };

  EXPECT_EQ(note().code, "single-witness");
  EXPECT_THAT(note().message, HasSubstr("community, 1 witness: alice"));
  entry.weights[0].testimony.witnesses.push_back("bob");
  EXPECT_EQ(note().code, "catalogue-note");
  EXPECT_THAT(note().message, HasSubstr("community, 2 witnesses: alice, bob"));
  entry.weights.push_back({"hm1:" + std::string(64, 'b'), {"own", {}, 0}});
  EXPECT_TRUE(ToSource(entry).weights.empty());
  EXPECT_TRUE(note().code.empty());
}

TEST(ParseCatalogue, ReportsUnknownFields) {
  const auto parsed = ParseCatalogue(Replaced("\"size\":3", "\"size\":3,\"mood\":1"), "own.json");

  ASSERT_TRUE(Ok(parsed));
  ASSERT_EQ(parsed->findings.size(), 1u);
  EXPECT_THAT(parsed->findings[0].message, HasSubstr("/models/0/files/0/mood"));
}

TEST(EntryFromManifest, RefusesIdsThatAreNone) {
  for (const char* id : {"", "one", "/one", "one/", "a//b", "a/.b", "a/b c", "a/-b", "a/ü"}) {
    const auto entry = EntryFromManifest({}, {id, "", "", "", ""});
    ASSERT_FALSE(entry) << id;
    EXPECT_EQ(entry.error().code, Errc::kUsage);
  }
}

}  // namespace
}  // namespace hallmark
