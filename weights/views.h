// Stored tensors seen in another layout: joined, sliced, permuted. Each view reads through to what
// it is made of, with scratch memory of a few MiB whatever the tensor's size.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "formats/model_reader.h"
#include "src/io/block_source.h"

namespace hallmark {

using Bytes = std::unique_ptr<BlockSource>;

// The payload of tensor `index` of `reader`, which must outlive it.
Bytes StoredBytes(const ModelReader& reader, std::size_t index);

// `size` bytes of `base` from `offset`; the range lies within it.
Bytes Slice(Bytes base, std::uint64_t offset, std::uint64_t size);

// One after the other: matrices on top of each other, joined on axis 0. At least one part; their
// sizes add up to less than 2^64.
Bytes JoinRows(std::vector<Bytes> parts);

// Side by side, joined on axis 1: each part is `rows` rows, and one row of the result is the parts'
// rows one after the other. `rows` is not 0 and divides the size of each part.
Bytes JoinColumns(std::vector<Bytes> parts, std::uint64_t rows);

// Columns [from, from + width) of `rows` rows of equal size; in bytes, none of the numbers but
// `from` 0.
Bytes SliceColumns(Bytes base, std::uint64_t rows, std::uint64_t from, std::uint64_t width);

// `base` itself, which must outlive it: where several views are made of one.
Bytes Borrow(const BlockSource& base);

// Rotary pairs put from (head, i, half) into (head, half, i), docs/identity.md's appendix:
// `base` is heads * 2 * n rows of equal size, none of the numbers 0.
Bytes SplitRotaryPairs(Bytes base, std::uint64_t heads, std::uint64_t rows);
// The inverse: from (head, half, i) into (head, i, half).
Bytes JoinRotaryPairs(Bytes base, std::uint64_t heads, std::uint64_t rows);

// Elements of type `dtype` (float family) as f64, less 1. A NaN stays a NaN with its sign and
// payload, quieted as arithmetic does.
Bytes MinusOne(Bytes base, Dtype dtype);

}  // namespace hallmark
