// What a container says of one tensor, after it was checked against the bytes really there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/tensor/dtype.h"

namespace hallmark {

// Row-major, outermost dimension first (GGUF's `ne` reversed), in elements. Empty: a scalar.
using Shape = std::vector<std::uint64_t>;

struct TensorInfo {
  std::string name;  // as stored; may hold any bytes
  Dtype dtype;
  Shape shape;
  std::uint64_t payload_bytes = 0;  // of the row-major little-endian bytes
  // Where the file keeps it. If `verbatim`, exactly the payload; else the stored bytes it is made
  // from (a shared storage, a deflated record, big-endian elements).
  ByteRange stored;
  bool verbatim = true;
  // Which file `stored` is in: 0 for the container itself, i for its i-th companion, from 1. Of a
  // tensor in pieces, `file` and `stored` are those of the first.
  std::size_t file = 0;
};

// The number of elements / the bytes of row-major payload; kMalformed (without subject) if they
// overflow 2^63, a dimension reaches 2^53 (beyond JSON's integers), or a block type's innermost
// dimension is not whole blocks.
Result<std::uint64_t> ElementCount(const Shape& shape);
Result<std::uint64_t> PayloadBytes(Dtype dtype, const Shape& shape);

std::string ShapeText(const Shape& shape);  // "4096x11008"; "scalar" for an empty one; cut after 64

}  // namespace hallmark
