#include "verify/identify.h"

#include "src/hash/hasher.h"
#include "tests/support/test_support.h"
#include "verify/user_catalogue.h"

namespace hallmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

// A catalogue that knows the Meta-layout fixture, with its tensors.
class Identifying : public testing::Test {
 protected:
  void SetUp() override {
    auto manifest = BuildManifest(FixturePath("meta-llama2-bf16"), {}, {});
    ASSERT_TRUE(Ok(manifest));
    manifest_ = *std::move(manifest);
    Add(manifest_, "fixture/tiny");
  }

  void Add(const Manifest& manifest, std::string id) {
    const auto entry = EntryFromManifest(manifest, {std::move(id), "Tiny", "", "", ""});
    ASSERT_TRUE(Ok(entry));
    ASSERT_TRUE(Ok(AddEntry(home_.Path(), *entry, {.replace = true})));
  }

  IdentifyReport Look(const fs::path& path) {
    catalogue_.emplace(*Catalogue::Load(home_.Path()));
    auto report = Identify(path, *catalogue_, {});
    EXPECT_TRUE(Ok(report));
    return *std::move(report);
  }

  const TemporaryFolder home_;
  const TemporaryFolder folder_;
  Manifest manifest_;
  std::optional<Catalogue> catalogue_;
};

TEST_F(Identifying, KnowsACopyByItsFiles) {
  const IdentifyReport report = Look(FixturePath("meta-llama2-bf16"));

  EXPECT_EQ(report.state, IdentifyReport::State::kFound);
  ASSERT_FALSE(report.models.empty());
  EXPECT_EQ(report.models[0].id, "fixture/tiny");
  EXPECT_TRUE(report.models[0].files_missing.empty());
  EXPECT_EQ(report.files.size(), manifest_.files.size());
  EXPECT_TRUE(report.weights.empty());  // files settle it: no tensor was read
}

TEST_F(Identifying, KnowsAConvertedCopyByItsWeights) {
  const IdentifyReport report = Look(FixturePath("hf-safetensors-sharded"));

  EXPECT_EQ(report.state, IdentifyReport::State::kFound);
  ASSERT_FALSE(report.models.empty());
  EXPECT_EQ(report.models[0].id, "fixture/tiny");
  EXPECT_TRUE(report.models[0].SameWeights());
  ASSERT_TRUE(report.models[0].weights);
  EXPECT_EQ(report.models[0].weights->testimony.claim, "own");
  EXPECT_EQ(report.weights, manifest_.weights);
  EXPECT_EQ(report.models[0].tensors_equal, manifest_.tensors.size());
}

TEST_F(Identifying, NamesTheTensorsOfANearMiss) {
  std::string bytes = ReadFixture("hf-safetensors-bf16/model.safetensors");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  folder_.Write("model.safetensors", bytes);
  folder_.Write("config.json", ReadFixture("hf-safetensors-bf16/config.json"));

  const IdentifyReport report = Look(folder_.Path());

  EXPECT_EQ(report.state, IdentifyReport::State::kNearMiss);
  ASSERT_FALSE(report.models.empty());
  const IdentifiedModel& near = report.models[0];
  EXPECT_EQ(near.id, "fixture/tiny");
  EXPECT_FALSE(near.weights);
  EXPECT_EQ(near.tensors_equal + 1, near.tensors_listed);
  EXPECT_EQ(near.tensors_differing.size(), 1u);
  EXPECT_THAT(near.groups_differing, ElementsAre(GroupKey(near.tensors_differing[0])));
  EXPECT_THAT(report.summary, HasSubstr("all but 1 of"));
  EXPECT_THAT(report.summary, HasSubstr("in " + near.groups_differing[0]));
}

TEST_F(Identifying, SaysWhereWitnessesDisagree) {
  Manifest other = manifest_;
  for (ManifestFile& file : other.files) {
    if (file.path == "params.json") file.digests = {HashBytes(Algorithm::kSha256, {})};
  }
  const auto entry = EntryFromManifest(other, {"fixture/tiny", "Tiny", "", "", "", "carol"});
  ASSERT_TRUE(Ok(entry));
  ASSERT_TRUE(Ok(AddEntry(home_.Path(), *entry, {.keep_dissent = true})));

  const IdentifyReport report = Look(FixturePath("meta-llama2-bf16"));

  EXPECT_EQ(report.state, IdentifyReport::State::kFound);
  EXPECT_TRUE(report.models[0].SameWeights());  // not by its files, of which one is disputed
  EXPECT_THAT(report.models[0].files_disputed, ElementsAre("params.json"));
  ASSERT_FALSE(report.findings.empty());
  EXPECT_EQ(report.findings.back().code, "witnesses-disagree");
  EXPECT_EQ(report.findings.back().subject, "params.json");
  EXPECT_THAT(report.findings.back().message, HasSubstr("carol"));
}

