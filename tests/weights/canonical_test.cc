#include "weights/canonical.h"

#include "tests/weights/fake_model.h"

namespace hallmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ModelConfig Config(std::uint64_t width, std::uint64_t heads, std::uint64_t kv_heads) {
  ModelConfig config;
  config.source = "params.json";
  config.hidden_size = width;
  config.n_heads = heads;
  config.n_kv_heads = kv_heads;
  return config;
}

ModelConfig Gguf(std::string architecture, std::uint64_t heads = 2) {
  ModelConfig config = Config(4, heads, heads);
  config.architecture = std::move(architecture);
  return config;
}

std::string BytesOf(const CanonicalTensor& tensor) {
  std::string bytes(tensor.bytes->Size(), '\0');
  EXPECT_TRUE(Ok(tensor.bytes->Read(0, std::as_writable_bytes(std::span(bytes)))));
  return bytes;
}

std::vector<std::string> Names(const CanonicalModel& model) {
  std::vector<std::string> names;
  for (const CanonicalTensor& tensor : model.tensors) names.push_back(tensor.name);
  return names;
}

const CanonicalTensor& Find(const CanonicalModel& model, std::string_view name) {
  const auto found = std::ranges::find(model.tensors, name, &CanonicalTensor::name);
  HM_CHECK(found != model.tensors.end());
  return *found;
}

std::string ErrorOf(const Result<Model>& model) {
  if (!model) return model.error().message;
  const auto canonical = Canonicalise(*model, {});
  return canonical ? "no error" : canonical.error().message;
}

// ---- schemes

TEST(Scheme, IsToldByNamesAndNeedsNoConfigurationForHuggingFaceOrMeta) {
  const auto hub = FakeModel({{Numbers("model.norm.weight", {4})}});
  auto canonical = Canonicalise(*hub, {});
  ASSERT_TRUE(Ok(canonical));
  EXPECT_FALSE(canonical->raw);
  EXPECT_EQ(canonical->scheme, "huggingface");

  const auto meta = FakeModel({{Numbers("norm.weight", {4})}});
  canonical = Canonicalise(*meta, {});
  ASSERT_TRUE(Ok(canonical));
  EXPECT_EQ(canonical->scheme, "meta");
  EXPECT_THAT(Names(*canonical), ElementsAre("model.norm.weight"));
}

TEST(Scheme, OfGgufNamesNeedsAnArchitectureWithARow) {
  const std::vector<FakeTensor> tensors = {Numbers("token_embd.weight", {3, 4}),
                                           Numbers("blk.0.ffn_norm.weight", {4})};
  for (const auto& [architecture, raw] : {std::pair("llama", false),
                                          {"gemma2", false},
                                          {"falcon", true},
                                          {"", true},
                                          {"phi3", false}}) {
    const auto model = FakeModel({tensors}, Gguf(architecture));
    const auto canonical = Canonicalise(*model, {});
    ASSERT_TRUE(Ok(canonical));
    EXPECT_EQ(canonical->raw, raw) << architecture;
  }
}

TEST(Scheme, IsRawWhereSchemesMixOrANameIsForeign) {
  for (const char* stranger : {"norm.weight", "model.layers.0.mlp.extra.weight", "x"}) {
    const auto model = FakeModel({{Numbers("model.norm.weight", {4}), Numbers(stranger, {4})}});
    const auto canonical = Canonicalise(*model, {});
    ASSERT_TRUE(Ok(canonical));
    EXPECT_TRUE(canonical->raw) << stranger;
    EXPECT_EQ(canonical->scheme, "");
  }
}

TEST(Scheme, DropsOneRootKeyThatHoldsAllTensors) {
  for (const char* root : {"state_dict", "model", "module"}) {
    const auto model =
        FakeModel({{Numbers(std::string(root) + ".model.norm.weight", {4})}}, {}, root);
    const auto canonical = Canonicalise(*model, {});
    ASSERT_TRUE(Ok(canonical));
    EXPECT_THAT(Names(*canonical), ElementsAre("model.norm.weight"));
    EXPECT_FALSE(canonical->raw);
  }
  const auto other = FakeModel({{Numbers("ema.model.norm.weight", {4})}}, {}, "ema");
  EXPECT_THAT(Names(*Canonicalise(*other, {})), ElementsAre("ema.model.norm.weight"));
  // Names that only begin alike are no nesting.
  const auto flat = FakeModel({{Numbers("model.norm.weight", {4})}});
  EXPECT_THAT(Names(*Canonicalise(*flat, {})), ElementsAre("model.norm.weight"));
}

