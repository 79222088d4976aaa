#include "weights/model.h"

#include <filesystem>

#include "tests/support/test_support.h"
#include "weights/model_sets.h"

namespace hallmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A safetensors file with one u8 tensor for each name.
std::string Safetensors(std::initializer_list<std::string> names) {
  std::string header = "{", payload;
  for (const std::string& name : names) {
    header += (payload.empty() ? "\"" : ",\"") + name +
              "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[" +
              std::to_string(payload.size()) + "," + std::to_string(payload.size() + 1) + "]}";
    payload += 'x';
  }
  header += "}";
  return Le64(header.size()) + header + payload;
}

// A GGUF without tensors that says it is split `number` of `count`.
std::string GgufSplit(std::uint16_t number, std::uint16_t count) {
  const auto text = [](std::string_view s) { return Le64(s.size()) + std::string(s); };
  std::string bytes = "GGUF" + Le32(3) + Le64(0) + Le64(3);
  bytes += text("split.no") + Le32(2) + Le16(number);
  bytes += text("split.count") + Le32(2) + Le16(count);
  bytes += text("general.architecture") + Le32(8) + text("llama");
  return bytes;
}

std::vector<std::string> SetNames(const std::filesystem::path& path) {
  const auto listing = ListFiles(path);
  EXPECT_TRUE(Ok(listing));
  const auto sets = FindModelSets(*FolderOnDisk(path), *listing);
  EXPECT_TRUE(Ok(sets));
  std::vector<std::string> names;
  for (const ModelSet& set : *sets) names.push_back(set.name);
  return names;
}

TEST(ParseNumberedName, TakesShardNamesApart) {
  const auto name = ParseNumberedName("pytorch_model-00002-of-00003.bin");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->prefix, "pytorch_model");
  EXPECT_EQ(name->NameOf(3), "pytorch_model-00003-of-00003.bin");
  EXPECT_EQ(ParseNumberedName("m-00001-of-000163.safetensors")->NameOf(2),
            "m-00002-of-000163.safetensors");
  for (const std::string_view bad :
       {"", "model.bin", "model-of-3.bin", "m-00000-of-00003.bin", "m-00004-of-00003.bin",
        "m-1-of-x.bin", "-of-", "m-1234567890-of-1234567890.bin"}) {
    EXPECT_FALSE(ParseNumberedName(bad)) << bad;
  }
}

TEST(ParseRankName, TakesRankNamesApart) {
  EXPECT_EQ(ParseRankName("consolidated.07.pth")->rank, 7u);
  EXPECT_EQ(ParseRankName("consolidated.07.pth")->NameOf(12), "consolidated.12.pth");
  for (const std::string_view bad : {"consolidated.pth", "consolidated..pth", "consolidated.a.pth",
                                     "consolidated.00", "x.consolidated.00.pth"}) {
    EXPECT_FALSE(ParseRankName(bad)) << bad;
  }
}

// Tables and features lie beside many models as arrays.
TEST(FindModelSets, TakesLoneArraysOnlyWhereThereIsNothingElse) {
  const TemporaryFolder folder;
  folder.Write("features.npy", ReadFixture("npz/c.npy"));
  EXPECT_THAT(SetNames(folder.Path()), ElementsAre("features.npy"));

  folder.Write("weights.npz", ReadFixture("npz/model-f32.npz"));
  EXPECT_THAT(SetNames(folder.Path()), ElementsAre("weights.npz"));
}

TEST(FindModelSets, GroupsFilesAndLeavesSideFilesAlone) {
  const TemporaryFolder folder;
  folder.Write("model-00001-of-00002.safetensors", Safetensors({"a"}));
  folder.Write("model-00002-of-00002.safetensors", Safetensors({"b"}));
  folder.Write("optimizer.pt", ReadFixture("edge/plain.pt"));
  folder.Write("rng_state_0.pth", ReadFixture("edge/plain.pt"));
  folder.Write("config.json", "{}");
  folder.Write("README.md", "# words");
  folder.Write("tables-00001-of-00002.parquet", "PAR1");
  EXPECT_THAT(SetNames(folder.Path()), ElementsAre("model-*.safetensors (2 files)"));

  folder.Write("model.safetensors.index.json",
               R"({"weight_map": {"a": "model-00001-of-00002.safetensors",
                                  "b": "model-00002-of-00002.safetensors"}})");
  EXPECT_THAT(SetNames(folder.Path()), ElementsAre("model.safetensors.index.json (2 files)"));
}

