// A file of weights about to be written: which bytes go where, known before any weight is read.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/tensor/tensor_info.h"

namespace hallmark {

// A tensor as it is to stand in a file. Its payload, PayloadBytes(dtype, shape) row-major
// little-endian bytes, comes later.
struct TensorToWrite {
  std::string name;
  Dtype dtype;
  Shape shape;
};

// A pure function of tensors and metadata: the same input gives the same bytes everywhere. Literals
// and payloads cover [0, size) without gap or overlap; all lists are in ascending order of offset.
struct FileLayout {
  struct Literal {
    std::uint64_t offset;
    std::vector<std::byte> bytes;  // not empty
  };
  struct Payload {
    std::uint64_t offset;
    std::size_t tensor;  // index into the tensors laid out; each occurs once, also if it is empty
  };
  // The CRC-32 (as zlib's) of a payload and what precedes it in its entry: four little-endian bytes
  // that stand as zeros in a literal.
  struct Checksum {
    std::uint64_t offset;
    std::size_t tensor;
    std::uint32_t before = 0;  // of what precedes the payload; crc32() goes on from it
  };

  std::uint64_t size = 0;
  std::vector<Literal> literals;
  std::vector<Payload> payloads;
  std::vector<Checksum> checksums;  // for containers that need them; else empty
};

}  // namespace hallmark
