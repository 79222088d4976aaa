#include "transform/quantisation_mix.h"

#include <fmt/format.h>

#include <set>

#include "src/base/text.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const QuantisationMix& Mix(std::string_view name) { return *FindQuantisationMix(name); }

ModelCounts Counts() {
  return {.architecture = "llama", .layers = 2, .heads = 4, .key_value_heads = 4};
}

Result<QuantisationChoice> Choose(std::string_view mix, const std::vector<TensorToWrite>& tensors,
                                  const ImportanceMatrix* importance = nullptr,
                                  bool requantise = false) {
  return ChooseQuantisation(Mix(mix), Counts(), tensors, importance, requantise);
}

TEST(QuantisationMixes, HaveDistinctNamesAndNumbersThatFindThem) {
  std::set<FileType> numbers;
  for (const QuantisationMix& mix : AllQuantisationMixes()) {
    EXPECT_TRUE(numbers.insert(mix.file_type).second) << mix.name;
    EXPECT_EQ(FindQuantisationMix(mix.name), &mix);
    EXPECT_EQ(FindQuantisationMix(AsciiLower(mix.name)), &mix);
  }
  EXPECT_EQ(Mix("q4_k").name, "Q4_K_M");
  EXPECT_EQ(FindQuantisationMix("Q4"), nullptr);
  EXPECT_EQ(FindQuantisationMix(""), nullptr);
}

TEST(QuantisationMixes, AreThoseOfTheirPage) {
  const std::string page = ReadFixture("../../../docs/quantisation-mixes.md");
  for (const QuantisationMix& mix : AllQuantisationMixes()) {
    const std::string row =
        fmt::format("| `{}` | {} | `{}` |", mix.name, static_cast<std::uint32_t>(mix.file_type),
                    DtypeName(mix.dtype));
    const std::size_t at = page.find(row);
    ASSERT_NE(at, std::string::npos) << row;
    const std::string line = page.substr(at, page.find('\n', at) - at);
    EXPECT_TRUE(line.ends_with(mix.is_written ? "| yes |" : "| no |")) << line;
  }
}

TEST(ChooseQuantisation, SortsByBlockThenByBytesWithOthersFirst) {
  const Shape shape = {2, 256};
  const std::vector<TensorToWrite> tensors = {
      {"blk.10.a.weight", Dtype::kF32, shape}, {"blk.9.b.weight", Dtype::kF32, shape},
      {"blk.9.a.weight", Dtype::kF32, shape},  {"token_embd.weight", Dtype::kF32, shape},
      {"blk.x.weight", Dtype::kF32, shape},    {"Blk.weight", Dtype::kF32, shape}};

  const auto choice = Choose("Q8_0", tensors);

  ASSERT_TRUE(Ok(choice));
  std::vector<std::size_t> order;
  for (const TensorQuantisation& tensor : choice->tensors) order.push_back(tensor.tensor);
  EXPECT_THAT(order, ElementsAre(5, 4, 3, 2, 1, 0));
}

TEST(ChooseQuantisation, KeepsWhatIsNoMatrixOfWeights) {
  const Shape matrix = {4, 256};
  struct Case {
    TensorToWrite tensor;
    std::string_view because;
  };
  for (const Case& c : {
           Case{{"blk.0.a.weight", Dtype::kF32, {256}}, "a vector"},
           Case{{"blk.0.a.weight", Dtype::kF32, {1, 1, 256}}, "a vector"},
           Case{{"blk.0.a.weight", Dtype::kF32, {}}, "a vector"},
           Case{{"blk.0.attn_norm.weight", Dtype::kF32, matrix}, "a norm"},
           Case{{"blk.0.attn_q.bias", Dtype::kF32, matrix}, "its name does not end with weight"},
           Case{{"blk.0.ffn_gate_inp.weight", Dtype::kF32, matrix}, "chooses experts"},
           Case{{"position_embd.weight", Dtype::kI32, matrix}, "a position embedding"},
           Case{{"blk.0.attn_q.weight", Dtype::kQ4_0, matrix}, "of this type already"},
       }) {
    const auto choice = Choose("Q4_0", {c.tensor});
    ASSERT_TRUE(Ok(choice));
    EXPECT_EQ(choice->tensors[0].dtype, c.tensor.dtype) << c.tensor.name;
    EXPECT_EQ(choice->tensors[0].kept_because, c.because) << c.tensor.name;
  }
}

