// The choice held against what llama-quantize itself chose: its dry runs of whole tables of models,
// and the files it wrote.
#include <algorithm>
#include <charconv>
#include <map>

#include "formats/gguf.h"
#include "src/base/text.h"
#include "src/json/json_reader.h"
#include "tests/support/test_support.h"
#include "transform/quantisation_mix.h"

namespace hallmark {
namespace {

// A model of the tables: every matrix has two rows.
struct TableModel {
  ModelCounts counts;
  bool tied = false;
  bool fused = false;           // query, key and value in one
  bool shared_experts = false;  // besides the stacked ones
  std::uint64_t columns = 256;
};

std::vector<TensorToWrite> TensorsOf(const TableModel& model) {
  const Shape matrix = {2, model.columns};
  const Shape stack = {model.counts.experts, 2, model.columns};
  std::vector<TensorToWrite> tensors;
  const auto add = [&](std::string_view stem, const Shape& shape) {
    tensors.push_back({std::string(stem) + ".weight", Dtype::kF16, shape});
  };
  // Not in the order of writing.
  for (std::uint64_t i = model.counts.layers; i-- > 0;) {
    const std::string block = "blk." + std::to_string(i) + ".";
    for (const char* part : {"ffn_up", "ffn_gate", "ffn_down"}) {
      if (model.counts.experts != 0) add(block + part + "_exps", stack);
      if (model.counts.experts == 0) add(block + part, matrix);
      if (model.shared_experts) add(block + part + "_shexp", matrix);
    }
    if (model.counts.experts != 0) add(block + "ffn_gate_inp", matrix);
    if (model.fused) {
      add(block + "attn_qkv", matrix);
    } else {
      for (const char* part : {"attn_v", "attn_q", "attn_k"}) add(block + part, matrix);
    }
    add(block + "attn_output", matrix);
  }
  if (!model.tied) add("output", matrix);
  add("token_embd", matrix);
  return tensors;
}

// One weight for each column of each tensor.
ImportanceMatrix EvenImportance(const std::vector<TensorToWrite>& tensors) {
  ImportanceMatrix matrix;
  for (const TensorToWrite& tensor : tensors) {
    const std::size_t stacked = tensor.shape.size() == 3 ? tensor.shape[0] : 1;
    matrix.weights[tensor.name].assign(stacked * tensor.shape.back(), 1.0F);
  }
  return matrix;
}

// The types chosen, by name with the block's number as "*", in order of blocks.
std::map<std::string, std::vector<std::string>> TypesChosen(
    const QuantisationChoice& choice, const std::vector<TensorToWrite>& tensors) {
  std::map<std::string, std::vector<std::string>> types;
  for (const TensorQuantisation& chosen : choice.tensors) {
    std::string name = tensors[chosen.tensor].name;
    if (name.starts_with("blk.")) name = "blk.*" + name.substr(name.find('.', 4));
    types[name].emplace_back(DtypeName(chosen.dtype));
  }
  return types;
}

// What a table says of one name: one type for all blocks, a list of types, or "2*q5_k 6*q4_k".
std::vector<std::string> TypesListed(JsonValue value, std::size_t count) {
  std::vector<std::string> types;
  for (const JsonValue item : value.Items()) types.push_back(AsciiLower(*item.AsString()));
  if (!types.empty()) return types;
  std::string_view text = *value.AsString();
  if (text.find('*') == std::string_view::npos) {
    return std::vector<std::string>(count, AsciiLower(text));
  }
  while (!text.empty()) {
    const std::string_view run = text.substr(0, text.find(' '));
    const std::size_t star = run.find('*');
    types.insert(types.end(), *ParseDecimal(run.substr(0, star)), AsciiLower(run.substr(star + 1)));
    text.remove_prefix(std::min(run.size() + 1, text.size()));
  }
  return types;
}

struct Compared {
  std::size_t types = 0;
  std::size_t refused = 0;  // choices of whole models
};

void ExpectTableRow(const TableModel& model, std::string_view mix_name, JsonValue row,
                    bool with_importance, Compared& compared) {
  const QuantisationMix* const mix = FindQuantisationMix(mix_name);
  ASSERT_NE(mix, nullptr) << mix_name;
  const std::vector<TensorToWrite> tensors = TensorsOf(model);
  const ImportanceMatrix importance = EvenImportance(tensors);
  const auto choice = ChooseQuantisation(*mix, model.counts, tensors,
                                         with_importance ? &importance : nullptr, false);
  if (!choice) {
    ++compared.refused;
    if (row.GetKind() == JsonValue::Kind::kString) {
      EXPECT_EQ(choice.error().code, Errc::kUnsupported) << choice.error().message;
      EXPECT_THAT(std::string(*row.AsString()), testing::HasSubstr("no tensor type fallback"));
      return;
    }
    // A dry run goes on where the run would stop.
    EXPECT_FALSE(with_importance) << choice.error().message;
    EXPECT_THAT(choice.error().message, testing::HasSubstr("importance matrix"));
    EXPECT_TRUE(mix_name.starts_with("IQ") || mix_name == "Q2_K_S");
    return;
  }
  ASSERT_TRUE(row.IsObject()) << *row.AsString();
  const auto types = TypesChosen(*choice, tensors);
  for (const JsonMember& member : row.Members()) {
    const auto found = types.find(std::string(member.key));
    ASSERT_NE(found, types.end()) << member.key;
    EXPECT_EQ(found->second, TypesListed(member.value, found->second.size())) << member.key;
    compared.types += found->second.size();
  }
}

std::uint64_t NumberAfter(std::string_view text, std::string_view mark) {
  const std::size_t at = text.find(mark);
  std::uint64_t number = 0;
  if (at == std::string_view::npos) return number;
  std::from_chars(text.data() + at + mark.size(), text.data() + text.size(), number);
  return number;
}

TEST(QuantisationMixTable, IsThatOfDryRunsWithoutImportance) {
  const auto document =
      JsonDocument::Parse(ReadFixture("quantize_types.json"), "quantize_types.json");
  ASSERT_TRUE(Ok(document));
  Compared compared;
  for (const JsonMember& table : document->Root().Members()) {
    // "L8_gqa4_moe8": layers, query heads that share a key-value head, experts.
    TableModel model;
    model.counts = {.architecture = "llama",
                    .layers = NumberAfter(table.key, "L"),
                    .heads = 8,
                    .key_value_heads = 8 / NumberAfter(table.key, "gqa"),
                    .experts = NumberAfter(table.key, "moe")};
    model.tied = table.key.ends_with("_tied");
    for (const JsonMember& row : table.value.Members()) {
      SCOPED_TRACE(std::string(table.key) + " " + std::string(row.key));
      ExpectTableRow(model, row.key, row.value, false, compared);
    }
  }
  EXPECT_GT(compared.types, 30'000U);
  EXPECT_LE(compared.refused, 11U * 9U);  // of each model the mixes that ask for importance
}

TEST(QuantisationMixTable, IsThatOfDryRunsOfOtherModelsAndWithImportance) {
  const auto document = JsonDocument::Parse(ReadFixture("../mixes/chosen.json"), "chosen.json");
  ASSERT_TRUE(Ok(document));
  Compared compared;
  for (const JsonValue entry : document->Root().Items()) {
    const auto number = [&](std::string_view key) { return *entry.Find(key)->AsU64(); };
    const auto flag = [&](std::string_view key) { return *entry.Find(key)->AsBool(); };
    TableModel model;
    model.counts = {.architecture = std::string(*entry.Find("architecture")->AsString()),
                    .layers = number("layers"),
                    .heads = number("heads"),
                    .key_value_heads = number("key_value_heads"),
                    .experts = number("experts")};
    model.tied = flag("tied");
    model.fused = flag("fused");
    model.shared_experts = flag("shared_experts");
    model.columns = number("columns");
    const auto mixes = entry.Find("mixes");
    for (const JsonMember& row : mixes->Members()) {
      SCOPED_TRACE(model.counts.architecture + ", layers: " + std::to_string(model.counts.layers) +
                   ", columns: " + std::to_string(model.columns) + ", " + std::string(row.key));
      ExpectTableRow(model, row.key, row.value, flag("importance"), compared);
    }
  }
  EXPECT_GT(compared.types, 80'000U);
}

// A fixture, opened.
struct OpenedGguf {
  explicit OpenedGguf(const std::string& name)
      : file(MakeMemoryFile(BytesOf(ReadFixture(name)), name)), reader(*OpenGguf(*file)) {}

  std::vector<TensorToWrite> Tensors() const {
    std::vector<TensorToWrite> tensors;
    for (const TensorInfo& tensor : reader->Tensors()) {
      tensors.push_back({tensor.name, tensor.dtype, tensor.shape});
    }
    return tensors;
  }

  std::unique_ptr<File> file;
  std::unique_ptr<ModelReader> reader;
};

using NamesAndTypes = std::vector<std::pair<std::string, std::string>>;

NamesAndTypes NamesAndTypesOf(const QuantisationChoice& choice,
                              const std::vector<TensorToWrite>& tensors) {
  NamesAndTypes result;
  for (const TensorQuantisation& chosen : choice.tensors) {
    result.emplace_back(tensors[chosen.tensor].name, DtypeName(chosen.dtype));
  }
  return result;
}

struct WrittenFile {
  std::string source, mix;
  std::string Path() const {
    return "gguf/" + source.substr(0, source.find('-')) + "-" + mix + ".gguf";
  }
};

class WrittenByLlamaQuantize : public testing::TestWithParam<WrittenFile> {};

TEST_P(WrittenByLlamaQuantize, HasTheTensorsAndMetadataChosen) {
  const OpenedGguf source("gguf/" + GetParam().source);
  const OpenedGguf written(GetParam().Path());
  const QuantisationMix& mix = *FindQuantisationMix(GetParam().mix);
  const auto counts = ReadModelCounts(source.reader->Metadata(), GetParam().source);
  ASSERT_TRUE(Ok(counts));

  const std::vector<TensorToWrite> tensors = source.Tensors();
  const auto choice = ChooseQuantisation(mix, *counts, tensors, nullptr, false);
  ASSERT_TRUE(Ok(choice));
  NamesAndTypes expected;
  for (const TensorInfo& tensor : written.reader->Tensors()) {
    expected.emplace_back(tensor.name, DtypeName(tensor.dtype));
  }
  EXPECT_EQ(NamesAndTypesOf(*choice, tensors), expected);

  const auto metadata = QuantisedMetadata(source.reader->Metadata(), mix, nullptr);
  ASSERT_EQ(metadata.size(), written.reader->Metadata().size());
  for (std::size_t i = 0; i < metadata.size(); ++i) {
    const MetadataEntry& theirs = written.reader->Metadata()[i];
    EXPECT_EQ(metadata[i].key, theirs.key);
    EXPECT_EQ(metadata[i].type, theirs.type) << theirs.key;
    if (theirs.type != MetadataType::kArray) {
      EXPECT_EQ(metadata[i].value, theirs.value) << theirs.key;
    }
  }
}

std::vector<WrittenFile> WrittenFiles() {
  std::vector<WrittenFile> files;
  for (const char* mix :
       {"IQ4_NL", "IQ4_XS", "Q2_K", "Q4_0", "Q4_1", "Q4_K_M", "Q5_0", "Q5_1", "Q8_0"}) {
    files.push_back({"tiny-f32.gguf", mix});
  }
  for (const char* mix : {"IQ4_XS", "Q2_K", "Q4_K_M", "Q5_K_S", "Q6_K"}) {
    files.push_back({"k256-f16.gguf", mix});
  }
  return files;
}

INSTANTIATE_TEST_SUITE_P(Fixtures, WrittenByLlamaQuantize, testing::ValuesIn(WrittenFiles()),
                         [](const auto& written) {
                           return written.param.source.substr(0, written.param.source.find('-')) +
                                  "_" + written.param.mix;
                         });

// Keys, texts and numbers.
void Append(std::vector<std::string>& said, const MetadataEntry& entry) {
  said.push_back(entry.key);
  if (const auto* const text = std::get_if<std::string>(&entry.value)) said.push_back(*text);
  if (const auto* const number = std::get_if<std::uint64_t>(&entry.value)) {
    said.push_back(std::to_string(*number));
  }
}
void Append(std::vector<std::string>& said, const std::vector<JsonValue>& key_type_value) {
  said.emplace_back(*key_type_value[0].AsString());
  if (const auto text = key_type_value[2].AsString()) said.emplace_back(*text);
  if (key_type_value[1].AsString() == "uint32") {
    said.push_back(std::to_string(*key_type_value[2].AsU64()));
  }
}

TEST(QuantisedWithImportance, HasTheTensorsAndMetadataOfLlamaQuantize) {
  const auto document = JsonDocument::Parse(ReadFixture("../mixes/expected.json"), "expected.json");
  ASSERT_TRUE(Ok(document));
  const OpenedGguf source("gguf/tiny-f32.gguf");
  const std::vector<TensorToWrite> tensors = source.Tensors();
  const auto counts = ReadModelCounts(source.reader->Metadata(), "tiny-f32.gguf");
  ASSERT_TRUE(Ok(counts));
  const std::vector<JsonValue> files = document->Root().Find("quantised")->Items();
  EXPECT_EQ(files.size(), 2U);
  for (const JsonValue file : files) {
    const std::string matrix_name(*file.Find("matrix")->AsString());
    SCOPED_TRACE(matrix_name);
    const auto matrix_file = TestFile(ReadFixture("../mixes/" + matrix_name), matrix_name);
    const auto matrix = ReadImportanceMatrix(*matrix_file);
    ASSERT_TRUE(Ok(matrix));
    const QuantisationMix& mix = *FindQuantisationMix(*file.Find("mix")->AsString());

    const auto choice = ChooseQuantisation(mix, *counts, tensors, &*matrix, false);
    ASSERT_TRUE(Ok(choice));
    NamesAndTypes expected;
    for (const JsonValue tensor : file.Find("tensors")->Items()) {
      expected.emplace_back(*tensor.Items()[0].AsString(), *tensor.Items()[1].AsString());
    }
    EXPECT_EQ(NamesAndTypesOf(*choice, tensors), expected);

    std::vector<std::string> ours, theirs;
    for (const MetadataEntry& entry : QuantisedMetadata(source.reader->Metadata(), mix, &*matrix)) {
      if (!entry.key.starts_with("tokenizer.")) Append(ours, entry);
    }
    for (const JsonValue entry : file.Find("metadata")->Items()) Append(theirs, entry.Items());
    EXPECT_EQ(ours, theirs);
  }
}

}  // namespace
}  // namespace hallmark
