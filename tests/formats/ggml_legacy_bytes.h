// Builds legacy GGML files of LLaMA by hand, honest ones and others.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/test_support.h"

namespace hallmark {

struct GgmlLegacyTensor {
  std::string name;
  std::vector<std::uint32_t> ne;
  std::uint32_t type;
  std::string data;
};

struct GgmlLegacyFile {
  std::string magic = "tjgg";
  std::optional<std::uint32_t> version = 3;  // tokens have scores where there is one
  // n_vocab, n_embd, n_mult, n_head, n_layer, n_rot, ftype
  std::array<std::uint32_t, 7> hyperparameters = {};
  std::vector<std::string> tokens = {};
  std::vector<GgmlLegacyTensor> tensors = {};

  std::string Header() const {
    std::string text = magic + (version ? Le32(*version) : "");
    for (const std::uint32_t number : hyperparameters) text += Le32(number);
    for (const std::string& token : tokens) {
      text += Le32(static_cast<std::uint32_t>(token.size())) + token + (version ? Le32(0) : "");
    }
    return text;
  }
  std::string Text() const {
    std::string text = Header();
    for (const GgmlLegacyTensor& tensor : tensors) {
      text += Le32(static_cast<std::uint32_t>(tensor.ne.size())) +
              Le32(static_cast<std::uint32_t>(tensor.name.size())) + Le32(tensor.type);
      for (const std::uint32_t dimension : tensor.ne) text += Le32(dimension);
      text += tensor.name;
      if (magic == "tjgg") text.resize((text.size() + 31) / 32 * 32);
      text += tensor.data;
    }
    return text;
  }
};

// A model of one layer: two heads of `width` / 2 values, two tokens; its matrices have `type` and
// rows of `row_bytes`, its norms are f32.
inline GgmlLegacyFile SmallGgml(std::uint32_t width = 4, std::uint32_t type = 0,
                                std::size_t row_bytes = 16) {
  GgmlLegacyFile file{.hyperparameters = {2, width, 256, 2, 1, width / 2, 0}, .tokens = {"a", ""}};
  const auto matrix = [&](std::string name, std::uint32_t rows) {
    file.tensors.push_back(
        {std::move(name), {width, rows}, type, std::string(rows * row_bytes, 'w')});
  };
  const auto norm = [&](std::string name) {
    file.tensors.push_back({std::move(name), {width}, 0, std::string(width * 4, 'n')});
  };
  matrix("tok_embeddings.weight", 2);
  norm("norm.weight");
  matrix("output.weight", 2);
  for (const char* part : {"attention.wq", "attention.wk", "attention.wv", "attention.wo"}) {
    matrix(std::string("layers.0.") + part + ".weight", width);
  }
  for (const char* part : {"feed_forward.w1", "feed_forward.w2", "feed_forward.w3"}) {
    matrix(std::string("layers.0.") + part + ".weight", width);
  }
  norm("layers.0.attention_norm.weight");
  norm("layers.0.ffn_norm.weight");
  return file;
}

}  // namespace hallmark
