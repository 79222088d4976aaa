// The containers of 2023 that no tool writes any more: legacy GGML, alone and in parts, and
// llama2.c. They are built around tensors of other fixtures, which torch and llama.cpp wrote.
#include <algorithm>
#include <map>

#include "formats/registry.h"
#include "src/base/text.h"
#include "src/model/architecture.h"
#include "tests/formats/ggml_legacy_bytes.h"
#include "tests/formats/llama2c_bytes.h"
#include "weights/identity.h"
#include "weights/model_sets.h"

namespace hallmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// docs/identity.md, "Vectors".
constexpr std::string_view kTiny =
    "hm1:f002385abf1bde44ed161deb1aa760168242ff88844c4a9c9e9a6781181f17ee";
constexpr std::array<std::uint32_t, 7> kTinyGgml = {0, 64, 32, 4, 2, 16, 0};
constexpr Llama2cConfig kTinyLlama2c = {64, 160, 2, 4, 2, -320, 7};

struct Tensor {
  Dtype dtype;
  Shape shape;
  std::string bytes;
};
using Tensors = std::map<std::string, Tensor>;  // by Meta's names

// "blk.1.attn_q.weight" -> "layers.1.attention.wq.weight"; Meta's own names stay.
std::string MetaName(const std::string& name) {
  const auto match = MatchName(NameScheme::kGguf, FindArchitecture("llama"), name);
  if (!match) return name;
  std::string meta(match->rule->meta);
  if (const std::size_t at = meta.find('#'); at != std::string::npos) {
    meta.replace(at, 1, match->layer);
  }
  return meta + ".weight";
}

Tensors TensorsOf(std::string_view fixture) {
  const auto file = OpenFile(FixturePath(fixture));
  EXPECT_TRUE(Ok(file));
  const auto reader = OpenContainer(**file);
  EXPECT_TRUE(Ok(reader));
  Tensors tensors;
  for (std::size_t i = 0; i < (*reader)->Tensors().size(); ++i) {
    const TensorInfo& info = (*reader)->Tensors()[i];
    std::vector<std::byte> bytes(info.payload_bytes);
    EXPECT_TRUE(Ok((*reader)->ReadTensor(i, 0, bytes)));
    tensors[MetaName(info.name)] = {info.dtype, info.shape, std::string(AsText(bytes))};
  }
  return tensors;
}

// bf16 is the upper half of f32.
std::string Widened(const std::string& bf16) {
  std::string f32;
  for (std::size_t i = 0; i < bf16.size(); i += 2) f32 += std::string(2, '\0') + bf16.substr(i, 2);
  return f32;
}

GgmlLegacyFile TinyGgml(const Tensors& tensors) {
  GgmlLegacyFile file{.hyperparameters = kTinyGgml};
  for (const auto& [name, tensor] : tensors) {
    if (name == "rope.freqs") continue;  // llama.cpp's converter left it out
    std::vector<std::uint32_t> ne(tensor.shape.begin(), tensor.shape.end());
    std::ranges::reverse(ne);
    const bool is_bf16 = tensor.dtype == Dtype::kBf16;
    file.tensors.push_back({name, ne, tensor.dtype == Dtype::kF16 ? 1u : 0u,
                            is_bf16 ? Widened(tensor.bytes) : tensor.bytes});
  }
  return file;
}

std::string Identity(const std::filesystem::path& path) {
  const auto model = Model::Open(path, {});
  if (!model) return "error: " + model.error().message;
  const auto identity = ComputeIdentity(*model, {});
  return identity ? identity->ToString() : "error: " + identity.error().message;
}

class LegacyContainers : public testing::Test {
 protected:
  void WriteParams() const {
    folder_.Write("params.json", ReadFixture("meta-llama2-bf16/params.json"));
  }
  const TemporaryFolder folder_;
};

TEST_F(LegacyContainers, LegacyGgmlHasTheIdentityOfItsModel) {
  WriteParams();
  struct Row {
    std::string_view magic;
    std::optional<std::uint32_t> version;
  };
  for (const std::string_view source : {"gguf/tiny-f32.gguf", "gguf/tiny-f16.gguf"}) {
    GgmlLegacyFile file = TinyGgml(TensorsOf(source));
    for (const Row& row : {Row{"lmgg", std::nullopt}, Row{"fmgg", 1}, Row{"tjgg", 1},
                           Row{"tjgg", 2}, Row{"tjgg", 3}}) {
      file.magic = row.magic;
      file.version = row.version;
      EXPECT_EQ(Identity(folder_.Write("ggml-model.bin", file.Text())), kTiny)
          << source << " " << row.magic << " " << row.version.value_or(0);
    }
  }
}