TEST(FindModelSets, PutsTheMainSetFirst) {
  const TemporaryFolder folder;
  folder.Write("a.safetensors", Safetensors({"a"}));
  folder.Write("z.safetensors", Safetensors({"a", "b"}));
  folder.Write("original/consolidated.00.pth", ReadFixture("edge/plain.pt"));
  EXPECT_THAT(SetNames(folder.Path()),
              ElementsAre("z.safetensors", "a.safetensors", "original/consolidated.00.pth"));
}

TEST(FindModelSets, NamesMissingRanksAndShards) {
  const TemporaryFolder folder;
  folder.Write("consolidated.02.pth", ReadFixture("edge/plain.pt"));
  folder.Write("consolidated.00.pth", ReadFixture("edge/plain.pt"));
  const auto sets = FindModelSets(*FolderOnDisk(folder.Path()), *ListFiles(folder.Path()));
  ASSERT_TRUE(Ok(sets));
  ASSERT_EQ(sets->size(), 1u);
  EXPECT_EQ((*sets)[0].layout, ModelSet::Layout::kModelParallel);
  EXPECT_THAT((*sets)[0].missing, ElementsAre("consolidated.01.pth"));

  const auto model = Model::Open(folder.Path(), {});
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, Errc::kNotFound);
  EXPECT_THAT(model.error().message, HasSubstr("consolidated.01.pth"));
}

TEST(OpenModel, OrdersRanksByNumber) {
  const auto model = Model::Open(FixturePath("meta-llama2-bf16/consolidated.01.pth"), {});
  ASSERT_TRUE(Ok(model));
  ASSERT_EQ(model->Files().size(), 2u);
  EXPECT_EQ(model->Files()[0].path, "consolidated.00.pth");
  EXPECT_EQ(model->Config().source, "params.json");
  EXPECT_EQ(model->Config().n_heads, 4u);
  EXPECT_TRUE(model->CheckUnchanged());
}

TEST(OpenModel, AsksWhichOfSeveralSets) {
  const TemporaryFolder folder;
  folder.Write("a.safetensors", Safetensors({"a"}));
  folder.Write("b.safetensors", Safetensors({"a"}));
  const auto both = Model::Open(folder.Path(), {});
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().code, Errc::kUsage);
  EXPECT_THAT(both.error().message, HasSubstr("a.safetensors, b.safetensors"));
  EXPECT_TRUE(Ok(Model::Open(folder.Path() / "b.safetensors", {})));

  // One at the top is the model; what lies deeper is something else.
  std::filesystem::remove(folder.Path() / "a.safetensors");
  folder.Write("vae/c.safetensors", Safetensors({"a"}));
  const auto one = Model::Open(folder.Path(), {});
  ASSERT_TRUE(Ok(one));
  EXPECT_EQ(one->Set().name, "b.safetensors");
  ASSERT_EQ(one->Findings().size(), 1u);
  EXPECT_EQ(one->Findings()[0].code, "other-weights");
  EXPECT_THAT(one->Findings()[0].message, HasSubstr("vae/c.safetensors"));
}

TEST(OpenModel, PassesOverAnIndexWithoutItsFiles) {
  const TemporaryFolder folder;
  folder.Write("pytorch_model.bin.index.json", R"({"weight_map": {"a": "pytorch_model.bin"}})");
  EXPECT_EQ(Model::Open(folder.Path(), {}).error().code, Errc::kNotFound);
  folder.Write("model.safetensors", Safetensors({"a"}));
  const auto model = Model::Open(folder.Path(), {});
  ASSERT_TRUE(Ok(model));
  EXPECT_EQ(model->Set().name, "model.safetensors");
}

TEST(OpenModel, SaysWhatADirectoryHoldsInstead) {
  const TemporaryFolder folder;
  folder.Write("notes.txt", "hello");
  EXPECT_EQ(Model::Open(folder.Path(), {}).error().code, Errc::kNotFound);
  folder.Write("model.safetensors", "<!DOCTYPE html><html>Sign in</html>");
  EXPECT_THAT(Model::Open(folder.Path(), {}).error().message, HasSubstr("HTML"));
  EXPECT_EQ(Model::Open(folder.Path() / "none", {}).error().code, Errc::kNotFound);
}

class Indexed : public testing::Test {
 protected:
  Result<Model> Open(const std::string& index) {
    folder_.Write("m.safetensors.index.json", index);
    return Model::Open(folder_.Path() / "m.safetensors.index.json", {});
  }
  void SetUp() override {
    folder_.Write("one.safetensors", Safetensors({"a", "b"}));
    folder_.Write("two.safetensors", Safetensors({"c"}));
  }
  const TemporaryFolder folder_;
};