TEST(Names, MustBeUtf8AndUnique) {
  EXPECT_THAT(ErrorOf(FakeModel({{Numbers("bad\xff", {1})}})), HasSubstr("not UTF-8"));
  EXPECT_THAT(ErrorOf(FakeModel({{Numbers("surrogate\xed\xa0\x80", {1})}})),
              HasSubstr("not UTF-8"));
  EXPECT_THAT(ErrorOf(FakeModel({{Numbers("a", {1}), Numbers("a", {1})}})),
              HasSubstr("one canonical name"));
  EXPECT_THAT(ErrorOf(FakeModel({{Numbers("layers.0.feed_forward.gate.weight", {1}),
                                  Numbers("layers.0.block_sparse_moe.gate.weight", {1})}})),
              HasSubstr("one canonical name"));
  EXPECT_THAT(ErrorOf(FakeModel({{}})), HasSubstr("no tensors"));
}

TEST(Names, OfShardsMayNotMeet) {
  const auto shards = [](std::string first_root, std::string first, std::string second_root,
                         std::string second) {
    ModelSet set;
    set.layout = ModelSet::Layout::kNumbered;
    std::vector<WeightFile> files;
    files.push_back(
        {"1", nullptr,
         std::make_unique<FakeReader>(std::vector{Numbers(std::move(first), {1})}, first_root)});
    files.push_back(
        {"2", nullptr,
         std::make_unique<FakeReader>(std::vector{Numbers(std::move(second), {1})}, second_root)});
    return Model::FromFiles(std::move(set), std::move(files), {});
  };
  EXPECT_THAT(ErrorOf(shards("", "a", "", "a")), HasSubstr("holds too"));
  EXPECT_THAT(ErrorOf(shards("model", "model.a", "module", "module.a")),
              HasSubstr("two tensors have this name"));
}

// ---- q and k

TEST(RotaryRows, OfInterleavedLayoutsAreSplitIntoHalves) {
  // Two heads of four rows of one value each.
  const FakeTensor meta{
      "layers.0.attention.wq.weight", Dtype::kF32, {8, 1}, F32({0, 1, 2, 3, 4, 5, 6, 7})};
  const auto model = FakeModel({{meta}}, Config(8, 2, 1));
  const auto canonical = Canonicalise(*model, {});
  ASSERT_TRUE(Ok(canonical));
  EXPECT_EQ(BytesOf(canonical->tensors[0]), F32({0, 2, 1, 3, 4, 6, 5, 7}));

  for (const auto& [architecture, permuted] : {std::pair("llama", true),
                                               {"granite", true},
                                               {"smollm3", true},
                                               {"qwen2", false},
                                               {"gemma", false},
                                               {"olmo2", false}}) {
    FakeTensor stored = meta;
    stored.name = "blk.0.attn_q.weight";
    const auto gguf = FakeModel({{stored}}, Gguf(architecture));
    const auto result = Canonicalise(*gguf, {});
    ASSERT_TRUE(Ok(result));
    EXPECT_EQ(BytesOf(result->tensors[0]) == meta.bytes, !permuted) << architecture;
  }
}

TEST(RotaryRows, OfKeysGoByTheirOwnHeadsAndBiasesToo) {
  const FakeTensor key{"blk.0.attn_k.bias", Dtype::kF32, {4}, F32({0, 1, 2, 3})};
  ModelConfig config = Gguf("llama", 4);
  config.n_kv_heads = 1;
  const auto one = FakeModel({{key}}, config);
  EXPECT_EQ(BytesOf(Canonicalise(*one, {})->tensors[0]), F32({0, 2, 1, 3}));
  config.n_kv_heads = 2;
  const auto two = FakeModel({{key}}, config);
  EXPECT_EQ(BytesOf(Canonicalise(*two, {})->tensors[0]), F32({0, 1, 2, 3}));
  config.n_kv_heads.reset();  // as many as query heads: 4 of one row each
  EXPECT_THAT(ErrorOf(FakeModel({{key}}, config)), HasSubstr("not whole rotary pairs of 4 heads"));
}

TEST(RotaryRows, KeepBlocksWhole) {
  std::string blocks;
  for (char row = 0; row < 4; ++row) blocks += std::string(18, row);
  const auto model =
      FakeModel({{{"blk.0.attn_q.weight", Dtype::kQ4_0, {4, 32}, blocks}}}, Gguf("llama", 1));
  EXPECT_EQ(BytesOf(Canonicalise(*model, {})->tensors[0]),
            std::string(18, 0) + std::string(18, 2) + std::string(18, 1) + std::string(18, 3));
}

