// What the files expected.json below tests/vectors say of the fixtures beside them: written by the
// tools that made them (torch, safetensors, gguf-py, llama.cpp, onnx), never by this project.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/base/bytes.h"

namespace hallmark {

struct ExpectedTensor {
  std::string dtype;                 // as DtypeName spells it
  std::vector<std::uint64_t> shape;  // outermost first
  std::string sha256;                // of the row-major little-endian bytes or raw blocks
  // Where it lies: from the start of the file (gguf) or of the data (safetensors), if stated.
  std::optional<std::uint64_t> offset;
  std::string f32_sha256;  // of the values as f32, by ggml, where it was asked
};

struct ExpectedFile {
  std::string path;    // from tests/vectors/fixtures
  std::string format;  // "safetensors", "gguf", "torch", …
  std::uint64_t size = 0;
  std::map<std::string, ExpectedTensor> tensors;
};

// Every file listed with a format and tensors that is kept in the repository.
const std::vector<ExpectedFile>& ExpectedFiles();
const ExpectedFile& ExpectedOf(std::string_view path);

std::string Sha256Hex(ByteSpan bytes);  // by OpenSSL, lower case

}  // namespace hallmark