// What somebody else adds to the catalogue with dissent makes nothing of theirs a known model.
TEST_F(Identifying, FindsNothingByWhatWitnessesDisagreeAbout) {
  const auto dissent = [&](const Manifest& other) {
    const auto entry = EntryFromManifest(other, {"fixture/tiny", "Tiny", "", "", "", "mallory"});
    ASSERT_TRUE(Ok(entry));
    ASSERT_TRUE(Ok(AddEntry(home_.Path(), *entry, {.keep_dissent = true})));
  };
  folder_.Write("consolidated.01.pth", "garbage");
  Manifest other = manifest_;
  for (ManifestFile& file : other.files) {
    if (file.path != "consolidated.01.pth") continue;
    file.digests = {HashBytes(Algorithm::kSha256, AsBytes("garbage"))};
  }
  manifest_.files = {
      *std::ranges::find(manifest_.files, "consolidated.01.pth", &ManifestFile::path)};
  manifest_.files[0].size = 7;
  Add(manifest_, "fixture/tiny");
  dissent(other);

  const IdentifyReport garbage = Look(folder_.Path());
  const IdentifyReport one_file = Look(folder_.Path() / "consolidated.01.pth");

  for (const IdentifyReport* report : {&garbage, &one_file}) {
    EXPECT_EQ(report->state, IdentifyReport::State::kNearMiss);
    EXPECT_THAT(report->summary, HasSubstr("witnesses disagree about consolidated.01.pth"));
    ASSERT_EQ(report->files.size(), 1u);
    EXPECT_TRUE(report->files[0].matches[0].disputed);
    EXPECT_TRUE(report->models[0].files_found.empty());
    EXPECT_FALSE(report->models[0].Found());
  }

  const auto mirror = FixturePath("hf-safetensors-sharded");
  EXPECT_EQ(Look(mirror).state, IdentifyReport::State::kFound);
  other.weights = "hm1:" + std::string(64, 'e');
  dissent(other);
  const IdentifyReport disputed = Look(mirror);
  EXPECT_EQ(disputed.state, IdentifyReport::State::kNearMiss);
  EXPECT_TRUE(disputed.models[0].weights);
  EXPECT_TRUE(disputed.models[0].weights_disputed);
  EXPECT_FALSE(disputed.models[0].SameWeights());
  EXPECT_THAT(disputed.summary, HasSubstr("witnesses disagree about its weights"));
}

TEST_F(Identifying, KnowsOneFileOfAModel) {
  const IdentifyReport report = Look(FixturePath("meta-llama2-bf16/consolidated.01.pth"));

  EXPECT_EQ(report.state, IdentifyReport::State::kFound);
  EXPECT_THAT(report.summary, HasSubstr("consolidated.01.pth of Tiny"));
  ASSERT_EQ(report.files.size(), 1u);
  EXPECT_EQ(report.files[0].matches[0].listed_as, "consolidated.01.pth");
}

TEST_F(Identifying, DoesNotJudgeByAFileThatModelsShare) {
  Manifest other = manifest_;
  other.weights.clear();
  other.tensors.clear();
  std::erase_if(other.files, [](const ManifestFile& f) { return f.path != "tokenizer.model"; });
  ASSERT_EQ(other.files.size(), 1u);
  other.files.push_back(
      {"other.bin", 1, {*Digest::FromHex(Algorithm::kMd5, std::string(32, '0'))}, {}});
  Add(other, "fixture/other");
  folder_.Write("tokenizer.model", ReadFixture("meta-llama2-bf16/tokenizer.model"));

  const IdentifyReport report = Look(folder_.Path());

  EXPECT_EQ(report.state, IdentifyReport::State::kNearMiss);
  EXPECT_THAT(report.summary, HasSubstr("that several models share"));
}

TEST_F(Identifying, SaysWhenNothingIsKnown) {
  folder_.Write("a.bin", "of nobody");

  const IdentifyReport report = Look(folder_.Path());

  EXPECT_EQ(report.state, IdentifyReport::State::kUnknown);
  EXPECT_TRUE(report.models.empty());
  EXPECT_EQ(report.files_hashed, 1u);
  EXPECT_FALSE(report.no_weights_reason.empty());
}

TEST_F(Identifying, NeedsSomethingToLookAt) {
  const auto report = Identify(folder_.Path() / "nothing", *Catalogue::Load({}), {});

  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace hallmark