TEST(ChooseQuantisation, NamesTheTypesThatDidNotFit) {
  const auto choice = Choose("Q4_K_S", {{"blk.0.ffn_up.weight", Dtype::kF32, {2, 96}},
                                        {"blk.1.ffn_up.weight", Dtype::kF32, {2, 96}},
                                        {"blk.1.ffn_gate.weight", Dtype::kF32, {2, 40}}});
  ASSERT_TRUE(Ok(choice));
  EXPECT_EQ(choice->tensors[0].dtype, Dtype::kQ5_0);
  EXPECT_EQ(choice->tensors[0].meant, Dtype::kQ4_K);
  EXPECT_EQ(choice->tensors[1].dtype, Dtype::kF16);
  ASSERT_EQ(choice->findings.size(), 2U);
  EXPECT_EQ(choice->findings[0].code, "quantisation-fallback");
  EXPECT_EQ(choice->findings[0].subject, "blk.0.ffn_up.weight");
  EXPECT_THAT(choice->findings[0].message, HasSubstr("q5_0 instead of q4_k"));
  EXPECT_THAT(choice->findings[0].message, HasSubstr(": 2,"));
  EXPECT_EQ(choice->findings[1].subject, "blk.1.ffn_gate.weight");
}

TEST(ChooseQuantisation, GivesEachTensorItsImportance) {
  ImportanceMatrix importance;
  importance.path = "m.gguf";
  importance.weights["blk.0.ffn_up.weight"].assign(32, 1.0F);
  importance.weights["blk.0.ffn_up_exps.weight"].assign(96, 2.0F);
  importance.weights["token_embd.weight"].assign(7, 1.0F);  // of another vocabulary, say
  const std::vector<TensorToWrite> tensors = {
      {"token_embd.weight", Dtype::kF32, {2, 32}},
      {"blk.0.attn_q.weight", Dtype::kF32, {2, 32}},
      {"blk.0.ffn_up.weight", Dtype::kF32, {2, 32}},
      {"blk.0.ffn_up_exps.weight", Dtype::kF32, {3, 2, 32}}};

  const auto choice = Choose("Q8_0", tensors, &importance);

  ASSERT_TRUE(Ok(choice));
  EXPECT_THAT(choice->tensors[0].importance, IsEmpty());
  EXPECT_THAT(choice->tensors[1].importance, IsEmpty());
  EXPECT_EQ(choice->tensors[2].importance.size(), 32U);
  EXPECT_EQ(choice->tensors[3].importance.size(), 96U);
  ASSERT_EQ(choice->findings.size(), 1U);
  EXPECT_EQ(choice->findings[0].code, "importance-missing");
  EXPECT_EQ(choice->findings[0].subject, "blk.0.attn_q.weight");
}

TEST(ChooseQuantisation, RefusesImportanceOfAnotherShape) {
  ImportanceMatrix importance;
  importance.path = "m.gguf";
  importance.weights["blk.0.ffn_up.weight"].assign(64, 1.0F);

  const auto choice = Choose("Q4_0", {{"blk.0.ffn_up.weight", Dtype::kF32, {2, 32}}}, &importance);

  ASSERT_FALSE(choice);
  EXPECT_EQ(choice.error().code, Errc::kMalformed);
  EXPECT_EQ(choice.error().subject, "m.gguf");
  EXPECT_THAT(choice.error().message, HasSubstr("64 weights"));
}

TEST(ChooseQuantisation, AsksForImportanceWhereAllElseIsGarbage) {
  const std::vector<TensorToWrite> tensors = {{"blk.0.ffn_up.weight", Dtype::kF32, {2, 256}}};
  ImportanceMatrix other;
  other.weights["blk.1.ffn_up.weight"].assign(256, 1.0F);
  for (const char* mix :
       {"IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M", "IQ3_XXS", "IQ3_XS", "Q2_K_S"}) {
    // IQ3_XS has its smallest type in the middle layers only: one of four.
    ModelCounts counts = Counts();
    counts.layers = mix == std::string_view("IQ3_XS") ? 4 : 2;
    for (const ImportanceMatrix* importance : {static_cast<const ImportanceMatrix*>(nullptr),
                                               static_cast<const ImportanceMatrix*>(&other)}) {
      const auto choice = ChooseQuantisation(Mix(mix), counts, tensors, importance, false);
      ASSERT_FALSE(choice) << mix;
      EXPECT_EQ(choice.error().code, Errc::kUsage);
      EXPECT_EQ(choice.error().subject, "blk.0.ffn_up.weight");
    }
  }
}

