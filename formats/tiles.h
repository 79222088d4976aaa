// A tensor kept in pieces: boxes that cover it without overlap, each row-major by itself.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/tensor/tensor_info.h"

namespace hallmark {

// In elements of the tensor it is a part of.
struct TensorBox {
  Shape offsets;
  Shape sizes;
};

// Whether the boxes cover each element of a tensor of these sizes once, found in the time it takes
// to sort them. Errors, without subject: kMalformed (a box that leaves the tensor, gaps, overlaps),
// kUnsupported (boxes that no series of straight cuts makes). Boxes without elements are passed
// over. No product of sizes may overflow.
Result<void> CheckTiles(const Shape& sizes, std::span<const TensorBox> boxes);

// Fills `out` with bytes [offset, …) of box `index`, which lie within it.
using ReadBox =
    std::function<Result<void>(std::size_t index, std::uint64_t offset, MutableByteSpan out)>;

// Fills `out` with the row-major bytes from `offset` of a tensor of `item_bytes` an element whose
// boxes passed CheckTiles. Reads each box forward, once; scratch memory is at most that of `out`.
Result<void> ReadTiles(const Shape& sizes, std::span<const TensorBox> boxes,
                       std::uint32_t item_bytes, std::uint64_t offset, MutableByteSpan out,
                       const ReadBox& read);

}  // namespace hallmark