TEST(RotaryRows, NeedTheNumberOfHeads) {
  const FakeTensor wq = Numbers("layers.0.attention.wq.weight", {4, 4});
  EXPECT_THAT(ErrorOf(FakeModel({{wq}})), HasSubstr("no configuration gives it"));
  ModelConfig varying = Config(4, 2, 2);
  varying.heads_vary = true;
  EXPECT_THAT(ErrorOf(FakeModel({{wq}}, varying)), HasSubstr("different one for each layer"));
  EXPECT_THAT(ErrorOf(FakeModel({{wq}}, Config(4, UINT64_MAX, 1))), HasSubstr("rotary pairs"));
  EXPECT_THAT(ErrorOf(FakeModel({{wq}}, Config(4, 0, 0))), HasSubstr("no configuration gives it"));
  // Without q and k nothing needs it.
  EXPECT_EQ(ErrorOf(FakeModel({{Numbers("layers.0.attention.wv.weight", {4, 4})}})), "no error");
}

TEST(RotaryRows, ShowThatARankIsMissing) {
  EXPECT_THAT(
      ErrorOf(FakeModel({{Numbers("layers.0.attention.wq.weight", {4, 8})}}, Config(8, 2, 2))),
      HasSubstr("got 4 rows from 1 files, params.json says 2 heads of 4"));
}

// ---- model-parallel shards

class Ranks : public testing::Test {
 protected:
  const FakeTensor wv = Numbers("layers.0.attention.wv.weight", {4, 8});
  const FakeTensor wo = Numbers("layers.0.attention.wo.weight", {8, 8});
  const FakeTensor embedding = Numbers("tok_embeddings.weight", {6, 8});
  const FakeTensor norm = Numbers("norm.weight", {8});
  const FakeTensor bias = Numbers("layers.0.attention.wo.bias", {8});
};

TEST_F(Ranks, AreJoinedOnTheAxisOfEachTensor) {
  const ModelConfig config = Config(8, 4, 2);
  const auto whole = FakeModel({{wv, wo, embedding, norm, bias}}, config);
  const auto expected = Canonicalise(*whole, {});
  ASSERT_TRUE(Ok(expected));
  for (const bool by_rows : {false, true}) {
    std::vector<std::vector<FakeTensor>> ranks;
    for (std::uint64_t r = 0; r < 2; ++r) {
      ranks.push_back({RowsOf(wv, r * 2, 2), ColumnsOf(wo, r * 4, 4),
                       by_rows ? RowsOf(embedding, r * 3, 3) : ColumnsOf(embedding, r * 4, 4), norm,
                       bias});
    }
    const auto model = FakeModel(ranks, config);
    const auto canonical = Canonicalise(*model, {});
    ASSERT_TRUE(Ok(canonical));
    ASSERT_EQ(Names(*canonical), Names(*expected));
    for (std::size_t i = 0; i < expected->tensors.size(); ++i) {
      EXPECT_EQ(canonical->tensors[i].shape, expected->tensors[i].shape);
      EXPECT_EQ(BytesOf(canonical->tensors[i]), BytesOf(expected->tensors[i]));
    }
    EXPECT_EQ(Find(*canonical, "model.norm.weight").replicas.size(), 1u);
    EXPECT_EQ(Find(*canonical, "model.layers.0.self_attn.o_proj.bias").replicas.size(), 1u);
    EXPECT_EQ(Find(*canonical, "model.layers.0.self_attn.o_proj.weight").parts.size(), 2u);
  }
}

TEST_F(Ranks, NeedNoConfigurationToJoinAnEmbedding) {
  const auto model =
      FakeModel({{ColumnsOf(embedding, 0, 4), norm}, {ColumnsOf(embedding, 4, 4), norm}});
  const auto canonical = Canonicalise(*model, {});
  ASSERT_TRUE(Ok(canonical));
  EXPECT_EQ(BytesOf(canonical->tensors[0]), embedding.bytes);
  EXPECT_THAT(ErrorOf(FakeModel({{ColumnsOf(embedding, 0, 4)}, {ColumnsOf(embedding, 4, 4)}})),
              HasSubstr("width"));
}