TEST(ChooseQuantisation, RefusesAQuantisedSourceUnlessAskedToGoOn) {
  const std::vector<TensorToWrite> tensors = {{"blk.0.ffn_up.weight", Dtype::kQ8_0, {2, 256}}};

  const auto refused = Choose("Q4_0", tensors);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kUsage);
  EXPECT_THAT(refused.error().message, HasSubstr("q8_0"));

  const auto chosen = Choose("Q4_0", tensors, nullptr, true);
  ASSERT_TRUE(Ok(chosen));
  EXPECT_EQ(chosen->tensors[0].dtype, Dtype::kQ4_0);
}

TEST(ChooseQuantisation, RefusesWhatItHasNoRuleFor) {
  const Shape matrix = {2, 256};
  const auto number = Choose("Q4_0", {{"blk.0.a.weight", Dtype::kI32, matrix}});
  ASSERT_FALSE(number);
  EXPECT_EQ(number.error().code, Errc::kUnsupported);

  const auto rows = Choose("Q1_0", {{"blk.0.a.weight", Dtype::kF32, {2, 96}}});
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, Errc::kUnsupported);

  ModelCounts counts = Counts();
  counts.architecture = "glm5-next";
  const auto architecture = ChooseQuantisation(Mix("Q4_0"), counts, {}, nullptr, false);
  ASSERT_FALSE(architecture);
  EXPECT_EQ(architecture.error().code, Errc::kUnsupported);
}

TEST(ChooseQuantisation, RefusesBlocksThatAModelOfExpertsDoesNotHave) {
  ModelCounts counts = Counts();
  counts.experts = 8;
  for (const char* name : {"blk.2.ffn_down_exps.weight", "blk.99999999999999999999.ffn_up.weight",
                           "ffn_gate.weight"}) {
    const auto choice = ChooseQuantisation(
        Mix("Q4_K_M"), counts, std::vector<TensorToWrite>{{name, Dtype::kF32, {8, 2, 256}}},
        nullptr, false);
    ASSERT_FALSE(choice) << name;
    EXPECT_EQ(choice.error().code, Errc::kMalformed);
    EXPECT_EQ(choice.error().subject, name);
  }
}

// The types that have a quantiser here.
TEST(ChooseQuantisation, WritesOnlyTypesThatCanBeWritten) {
  const std::set<Dtype> written = {
      Dtype::kF32,  Dtype::kF16,   Dtype::kBf16,  Dtype::kQ4_0,  Dtype::kQ4_1,  Dtype::kQ5_0,
      Dtype::kQ5_1, Dtype::kQ8_0,  Dtype::kQ2_K,  Dtype::kQ3_K,  Dtype::kQ4_K,  Dtype::kQ5_K,
      Dtype::kQ6_K, Dtype::kIq4Nl, Dtype::kIq4Xs, Dtype::kTq1_0, Dtype::kTq2_0, Dtype::kMxfp4};
  std::vector<TensorToWrite> tensors;
  ImportanceMatrix importance;
  for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_down"}) {
    for (const char* block : {"blk.0.", "blk.1."}) {
      tensors.push_back({block + std::string(name) + ".weight", Dtype::kF32, {2, 256}});
      importance.weights[tensors.back().name].assign(256, 1.0F);
    }
  }
  for (const QuantisationMix& mix : AllQuantisationMixes()) {
    const auto choice = ChooseQuantisation(mix, Counts(), tensors, &importance, false);
    ASSERT_TRUE(Ok(choice)) << mix.name;
    bool all_written = true;
    for (const TensorQuantisation& tensor : choice->tensors) {
      all_written = all_written && written.contains(tensor.dtype);
    }
    EXPECT_EQ(mix.is_written, all_written) << mix.name;
  }
}

