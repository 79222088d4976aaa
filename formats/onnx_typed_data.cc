#include "formats/onnx_typed_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "src/io/file_cursor.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kVarintsPerRun = 64 * 1024;  // what Read decodes in vain at most

std::uint32_t FixedBytes(WireType wire) { return wire == WireType::kFixed64 ? 8 : 4; }

}  // namespace

Result<void> TypedData::Add(const ProtobufField& field) {
  if (field.type == element_.wire) {
    // One entry. A varint has no content of its own: it ends where the next field begins.
    if (field.type != WireType::kVarint) return AddRun(field.content, 1);
    FileCursor cursor(*file_, field.offset, field.content.offset);
    HM_TRY(ReadVarint(cursor));  // the key
    return AddVarints({cursor.Offset(), cursor.Remaining()});
  }
  if (field.type != WireType::kBytes) {
    return Error{Errc::kMalformed, file_->Name(), "an array of another wire type than its kind's",
                 field.offset};
  }
  if (element_.wire == WireType::kVarint) return AddVarints(field.content);
  if (field.content.size % FixedBytes(element_.wire) != 0) {
    return Error{Errc::kMalformed, file_->Name(), "the last number of an array is cut short",
                 field.content.End()};
  }
  return AddRun(field.content, field.content.size / FixedBytes(element_.wire));
}

Result<void> TypedData::AddRun(ByteRange range, std::uint64_t entries) {
  if (entries == 0) return {};
  if (runs_.size() == kMaxTypedParts) {
    return Error{Errc::kUnsupported, file_->Name(),
                 fmt::format("an array in more than {} parts", kMaxTypedParts), range.offset};
  }
  runs_.push_back({count_, range});
  count_ += entries;
  return {};
}

Result<void> TypedData::AddVarints(ByteRange range) {
  FileCursor cursor(*file_, range.offset, range.End());
  while (!cursor.AtEnd()) {
    const std::uint64_t begin = cursor.Offset();
    std::uint64_t entries = 0;
    for (; entries < kVarintsPerRun && !cursor.AtEnd(); ++entries) {
      const std::uint64_t value = HM_TRY(ReadVarint(cursor));
      HM_TRY(CheckValue(value, cursor));
    }
    HM_TRY(AddRun({begin, cursor.Offset() - begin}, entries));
  }
  return {};
}

// What is narrower than the field's own type must fit. A negative int32 is written with its sign
// extended to 64 bits.
Result<void> TypedData::CheckValue(std::uint64_t value, const ByteCursor& cursor) const {
  if (element_.bytes == 8) return {};
  const unsigned bits = element_.bytes * 8;
  const std::uint64_t above = value >> (element_.is_signed ? bits - 1 : bits);
  const std::uint64_t all = ~std::uint64_t{0} >> (element_.is_signed ? bits - 1 : bits);
  if (above == 0 || (element_.is_signed && above == all)) return {};
  return cursor.Malformed(
      fmt::format("the number {:#x} does not fit its type of {} bytes", value, element_.bytes));
}

ByteRange TypedData::Hull() const {
  if (runs_.empty()) return {};
  const std::uint64_t begin = runs_.front().range.offset;
  return {begin, runs_.back().range.End() - begin};
}

Result<void> TypedData::Read(std::uint64_t offset, MutableByteSpan out) const {
  const std::uint32_t width = element_.bytes;
  auto run = std::ranges::upper_bound(runs_, offset / width, {}, &Run::first) - 1;
  while (!out.empty()) {
    const std::uint64_t in_run = offset - run->first * width;
    const std::uint64_t end = run + 1 == runs_.end() ? count_ : (run + 1)->first;
    const std::size_t size = std::min<std::uint64_t>(out.size(), end * width - offset);
    if (element_.wire != WireType::kVarint) {
      HM_TRY(file_->Read(run->range.offset + in_run, out.first(size)));
    } else {
      FileCursor cursor(*file_, run->range.offset, run->range.End());
      for (std::uint64_t i = 0; i < in_run / width; ++i) HM_TRY(ReadVarint(cursor));
      std::array<std::byte, 8> entry;
      std::uint64_t skip = in_run % width;
      for (std::size_t done = 0; done < size; skip = 0) {
        StoreLittle(entry.data(), HM_TRY(ReadVarint(cursor)));
        const std::size_t part = std::min<std::size_t>(width - skip, size - done);
        std::memcpy(out.data() + done, entry.data() + skip, part);
        done += part;
      }
    }
    offset += size;
    out = out.subspan(size);
    ++run;
  }
  return {};
}

}  // namespace hallmark
