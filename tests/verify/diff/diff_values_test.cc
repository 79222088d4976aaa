#include "verify/diff/diff_values.h"

#include <cmath>
#include <limits>

#include "tests/weights/fake_model.h"

namespace hallmark {
namespace {

// A LLaMA of `layers` layers, 8 wide, in Hugging Face's names; every tensor has values of its own.
std::vector<FakeTensor> Llama(std::uint64_t layers) {
  std::vector<FakeTensor> tensors = {Numbers("model.embed_tokens.weight", {40, 8}),
                                     Numbers("lm_head.weight", {40, 8}),
                                     Numbers("model.norm.weight", {8})};
  for (std::uint64_t i = 0; i < layers; ++i) {
    const std::string layer = "model.layers." + std::to_string(i) + ".";
    for (const char* name :
         {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"}) {
      tensors.push_back(Numbers(layer + name + ".weight", {24, 8}));
    }
    for (const char* name : {"mlp.gate_proj", "mlp.up_proj"}) {
      tensors.push_back(Numbers(layer + name + ".weight", {32, 8}));
    }
  }
  return tensors;
}

FakeTensor& Named(std::vector<FakeTensor>& tensors, std::string_view name) {
  const auto found = std::ranges::find(tensors, name, &FakeTensor::name);
  EXPECT_NE(found, tensors.end()) << name;
  return *found;
}

void SetFloat(FakeTensor& tensor, std::size_t at, float value) {
  tensor.bytes.replace(at * 4, 4, Le32(std::bit_cast<std::uint32_t>(value)));
}

DiffReport Compare(std::vector<FakeTensor> a, std::vector<FakeTensor> b, DiffOptions options = {}) {
  ModelConfig config;
  config.n_heads = 2;
  const auto model_a = FakeModel({std::move(a)}, config);
  const auto model_b = FakeModel({std::move(b)}, config);
  EXPECT_TRUE(Ok(model_a) && Ok(model_b));
  DiffReport report;
  EXPECT_TRUE(Ok(DiffByValues(*model_a, *model_b, options, Task{}, &report)));
  return report;
}

const TensorDiff* Find(const DiffReport& report, std::string_view name) {
  for (const TensorDiff& tensor : report.tensors) {
    if (tensor.Name() == name) return &tensor;
  }
  ADD_FAILURE() << "no " << name;
  return nullptr;
}

TEST(DiffByValues, FindsEqualModelsEqual) {
  const DiffReport report = Compare(Llama(2), Llama(2));
  EXPECT_EQ(report.tensors.size(), 15u);
  EXPECT_EQ(report.CountOf(TensorState::kEqual), 15u);
  EXPECT_EQ(report.a.parameters, report.b.parameters);
  EXPECT_EQ(report.a.bytes_read, report.b.bytes_read);
  EXPECT_EQ(report.tensors.front().group, "globals");
  EXPECT_EQ(report.tensors.back().group, "model.layers.1");
}

TEST(DiffByValues, FindsOneValue) {
  auto b = Llama(2);
  SetFloat(Named(b, "model.layers.1.mlp.up_proj.weight"), 77, 1000);
  const DiffReport report = Compare(Llama(2), std::move(b));

  EXPECT_EQ(report.CountOf(TensorState::kDifferent), 1u);
  const TensorDiff* const tensor = Find(report, "model.layers.1.mlp.up_proj.weight");
  ASSERT_TRUE(tensor != nullptr && tensor->values);
  EXPECT_EQ(tensor->state, TensorState::kDifferent);
  EXPECT_EQ(tensor->values->differing, 1u);
  EXPECT_EQ(tensor->values->max_abs_at, 77u);
  EXPECT_EQ(tensor->values->first_differing, 77u);
}

TEST(DiffByValues, NamesACast) {
  auto b = Llama(1);
  FakeTensor& norm = Named(b, "model.norm.weight");
  norm.dtype = Dtype::kF64;
  std::string wide;
  for (std::size_t i = 0; i < 8; ++i) {
    const auto value = static_cast<double>(
        std::bit_cast<float>(LoadLittle<std::uint32_t>(AsBytes(norm.bytes).data() + i * 4)));
    wide += Le64(std::bit_cast<std::uint64_t>(value));
  }
  norm.bytes = wide;
  const DiffReport report = Compare(Llama(1), std::move(b));

  EXPECT_EQ(Find(report, "model.norm.weight")->state, TensorState::kRelated);
  EXPECT_EQ(Find(report, "model.norm.weight")->relations,
            std::vector<std::string>{"cast from f32 to f64"});
}

TEST(DiffByValues, KnowsTensorsThatChangedPlaces) {
  auto b = Llama(2);
  std::swap(Named(b, "model.layers.0.mlp.up_proj.weight").bytes,
            Named(b, "model.layers.1.mlp.up_proj.weight").bytes);
  const DiffReport report = Compare(Llama(2), std::move(b));

  // The same numbers, but not the same model.
  EXPECT_EQ(report.CountOf(TensorState::kDifferent), 2u);
  EXPECT_TRUE(Find(report, "model.layers.0.mlp.up_proj.weight")->moved);
  EXPECT_EQ(Find(report, "model.layers.0.mlp.up_proj.weight")->values->differing, 0u);
  EXPECT_EQ(Find(report, "model.layers.0.mlp.up_proj.weight")->relations,
            std::vector<std::string>{"moved to model.layers.1.mlp.up_proj.weight"});
}

// Values of one tensor that happen to be another's as well are no reason to leave the names.
TEST(DiffByValues, ATensorThatIsLikeItsNamesakeStaysWithIt) {
  auto a = Llama(2), b = Llama(2);
  FakeTensor& up = Named(b, "model.layers.0.mlp.up_proj.weight");
  for (std::size_t i = 0; i < 256; i += 3) {
    const auto bits = LoadLittle<std::uint32_t>(AsBytes(up.bytes).data() + i * 4);
    SetFloat(up, i, std::bit_cast<float>(bits) * 1.01f);
  }
  Named(a, "model.layers.1.mlp.gate_proj.weight").bytes = up.bytes;
  Named(b, "model.layers.1.mlp.gate_proj.weight").bytes = up.bytes;
  const DiffReport report = Compare(a, b);
  EXPECT_EQ(report.CountOf(TensorState::kDifferent), 1u);
  EXPECT_EQ(Find(report, "model.layers.0.mlp.up_proj.weight")->values->differing, 86u);
}

TEST(DiffByValues, KnowsRenamedTensors) {
  auto b = Llama(1);
  Named(b, "model.layers.0.mlp.up_proj.weight").name = "something.else";
  // The name is not known, so nobody can say whether it means the same.
  const DiffReport report = Compare(Llama(1), std::move(b));
  EXPECT_EQ(report.CountOf(TensorState::kNotCompared), 1u);
  EXPECT_EQ(report.CountOf(TensorState::kOnlyInA), 0u);
  EXPECT_EQ(Find(report, "model.layers.0.mlp.up_proj.weight")->b->name, "something.else");
}

// "transformer." before every name, as where a model is part of another; layers stay apart.
TEST(DiffByValues, SeesThroughAPrefixOfAllNames) {
  std::vector<FakeTensor> a, b;
  for (const char* name : {"h.0.attn.c_attn.weight", "h.1.attn.c_attn.weight", "wpe.weight"}) {
    a.push_back(Numbers(name, {24, 8}));
    b.push_back(a.back());
    b.back().name = "transformer." + a.back().name;
  }
  a.push_back({"h.0.attn.c_attn.bias", Dtype::kF32, {2}, F32({0, 0})});
  b.push_back({"transformer.h.0.attn.c_attn.bias", Dtype::kF32, {2}, F32({0, 0})});
  const DiffReport same = Compare(a, b);
  EXPECT_EQ(same.CountOf(TensorState::kRelated), 4u);
  std::swap(b[0].bytes, b[1].bytes);
  const DiffReport swapped = Compare(a, b);
  EXPECT_EQ(swapped.CountOf(TensorState::kDifferent), 2u);
}

TEST(DiffByValues, RowsOfZerosAreADifferenceOutsideEmbeddings) {
  auto b = Llama(1);
  FakeTensor& norm = Named(b, "model.norm.weight");
  norm.shape[0] += 8;
  norm.bytes += std::string(8 * 4, '\0');
  const DiffReport report = Compare(Llama(1), b);
  EXPECT_EQ(Find(report, "model.norm.weight")->state, TensorState::kDifferent);
}

TEST(DiffByValues, WideIntegersAreNotComparedWithFloats) {
  std::vector<FakeTensor> a = {{"x", Dtype::kI64, {1}, Le64((1ull << 53) + 1)}};
  std::vector<FakeTensor> b = {{"x", Dtype::kF64, {1}, Le64(std::bit_cast<std::uint64_t>(0x1p53))}};
  EXPECT_EQ(Compare(a, b).CountOf(TensorState::kNotCompared), 1u);
}

TEST(DiffByValues, OtherBytesOfComplexNumbersAreOtherValues) {
  std::vector<FakeTensor> a = {{"x", Dtype::kC64, {1}, F32({1, 2})}};
  std::vector<FakeTensor> b = {{"x", Dtype::kC64, {1}, F32({1, 3})}};
  const DiffReport report = Compare(a, b);
  EXPECT_EQ(report.tensors.front().state, TensorState::kDifferent);
  EXPECT_TRUE(report.tensors.front().relations.empty());
}

TEST(DiffByValues, TakesFusedTensorsApart) {
  auto b = Llama(1);
  const std::string layer = "model.layers.0.self_attn.";
  FakeTensor fused{layer + "qkv_proj.weight", Dtype::kF32, {72, 8}, ""};
  for (const char* part : {"q_proj", "k_proj", "v_proj"}) {
    fused.bytes += Named(b, layer + part + ".weight").bytes;
    std::erase_if(b, [&](const FakeTensor& t) { return t.name == layer + part + ".weight"; });
  }
  SetFloat(fused, 24 * 8 + 3, 1000);
  b.push_back(fused);
  const DiffReport report = Compare(Llama(1), b);

  EXPECT_EQ(Find(report, layer + "q_proj.weight")->state, TensorState::kRelated);
  EXPECT_EQ(Find(report, layer + "k_proj.weight")->state, TensorState::kDifferent);
  EXPECT_EQ(Find(report, layer + "k_proj.weight")->values->first_differing, 3u);
  EXPECT_EQ(Find(report, layer + "v_proj.weight")->state, TensorState::kRelated);
  EXPECT_EQ(report.CountOf(TensorState::kOnlyInB), 0u);
}

TEST(DiffByValues, RowsOfZerosAreNoDifferenceOthersAre) {
  for (const bool zero : {true, false}) {
    auto b = Llama(1);
    FakeTensor& embedding = Named(b, "model.embed_tokens.weight");
    embedding.shape[0] += 4;
    embedding.bytes += std::string(4 * 8 * 4, '\0');
    if (!zero) SetFloat(embedding, 43 * 8, 1);
    const DiffReport report = Compare(Llama(1), b);
    const TensorDiff* const tensor = Find(report, "model.embed_tokens.weight");
    EXPECT_EQ(tensor->state, zero ? TensorState::kRelated : TensorState::kDifferent);
    EXPECT_EQ(tensor->values->values, 320u);
    EXPECT_EQ(tensor->relations, std::vector<std::string>{zero ? "rows 40 to 43 only in B, all zero"
                                                               : "rows 40 to 43 only in B"});
  }
}

TEST(DiffByValues, KnowsATiedOutputEmbedding) {
  auto a = Llama(1), b = Llama(1);
  Named(a, "lm_head.weight").bytes = Named(a, "model.embed_tokens.weight").bytes;
  std::erase_if(b, [](const FakeTensor& t) { return t.name == "lm_head.weight"; });
  const DiffReport tied = Compare(a, b);
  EXPECT_EQ(tied.CountOf(TensorState::kOnlyInA), 0u);
  EXPECT_EQ(tied.CountOf(TensorState::kDifferent), 0u);

  const DiffReport untied = Compare(Llama(1), b);
  EXPECT_EQ(Find(untied, "lm_head.weight")->state, TensorState::kDifferent);
}

TEST(DiffByValues, TellsWhatOnlyOneHas) {
  const DiffReport report = Compare(Llama(2), Llama(1));
  EXPECT_EQ(report.CountOf(TensorState::kOnlyInA), 6u);
  EXPECT_EQ(report.CountOf(TensorState::kEqual), 9u);
}

TEST(DiffByValues, OtherShapesDiffer) {
  auto b = Llama(1);
  FakeTensor& tensor = Named(b, "model.layers.0.mlp.up_proj.weight");
  tensor = Numbers("model.layers.0.mlp.up_proj.weight", {32, 9});
  const DiffReport report = Compare(Llama(1), b);
  EXPECT_EQ(Find(report, tensor.name)->state, TensorState::kDifferent);
  EXPECT_EQ(Find(report, tensor.name)->reason, "shape 32x8 in A, 32x9 in B");
}

TEST(DiffByValues, AnUnreadableTensorIsNotEqual) {
  auto b = Llama(1);
  Named(b, "model.layers.0.mlp.up_proj.weight").broken = true;
  const DiffReport report = Compare(Llama(1), b);
  EXPECT_EQ(report.CountOf(TensorState::kNotCompared), 1u);
  EXPECT_EQ(report.CountOf(TensorState::kEqual), 8u);
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].code, "unreadable-tensor");
}

TEST(DiffByValues, NanAgainstTheSameNanIsEqual) {
  auto a = Llama(1), b = Llama(1);
  SetFloat(Named(a, "model.norm.weight"), 3, std::numeric_limits<float>::quiet_NaN());
  SetFloat(Named(b, "model.norm.weight"), 3, std::numeric_limits<float>::quiet_NaN());
  SetFloat(Named(b, "model.embed_tokens.weight"), 0, std::numeric_limits<float>::infinity());
  const DiffReport report = Compare(a, b);
  EXPECT_EQ(Find(report, "model.norm.weight")->state, TensorState::kEqual);
  EXPECT_EQ(Find(report, "model.norm.weight")->values->nan_a, 1u);
  EXPECT_EQ(Find(report, "model.embed_tokens.weight")->values->infinite_b, 1u);
  EXPECT_EQ(Find(report, "model.embed_tokens.weight")->state, TensorState::kDifferent);
}

TEST(DiffByValues, CountsUlpsWhereAskedFor) {
  auto b = Llama(1);
  FakeTensor& norm = Named(b, "model.norm.weight");
  const auto bits = LoadLittle<std::uint32_t>(AsBytes(norm.bytes).data());
  norm.bytes.replace(0, 4, Le32(bits + 5));
  const DiffReport report = Compare(Llama(1), b, {.ulps = true});
  ASSERT_TRUE(Find(report, "model.norm.weight")->ulps);
  EXPECT_EQ(Find(report, "model.norm.weight")->ulps->bins[0], 7u);
  EXPECT_EQ(Find(report, "model.norm.weight")->ulps->bins[3], 1u);
  EXPECT_FALSE(Find(report, "lm_head.weight")->ulps);
}

TEST(DiffByValues, EmptyTensorsAreEqual) {
  auto a = Llama(1), b = Llama(1);
  a.push_back({"empty", Dtype::kF32, {0, 8}, ""});
  b.push_back({"empty", Dtype::kF32, {0, 8}, ""});
  const DiffReport report = Compare(a, b);
  EXPECT_EQ(Find(report, "empty")->state, TensorState::kEqual);
}

}  // namespace
}  // namespace hallmark
