// Elements that an ONNX TensorProto keeps as a repeated field (float_data, int32_data, …).
#pragma once

#include <cstdint>
#include <vector>

#include "formats/protobuf.h"
#include "src/io/file.h"

namespace hallmark {

// Of one array; packed ones are one.
inline constexpr std::size_t kMaxTypedParts = 1'000'000;

// How one entry of such a field becomes bytes of the tensor.
struct TypedElement {
  WireType wire = WireType::kVarint;  // of one entry: a varint, or fixed 4 or 8 bytes
  std::uint32_t bytes = 1;            // of one entry in the tensor: 1, 2, 4 or 8
  bool is_signed = false;             // a varint's value is an integer below zero, too
};

// The entries in the order of the message, packed into one field or given one by one, as their
// little-endian bytes. Variable-length numbers are read once when they are added; places on the way
// are remembered, so that memory is small and any part is found again quickly. Safe to share
// between threads once filled. `file` must outlive it.
class TypedData {
 public:
  TypedData(const File& file, TypedElement element) : file_(&file), element_(element) {}

  // The entries of `field`. Errors: kMalformed (of another wire type, an entry cut short or out of
  // the element's range); kUnsupported (more than kMaxTypedParts); kIo.
  Result<void> Add(const ProtobufField& field);
  bool IsEmpty() const { return runs_.empty(); }
  std::uint64_t Bytes() const { return count_ * element_.bytes; }
  // From the first to the last of the entries.
  ByteRange Hull() const;
  // Whether the hull is exactly the bytes of the tensor.
  bool IsVerbatim() const { return runs_.size() == 1 && element_.wire != WireType::kVarint; }

  // [offset, offset + out.size()) lies within Bytes().
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const;

 private:
  // A stretch of entries without anything between them.
  struct Run {
    std::uint64_t first;  // entry
    ByteRange range;
  };

  Result<void> AddVarints(ByteRange range);
  Result<void> AddRun(ByteRange range, std::uint64_t entries);
  Result<void> CheckValue(std::uint64_t value, const ByteCursor& cursor) const;

  const File* file_;
  TypedElement element_;
  std::vector<Run> runs_;
  std::uint64_t count_ = 0;
};

}  // namespace hallmark