// Fewer key heads than ranks: neighbours hold copies.
TEST_F(Ranks, DropRepeatedKeyHeads) {
  const ModelConfig config = Config(8, 4, 2);  // heads of 2; two key heads are four rows
  const std::vector<std::vector<FakeTensor>> ranks = {
      {RowsOf(wv, 0, 2)}, {RowsOf(wv, 0, 2)}, {RowsOf(wv, 2, 2)}, {RowsOf(wv, 2, 2)}};
  const auto model = FakeModel(ranks, config);
  const auto canonical = Canonicalise(*model, {});
  ASSERT_TRUE(Ok(canonical));
  EXPECT_EQ(BytesOf(canonical->tensors[0]), wv.bytes);
  ASSERT_EQ(canonical->tensors[0].replicas.size(), 2u);
  EXPECT_TRUE(CheckReplicas(*model, canonical->tensors[0], {}));

  auto wrong = ranks;
  std::swap(wrong[1], wrong[2]);
  const auto mixed = FakeModel(wrong, config);
  const auto result = Canonicalise(*mixed, {});
  ASSERT_TRUE(Ok(result));
  EXPECT_FALSE(CheckReplicas(*mixed, result->tensors[0], {}));
}

TEST_F(Ranks, MustFitTogether) {
  const ModelConfig config = Config(8, 4, 2);
  EXPECT_THAT(ErrorOf(FakeModel({{wv, norm}, {wv}}, config)), HasSubstr("1 of 2 ranks hold it"));
  EXPECT_THAT(ErrorOf(FakeModel({{norm}, {norm, wv}}, config)),
              HasSubstr("an earlier rank does not"));
  EXPECT_THAT(ErrorOf(FakeModel({{RowsOf(wv, 0, 3)}, {RowsOf(wv, 3, 1)}}, config)),
              HasSubstr("rows of it"));
  EXPECT_THAT(ErrorOf(FakeModel({{RowsOf(wv, 0, 3)}, {RowsOf(wv, 0, 3)}}, config)),
              HasSubstr("6 rows together, params.json says 2 heads of 2"));
  FakeTensor half = ColumnsOf(wo, 4, 4);
  half.dtype = Dtype::kI32;
  EXPECT_THAT(ErrorOf(FakeModel({{ColumnsOf(wo, 0, 4)}, {half}}, config)), HasSubstr("i32"));
  EXPECT_THAT(
      ErrorOf(FakeModel({{ColumnsOf(wo, 0, 4)}, {ColumnsOf(RowsOf(wo, 0, 4), 4, 4)}}, config)),
      HasSubstr("rank1 as 4x4"));
  EXPECT_THAT(ErrorOf(FakeModel({{Numbers("model.x", {4})}, {Numbers("model.x", {4})}}, config)),
              HasSubstr("no rule says"));
}

// Rows of types below a byte may end within one: no crash.
TEST_F(Ranks, OfOddNibblesAreRefused) {
  const FakeTensor odd{"layers.0.attention.wo.weight", Dtype::kF4E2m1, {2, 3}, "abc"};
  EXPECT_THAT(ErrorOf(FakeModel({{odd}, {odd}}, Config(8, 4, 2))), HasSubstr("not whole bytes"));
}

// ---- experts, norms

TEST(Experts, AreSplitFromTheirStack) {
  const FakeTensor stack = Numbers("blk.3.ffn_gate_exps.weight", {2, 3, 4});
  const auto model = FakeModel({{stack}}, Gguf("llama"));
  const auto canonical = Canonicalise(*model, {});
  ASSERT_TRUE(Ok(canonical));
  EXPECT_THAT(Names(*canonical),
              ElementsAre("model.layers.3.block_sparse_moe.experts.0.w1.weight",
                          "model.layers.3.block_sparse_moe.experts.1.w1.weight"));
  EXPECT_EQ(BytesOf(canonical->tensors[1]), stack.bytes.substr(48));
  EXPECT_THAT(canonical->tensors[1].shape, ElementsAre(3, 4));

  FakeTensor one = stack;
  one.shape = {6, 4};  // a single expert whose dimension of 1 a writer dropped
  const auto single = FakeModel({{one}}, Gguf("qwen3moe"));
  EXPECT_THAT(Names(*Canonicalise(*single, {})),
              ElementsAre("model.layers.3.mlp.experts.0.gate_proj.weight"));
}

TEST(Experts, RefuseStacksOfNoSense) {
  EXPECT_THAT(ErrorOf(FakeModel({{Numbers("blk.3.ffn_up_exps.weight", {4})}}, Gguf("llama"))),
              HasSubstr("3 dimensions"));
  const FakeTensor many{"blk.3.ffn_up_exps.weight", Dtype::kF32, {1ull << 40, 0, 4}, ""};
  EXPECT_THAT(ErrorOf(FakeModel({{many}}, Gguf("llama"))), HasSubstr("limit 65536"));
}