TEST_F(Indexed, OpensWhatItNames) {
  const auto model = Open(
      R"({"metadata": {"total_size": 3.0},
          "weight_map": {"a": "one.safetensors", "b": "one.safetensors", "c": "two.safetensors"}})");
  ASSERT_TRUE(Ok(model));
  EXPECT_EQ(model->Files().size(), 2u);
  EXPECT_TRUE(model->Findings().empty());
  EXPECT_TRUE(Ok(Model::Open(folder_.Path() / "two.safetensors", {})));
  EXPECT_EQ(Model::Open(folder_.Path() / "two.safetensors", {})->Files().size(), 2u);
}

TEST_F(Indexed, MustAgreeWithItsShards) {
  EXPECT_THAT(
      Open(R"({"weight_map": {"a": "one.safetensors", "x": "two.safetensors"}})").error().message,
      HasSubstr("lists x in two.safetensors, which does not hold it"));
  EXPECT_THAT(
      Open(R"({"weight_map": {"a": "two.safetensors", "b": "one.safetensors"}})").error().message,
      HasSubstr("but one.safetensors holds it"));
  const auto missing = Open(R"({"weight_map": {"a": "gone.safetensors", "b": "one.safetensors"}})");
  EXPECT_EQ(missing.error().code, Errc::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("gone.safetensors"));
  const auto unlisted = Open(R"({"metadata": {"total_size": 7},
                                 "weight_map": {"a": "one.safetensors", "c": "two.safetensors"}})");
  ASSERT_TRUE(Ok(unlisted));
  ASSERT_EQ(unlisted->Findings().size(), 2u);
  EXPECT_EQ(unlisted->Findings()[0].code, "unlisted-tensor");
  EXPECT_EQ(unlisted->Findings()[1].code, "index-total-size");
}

TEST_F(Indexed, MayNotLeaveItsFolder) {
  for (const char* path : {"../one.safetensors", "/etc/passwd", "a\\\\b", ""}) {
    const auto model = Open(std::string(R"({"weight_map": {"a": ")") + path + "\"}}");
    ASSERT_FALSE(model) << path;
    EXPECT_EQ(model.error().code, Errc::kMalformed) << path;
  }
  for (const char* broken :
       {"{}", "[]", "{\"weight_map\": {}}", "{\"weight_map\": {\"a\": 1}}", ""}) {
    EXPECT_EQ(Open(broken).error().code, Errc::kMalformed) << broken;
  }
}

TEST(OpenModel, RefusesOneTensorInTwoShards) {
  const TemporaryFolder folder;
  folder.Write("m-00001-of-00002.safetensors", Safetensors({"a"}));
  folder.Write("m-00002-of-00002.safetensors", Safetensors({"b", "a"}));
  const auto model = Model::Open(folder.Path(), {});
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, Errc::kMalformed);
  EXPECT_THAT(model.error().message, HasSubstr("it holds a, which m-00001-of-00002"));
}

TEST(OpenModel, ChecksGgufSplitsAgainstTheirNumbers) {
  const TemporaryFolder folder;
  const auto open = [&] { return Model::Open(folder.Path(), {}); };
  folder.Write("m-00001-of-00002.gguf", GgufSplit(0, 2));
  EXPECT_THAT(open().error().message, HasSubstr("m-00002-of-00002.gguf"));
  folder.Write("m-00002-of-00002.gguf", GgufSplit(1, 2));
  EXPECT_TRUE(Ok(open()));
  folder.Write("m-00002-of-00002.gguf", GgufSplit(0, 2));
  EXPECT_THAT(open().error().message, HasSubstr("takes place 1 of the splits, split.no is 0"));
  folder.Write("m-00002-of-00002.gguf", GgufSplit(1, 3));
  EXPECT_THAT(open().error().message, HasSubstr("got 2 splits, split.count is 3"));

  const TemporaryFolder other;
  other.Write("renamed.gguf", GgufSplit(1, 2));
  EXPECT_EQ(Model::Open(other.Path(), {}).error().code, Errc::kNotFound);
}

TEST(OpenModel, SurvivesABrokenConfiguration) {
  const TemporaryFolder folder;
  folder.Write("model.safetensors", Safetensors({"a"}));
  folder.Write("config.json", "{\"a\":");
  const auto model = Model::Open(folder.Path(), {});
  ASSERT_TRUE(Ok(model));
  ASSERT_EQ(model->Findings().size(), 1u);
  EXPECT_EQ(model->Findings()[0].code, "unreadable-configuration");
}

}  // namespace
}  // namespace hallmark
