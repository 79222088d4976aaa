// Folders and GGUF files of the tiny model with something changed, and their comparison as lines.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/gguf_writer.h"
#include "tests/support/laid_out.h"
#include "tests/support/test_support.h"
#include "verify/diff/fields/compare_fields.h"

namespace hallmark {

inline std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << "nothing is replaced: " << from;
  return at == text.npos ? text : text.replace(at, from.size(), to);
}

inline FieldComparison Compare(const std::filesystem::path& a, const std::filesystem::path& b) {
  const auto model_a = Model::Open(a, {});
  const auto model_b = Model::Open(b, {});
  EXPECT_TRUE(Ok(model_a));
  EXPECT_TRUE(Ok(model_b));
  if (!model_a || !model_b) return {};
  auto compared = CompareFields(*model_a, *model_b, {});
  EXPECT_TRUE(Ok(compared));
  return compared ? *std::move(compared) : FieldComparison();
}

// "configuration rope_theta: 10000 | 500000"; without a meaning, in brackets.
inline std::string Line(const FieldDiff& field) {
  const std::string line = fmt::format("{} {}: {} | {}", field.area, field.field, field.a, field.b);
  return field.has_meaning ? line : "(" + line + ")";
}
inline std::vector<std::string> Lines(const FieldComparison& compared) {
  std::vector<std::string> lines;
  for (const FieldDiff& field : compared.differing) lines.push_back(Line(field));
  return lines;
}

// A folder as the hub has it, from files that can be changed.
class HubFolder {
 public:
  explicit HubFolder(std::vector<std::string> files = {"config.json", "tokenizer.model"},
                     std::string from = "hf-safetensors-f32") {
    folder_.Write("model.safetensors", ReadFixture("hf-safetensors-f16/model.safetensors"));
    for (const std::string& file : files) {
      Write(file, ReadFixture(from + "/" + file));
    }
  }
  static HubFolder Qwen2() {
    return HubFolder(
        {"config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"},
        "../tokenizers/qwen2");
  }

  const std::filesystem::path& Path() const { return folder_.Path(); }
  void Write(const std::string& file, std::string text) {
    folder_.Write(file, text);
    texts_[file] = std::move(text);
  }
  void Remove(const std::string& file) { std::filesystem::remove(Path() / file); }
  void Change(const std::string& file, std::string_view from, std::string_view to) {
    Write(file, Replaced(texts_[file], from, to));
  }
  std::string Text(const std::string& file) { return texts_[file]; }

 private:
  TemporaryFolder folder_;
  std::map<std::string, std::string> texts_;
};

inline MetadataEntry Text(std::string key, std::string value) {
  return {std::move(key), std::move(value), MetadataType::kString};
}
inline MetadataEntry U32(std::string key, std::uint64_t value) {
  return {std::move(key), value, MetadataType::kU32};
}

inline std::vector<MetadataEntry> TinyMetadata() {
  const auto model = Model::Open(FixturePath("gguf/tiny-f16.gguf"), {});
  EXPECT_TRUE(Ok(model));
  const auto metadata = model->Files().front().reader->Metadata();
  return {metadata.begin(), metadata.end()};
}
inline MetadataEntry& Find(std::vector<MetadataEntry>& metadata, std::string_view key) {
  const auto found = std::ranges::find(metadata, key, &MetadataEntry::key);
  EXPECT_NE(found, metadata.end()) << key;
  return *found;
}
inline void Erase(std::vector<MetadataEntry>& metadata, std::string_view key) {
  std::erase_if(metadata, [&](const MetadataEntry& entry) { return entry.key == key; });
}
inline void SetTokens(std::vector<MetadataEntry>& metadata, std::size_t changed,
                      std::string_view text) {
  MetadataEntry& entry = Find(metadata, "tokenizer.ggml.tokens");
  const auto& tokens = *std::get<std::shared_ptr<const MetadataArray>>(entry.value);
  auto array = std::make_shared<MetadataArray>(MetadataType::kString);
  for (std::size_t i = 0; i < tokens.Size(); ++i) {
    array->AppendText(i == changed ? text : tokens.TextAt(i));
  }
  entry.value = std::shared_ptr<const MetadataArray>(array);
}

// The tiny model's tensors as a GGUF file of other metadata, and tensors more.
struct GgufFile {
  TemporaryFolder folder;
  std::filesystem::path path;
  explicit GgufFile(const std::vector<MetadataEntry>& metadata,
                    const std::vector<float>& rope_freqs = {}) {
    const auto model = Model::Open(FixturePath("gguf/tiny-f16.gguf"), {});
    ReadTensors tensors = ReadAll(*model->Files().front().reader);
    if (!rope_freqs.empty()) {
      tensors.tensors.push_back({"rope_freqs.weight", Dtype::kF32, Shape{rope_freqs.size()}});
      tensors.payloads.emplace_back(reinterpret_cast<const char*>(rope_freqs.data()),
                                    rope_freqs.size() * sizeof(float));
    }
    const auto layout = LayOutGguf(tensors.tensors, metadata);
    EXPECT_TRUE(Ok(layout));
    path = folder.Write("model.gguf", FillLayout(*layout, tensors.payloads));
  }
};

}  // namespace hallmark