TEST(Norms, OfGemmaInGgufLoseTheOne) {
  const FakeTensor norm{"output_norm.weight", Dtype::kF32, {2}, F32({1, 1.25f})};
  const auto gemma = FakeModel({{norm}}, Gguf("gemma3"));
  const auto canonical = Canonicalise(*gemma, {});
  ASSERT_TRUE(Ok(canonical));
  EXPECT_EQ(canonical->tensors[0].dtype, Dtype::kF64);
  EXPECT_EQ(BytesOf(canonical->tensors[0]), Le64(0) + Le64(std::bit_cast<std::uint64_t>(0.25)));
  const auto llama = FakeModel({{norm}}, Gguf("llama"));
  EXPECT_EQ(BytesOf(Canonicalise(*llama, {})->tensors[0]), norm.bytes);
  EXPECT_THAT(ErrorOf(FakeModel({{{"output_norm.weight", Dtype::kI8, {2}, "ab"}}}, Gguf("gemma"))),
              HasSubstr("1 + w in type i8"));
}

// ---- what is left out

TEST(LeftOut, AreDerivedBuffers) {
  const std::vector<FakeTensor> tensors = {
      Numbers("rope.freqs", {4}),
      Numbers("model.layers.0.self_attn.rotary_emb.inv_freq", {4}),
      Numbers("h.0.attn.masked_bias", {}),
      {"h.0.attn.bias", Dtype::kBool, {2}, "ab"},
      {"h.1.attn.bias", Dtype::kU8, {2}, "ab"},
      Numbers("h.2.attn.bias", {2}),  // a real bias
      {"rope_freqs.weight", Dtype::kF32, {2}, F32({1, 1})},
      Numbers("rope_factors_long.weight", {2})};
  const auto model = FakeModel({tensors});
  const auto canonical = Canonicalise(*model, {});
  ASSERT_TRUE(Ok(canonical));
  EXPECT_THAT(Names(*canonical), ElementsAre("h.2.attn.bias"));
  EXPECT_EQ(canonical->left_out.size(), 7u);
}

TEST(LeftOut, NotRopeFactorsThatNoFormulaExplains) {
  const std::vector<FakeTensor> tensors = {Numbers("output_norm.weight", {4}),
                                           {"rope_freqs.weight", Dtype::kF32, {2}, F32({1, 3})}};
  const auto model = FakeModel({tensors}, Gguf("llama"));
  const auto canonical = Canonicalise(*model, {});
  ASSERT_TRUE(Ok(canonical));
  EXPECT_FALSE(canonical->raw);
  EXPECT_THAT(Names(*canonical), ElementsAre("model.norm.weight", "rope_freqs.weight"));
  ASSERT_EQ(canonical->findings.size(), 1u);
  EXPECT_EQ(canonical->findings[0].code, "unexpected-rope-factors");
}

TEST(LeftOut, LongRopeFactorsIfTheyAreTheConfigurations) {
  ModelConfig config = Gguf("phi3");
  config.rope.long_factors = {1.5, 2.5};
  for (const float second : {2.5f, 2.75f}) {
    const auto model =
        FakeModel({{Numbers("output_norm.weight", {4}),
                    {"rope_factors_long.weight", Dtype::kF32, {2}, F32({1.5f, second})}}},
                  config);
    const auto canonical = Canonicalise(*model, {});
    ASSERT_TRUE(Ok(canonical));
    EXPECT_EQ(canonical->left_out.size(), second == 2.5f ? 1u : 0u);
  }
}

// Strides of 0 make tensors of any size from nothing.
TEST(Canonicalise, RefusesToUnfoldWithoutMeasure) {
  class Unfolding final : public ModelReader {
   public:
    std::string_view FormatName() const override { return "fake"; }
    std::string FormatDetail() const override { return ""; }
    std::span<const TensorInfo> Tensors() const override { return infos_; }
    std::span<const MetadataEntry> Metadata() const override { return {}; }
    std::span<const Finding> Findings() const override { return {}; }
    Result<void> ReadTensor(std::size_t, std::uint64_t, MutableByteSpan) const override {
      return {};
    }

   private:
    std::vector<TensorInfo> infos_ = {{"w", Dtype::kF32, {1ull << 50}, 1ull << 52, {0, 4}, false}};
  };
  std::vector<WeightFile> files;
  files.push_back({"a.pt", nullptr, std::make_unique<Unfolding>()});
  EXPECT_THAT(ErrorOf(Model::FromFiles({}, std::move(files), {})), HasSubstr("unfold"));
}

}  // namespace
}  // namespace hallmark
