// Builds GGUF files by hand, honest ones and others.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/test_support.h"

namespace hallmark {

// "GGUF v3, a string": length and bytes.
inline std::string GgufText(std::string_view text) { return Le64(text.size()) + std::string(text); }

// A metadata entry; `value` as it stands in the file.
inline std::string GgufEntry(std::string_view key, std::uint32_t type, std::string_view value) {
  return GgufText(key) + Le32(type) + std::string(value);
}

struct GgufTensor {
  std::string name;
  std::vector<std::uint64_t> ne;
  std::uint32_t type;
  std::uint64_t offset;
};

struct GgufFile {
  std::uint32_t version = 3;
  std::vector<std::string> entries = {};
  std::vector<GgufTensor> tensors = {};
  std::size_t data_bytes = 0;  // of 'x', after the header was padded
  std::size_t alignment = 32;
  std::string tail = {};

  std::string Header() const {
    std::string text = "GGUF" + Le32(version) + Le64(tensors.size()) + Le64(entries.size());
    for (const std::string& entry : entries) text += entry;
    for (const GgufTensor& tensor : tensors) {
      text += GgufText(tensor.name) + Le32(static_cast<std::uint32_t>(tensor.ne.size()));
      for (const std::uint64_t dimension : tensor.ne) text += Le64(dimension);
      text += Le32(tensor.type) + Le64(tensor.offset);
    }
    return text;
  }
  std::string Text() const {
    std::string text = Header();
    text.resize((text.size() + alignment - 1) / alignment * alignment);
    return text + std::string(data_bytes, 'x') + tail;
  }
};

}  // namespace hallmark