MetadataEntry Text(std::string key, std::string value) {
  return {std::move(key), std::move(value), MetadataType::kString};
}
MetadataEntry Number(std::string key, std::uint64_t value) {
  return {std::move(key), value, MetadataType::kU32};
}
std::vector<std::string> Keys(const std::vector<MetadataEntry>& metadata) {
  std::vector<std::string> keys;
  for (const MetadataEntry& entry : metadata) keys.push_back(entry.key);
  return keys;
}

TEST(QuantisedMetadata, ReplacesWhatChangedAtTheEnd) {
  const std::vector<MetadataEntry> source = {Number("general.file_type", 1), Number("split.no", 0),
                                             Text("general.name", "x"), Number("split.count", 2),
                                             Number("split.tensors.count", 9)};

  const auto metadata = QuantisedMetadata(source, Mix("Q4_K_M"), nullptr);

  EXPECT_THAT(Keys(metadata),
              ElementsAre("general.name", "general.quantization_version", "general.file_type"));
  EXPECT_EQ(std::get<std::uint64_t>(metadata[1].value), 2U);
  EXPECT_EQ(std::get<std::uint64_t>(metadata[2].value), 15U);
}

TEST(QuantisedMetadata, SaysWhereTheImportanceCameFromIn127Bytes) {
  ImportanceMatrix importance;
  importance.path = std::string(200, 'p');
  importance.datasets = {"first", "second"};
  importance.chunks = 7;
  importance.weights["a"] = {1};

  const auto metadata = QuantisedMetadata(
      std::vector<MetadataEntry>{Text("quantize.imatrix.file", "old")}, Mix("Q4_0"), &importance);

  EXPECT_THAT(Keys(metadata),
              ElementsAre("general.quantization_version", "general.file_type",
                          "quantize.imatrix.file", "quantize.imatrix.dataset",
                          "quantize.imatrix.entries_count", "quantize.imatrix.chunks_count"));
  EXPECT_EQ(std::get<std::string>(metadata[2].value), std::string(127, 'p'));
  EXPECT_EQ(std::get<std::string>(metadata[3].value), "first");

  importance.datasets.clear();
  importance.chunks = 0;
  EXPECT_THAT(Keys(QuantisedMetadata({}, Mix("Q4_0"), &importance)),
              ElementsAre("general.quantization_version", "general.file_type",
                          "quantize.imatrix.file", "quantize.imatrix.entries_count"));
}

TEST(ReadModelCounts, TakesTheFirstLayersHeadsAndDefaults) {
  const auto heads = std::make_shared<MetadataArray>(MetadataType::kU32);
  const std::string numbers = Le32(8) + Le32(4);
  heads->AppendBytes(AsBytes(numbers));
  std::vector<MetadataEntry> metadata = {
      Text("general.architecture", "deci"),
      Number("deci.block_count", 2),
      {"deci.attention.head_count", std::shared_ptr<const MetadataArray>(heads),
       MetadataType::kArray}};

  const auto counts = ReadModelCounts(metadata, "x.gguf");

  ASSERT_TRUE(Ok(counts));
  EXPECT_EQ(counts->architecture, "deci");
  EXPECT_EQ(counts->layers, 2U);
  EXPECT_EQ(counts->heads, 8U);
  EXPECT_EQ(counts->key_value_heads, 8U);
  EXPECT_EQ(counts->experts, 0U);
}

TEST(ReadModelCounts, RefusesWhatDoesNotSay) {
  const std::vector<MetadataEntry> cases[] = {
      {},
      {Number("general.architecture", 1)},
      {Text("general.architecture", "llama")},
      {Text("general.architecture", "llama"), Text("llama.block_count", "2")},
      {Text("general.architecture", "llama"),
       {"llama.block_count", std::int64_t{-1}, MetadataType::kI32}},
      {Text("general.architecture", "llama"),
       {"llama.block_count",
        std::shared_ptr<const MetadataArray>(std::make_shared<MetadataArray>(MetadataType::kU32)),
        MetadataType::kArray}},
  };
  for (const auto& metadata : cases) {
    const auto counts = ReadModelCounts(metadata, "x.gguf");
    ASSERT_FALSE(counts);
    EXPECT_EQ(counts.error().code, Errc::kMalformed);
    EXPECT_EQ(counts.error().subject, "x.gguf");
  }
}

}  // namespace
}  // namespace hallmark