TEST_F(LegacyContainers, LegacyGgmlMustBeToldOfSharedKeyHeads) {
  const auto path =
      folder_.Write("ggml-model.bin", TinyGgml(TensorsOf("gguf/tiny-f32.gguf")).Text());
  const auto alone = Model::Open(path, {});
  ASSERT_TRUE(Ok(alone));
  EXPECT_EQ(alone->Config().source, "ggml-model.bin");
  EXPECT_EQ(alone->Config().n_heads, 4u);
  const auto identity = ComputeIdentity(*alone, {});
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().message,
            "got 32 rows from 1 files, ggml-model.bin says 4 heads of 16");
  EXPECT_THAT(identity.error().hint, HasSubstr("params.json"));

  // That of another model does not count.
  folder_.Write("params.json", R"({"dim": 128, "n_heads": 4, "n_kv_heads": 2, "n_layers": 2})");
  const auto misled = Model::Open(path, {});
  ASSERT_TRUE(Ok(misled));
  EXPECT_FALSE(misled->Config().n_kv_heads);
  ASSERT_EQ(misled->Findings().size(), 1u);
  EXPECT_EQ(misled->Findings()[0].code, "other-configuration");

  WriteParams();
  EXPECT_EQ(Identity(path), kTiny);
}

TEST_F(LegacyContainers, PartsOfLegacyGgmlAreJoinedAsMetasShards) {
  WriteParams();
  for (const std::string_view magic : {"lmgg", "fmgg"}) {
    for (int part = 0; part < 2; ++part) {
      GgmlLegacyFile file =
          TinyGgml(TensorsOf("meta-llama2-bf16/consolidated.0" + std::to_string(part) + ".pth"));
      file.magic = magic;
      file.version = magic == "fmgg" ? std::optional(1u) : std::nullopt;
      folder_.Write(part == 0 ? "ggml-model.bin" : "ggml-model.bin.1", file.Text());
    }
    const auto model = Model::Open(folder_.Path(), {});
    ASSERT_TRUE(Ok(model));
    EXPECT_EQ(model->Set().name, "ggml-model.bin.* (2 files)");
    EXPECT_EQ(model->Set().layout, ModelSet::Layout::kModelParallel);
    EXPECT_EQ(Identity(folder_.Path()), kTiny);
    EXPECT_EQ(Identity(folder_.Path() / "ggml-model.bin"), kTiny);
    EXPECT_EQ(Identity(folder_.Path() / "ggml-model.bin.1"), kTiny);
  }
}

TEST_F(LegacyContainers, MissingPartsAreNamed) {
  GgmlLegacyFile part = SmallGgml();
  part.hyperparameters[1] = 12;  // three parts of four columns
  part.hyperparameters[5] = 6;
  const std::string text = part.Text();
  const auto missing = [&] {
    const auto sets = FindModelSets(*FolderOnDisk(folder_.Path()), *ListFiles(folder_.Path()));
    EXPECT_TRUE(Ok(sets));
    return sets->size() == 1 ? sets->front().missing : std::vector<std::string>{"several sets"};
  };
  folder_.Write("m.bin.1", text);
  EXPECT_THAT(missing(), ElementsAre("m.bin", "m.bin.2"));
  folder_.Write("m.bin", text);
  EXPECT_THAT(missing(), ElementsAre("m.bin.2"));
  EXPECT_THAT(Model::Open(folder_.Path() / "m.bin", {}).error().message, HasSubstr("m.bin.2"));
  folder_.Write("m.bin.2", text);
  EXPECT_THAT(missing(), ElementsAre());

  // A second download that wget named so is no part.
  const TemporaryFolder other;
  other.Write("m.bin", SmallGgml().Text());
  other.Write("m.bin.1", SmallGgml().Text());
  const auto twice = Model::Open(other.Path() / "m.bin", {});
  ASSERT_TRUE(Ok(twice));
  EXPECT_EQ(twice->Files().size(), 1u);
}

