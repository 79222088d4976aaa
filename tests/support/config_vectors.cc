#include "tests/support/config_vectors.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

JsonDocument ReadJson(const std::string& path) {
  auto document = JsonDocument::Parse(ReadFixture(path), path);
  EXPECT_TRUE(Ok(document));
  return *std::move(document);
}

MetadataEntry EntryOf(const JsonValue& row) {
  const auto fields = row.Items();
  MetadataEntry entry;
  entry.key = *fields.at(0).AsString();
  const std::string type(*fields.at(1).AsString());
  const JsonValue& value = fields.at(2);
  if (type == "string") {
    entry.type = MetadataType::kString;
    entry.value = std::string(*value.AsString());
  } else if (type == "f32") {
    entry.type = MetadataType::kF32;
    entry.value = *value.AsDouble();
  } else if (type == "i32") {
    entry.type = MetadataType::kI32;
    entry.value = static_cast<std::int64_t>(*value.AsDouble());
  } else {
    EXPECT_EQ(type, "u32");
    entry.type = MetadataType::kU32;
    entry.value = *value.AsU64();
  }
  return entry;
}

}  // namespace

std::vector<MetadataEntry> ConfigVector::Gguf() const {
  std::vector<MetadataEntry> entries;
  for (const JsonValue& row : expected.Root().Find("gguf")->Items()) {
    entries.push_back(EntryOf(row));
  }
  return entries;
}

std::map<std::string, std::vector<float>> ConfigVector::Rope() const {
  std::map<std::string, std::vector<float>> tensors;
  for (const JsonMember& member : expected.Root().Find("rope")->Members()) {
    for (const JsonValue& item : member.value.Items()) {
      tensors[std::string(member.key)].push_back(static_cast<float>(*item.AsDouble()));
    }
  }
  return tensors;
}

std::optional<ParameterCounts> ConfigVector::Parameters() const {
  const auto counts = expected.Root().Find("parameters")->Items();
  if (counts.size() != 4) return std::nullopt;
  return ParameterCounts{*counts[0].AsU64(), *counts[1].AsU64(), *counts[2].AsU64(),
                         *counts[3].AsU64()};
}

std::uint32_t ConfigVector::FileType() const {
  return static_cast<std::uint32_t>(*expected.Root().Find("file_type")->AsU64());
}

std::optional<TensorFacts> ConfigVector::Tensors() const {
  const auto tensors = expected.Root().Find("tensors");
  if (!tensors) return std::nullopt;
  const auto number = [&](std::string_view key) { return *tensors->Find(key)->AsU64(); };
  const auto flag = [&](std::string_view key) { return *tensors->Find(key)->AsBool(); };
  TensorFacts facts;
  facts.layers = number("layers");
  facts.vocab_size = number("vocab_size");
  facts.hidden_size = number("hidden_size");
  facts.ffn_size = number("ffn_size");
  facts.expert_ffn_size = number("expert_ffn_size");
  facts.shared_expert_ffn_size = number("shared_expert_ffn_size");
  facts.query_rows = number("query_rows");
  facts.key_rows = number("key_rows");
  facts.has_output = flag("has_output");
  facts.has_query_bias = flag("has_query_bias");
  facts.has_output_bias = flag("has_output_bias");
  facts.has_ffn_bias = flag("has_ffn_bias");
  auto rope = Rope();
  facts.rope_freqs = rope["rope_freqs.weight"];
  facts.rope_factors_long = rope["rope_factors_long.weight"];
  facts.rope_factors_short = rope["rope_factors_short.weight"];
  const std::uint32_t type = FileType();
  facts.dtype = type == 0 ? Dtype::kF32 : type == 1 ? Dtype::kF16 : Dtype::kBf16;
  return facts;
}

std::string ConfigTestName(const testing::TestParamInfo<std::string>& vector) {
  std::string name = vector.param;
  for (char& c : name) {
    if (c == '-' || c == '.') c = '_';
  }
  return name;
}

std::vector<std::string> ConfigVectorNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(FixturePath("../configs"))) {
    if (entry.is_directory()) names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

ConfigVector LoadConfigVector(const std::string& name) {
  const std::string folder = "../configs/" + name + "/";
  std::optional<JsonDocument> generation;
  if (std::filesystem::exists(FixturePath(folder + "generation_config.json"))) {
    generation = ReadJson(folder + "generation_config.json");
  }
  return {ReadJson(folder + "config.json"), std::move(generation),
          ReadJson(folder + "expected.json")};
}

std::string EntryText(const MetadataEntry& entry) {
  std::string value = "(an array)";
  if (const auto* flag = std::get_if<bool>(&entry.value)) value = *flag ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&entry.value)) value = std::to_string(*number);
  if (const auto* number = std::get_if<std::uint64_t>(&entry.value))
    value = std::to_string(*number);
  if (const auto* number = std::get_if<double>(&entry.value)) value = fmt::format("{}", *number);
  if (const auto* text = std::get_if<std::string>(&entry.value)) value = *text;
  return fmt::format("{} {} {}", entry.key, MetadataTypeName(entry.type), value);
}

}  // namespace hallmark