// Blocks that did not change between versions are the same weights in each; those that did are not.
TEST_F(LegacyContainers, IdentitiesFollowTheBlocks) {
  const auto of = [](std::string_view name) {
    return Identity(FixturePath("ggml-legacy/" + std::string(name) + ".bin"));
  };
  const std::string f16 = of("ggml-f16"), q4_0 = of("ggml-q4_0");
  EXPECT_THAT(f16, testing::StartsWith("hm1:"));
  EXPECT_THAT(q4_0, testing::StartsWith("hm1:"));
  for (const std::string_view name : {"ggmf-v1-f16", "ggjt-v1-f16", "ggjt-v2-f16", "ggjt-v3-f16"}) {
    EXPECT_EQ(of(name), f16) << name;
  }
  EXPECT_EQ(of("ggmf-v1-q4_0"), q4_0);
  EXPECT_EQ(of("ggjt-v1-q4_0"), q4_0);
  EXPECT_NE(of("ggjt-v2-q4_0"), q4_0);
  EXPECT_NE(of("ggjt-v3-q4_0"), of("ggjt-v2-q4_0"));
}

// export.py of llama2.c: the order of the kinds; "#" is every layer in turn.
std::string Stacked(const Tensors& tensors, std::initializer_list<std::string_view> kinds) {
  std::string data;
  for (const std::string_view kind : kinds) {
    for (int layer = 0; layer < 2; ++layer) {
      std::string name(kind);
      const std::size_t at = name.find('#');
      if (at != std::string::npos) name.replace(at, 1, std::to_string(layer));
      data += tensors.at(name + ".weight").bytes;
      if (at == std::string::npos) break;
    }
  }
  return data;
}

TEST_F(LegacyContainers, Llama2cHasTheIdentityOfItsModel) {
  const Tensors tiny = TensorsOf("gguf/tiny-f32.gguf");
  const std::string v0 =
      Llama2cHeader(kTinyLlama2c) +
      Stacked(tiny, {"tok_embeddings", "layers.#.attention_norm", "layers.#.attention.wq",
                     "layers.#.attention.wk", "layers.#.attention.wv", "layers.#.attention.wo",
                     "layers.#.ffn_norm", "layers.#.feed_forward.w1", "layers.#.feed_forward.w2",
                     "layers.#.feed_forward.w3", "norm"}) +
      std::string(2 * 7 * 8 * 4, 'r') + Stacked(tiny, {"output"});
  const auto path = folder_.Write("stories.bin", v0);
  EXPECT_EQ(Identity(path), kTiny);
  const auto identity = ComputeIdentity(*Model::Open(path, {}), {});
  ASSERT_TRUE(Ok(identity));
  ASSERT_EQ(identity->left_out.size(), 2u);
  EXPECT_EQ(identity->left_out[0].stored_name, "freqs_cos");
  EXPECT_EQ(identity->left_out[1].stored_name, "freqs_sin");

  Llama2cConfig config = kTinyLlama2c;
  config[5] = 320;
  const std::string v1 =
      Llama2cHeader(1, config, std::string(1, '\0')) +
      Stacked(tiny, {"layers.#.attention_norm", "layers.#.ffn_norm", "norm", "tok_embeddings",
                     "layers.#.attention.wq", "layers.#.attention.wk", "layers.#.attention.wv",
                     "layers.#.attention.wo", "layers.#.feed_forward.w1",
                     "layers.#.feed_forward.w2", "layers.#.feed_forward.w3", "output"});
  EXPECT_EQ(Identity(folder_.Write("v1.bin", v1)), kTiny);
}

// Quants and scales are no weights that any other container holds.
TEST_F(LegacyContainers, QuantisedLlama2cHasOnlyARawIdentity) {
  constexpr std::size_t kNorms = 2 * 8 + 4, kMatrices = 2 * (2 * 16 + 2 * 8 + 3 * 24) + 12;
  const std::string text = Llama2cHeader(2, {4, 6, 2, 2, 1, 3, 5}, "\1" + Le32(4)) +
                           std::string(kNorms * 4 + kMatrices + kMatrices, 'q');
  EXPECT_THAT(Identity(folder_.Write("v2.bin", text)), testing::StartsWith("hm1raw:"));
}

TEST(ParsePartName, TakesPartNamesApart) {
  EXPECT_EQ(ParsePartName("ggml-model-f16.bin.2").base, "ggml-model-f16.bin");
  EXPECT_EQ(ParsePartName("ggml-model-f16.bin.2").part, 2u);
  EXPECT_EQ(ParsePartName("ggml-model-f16.bin.2").NameOf(0), "ggml-model-f16.bin");
  EXPECT_EQ(ParsePartName("ggml-model-f16.bin").NameOf(3), "ggml-model-f16.bin.3");
  for (const std::string_view whole :
       {"", "m.bin", "m.bin.0", "m.bin.01", "m.bin.", "m.x1", ".1"}) {
    EXPECT_EQ(ParsePartName(whole).base, whole);
    EXPECT_EQ(ParsePartName(whole).part, 0u);
  }
}

}  // namespace
}  // namespace hallmark
