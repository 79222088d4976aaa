// What the writers of all containers share: tensors checked, and a layout put together.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/file_layout.h"
#include "src/base/bytes.h"
#include "src/base/error.h"

namespace hallmark {

// The bytes of each tensor's payload. Whatever a container puts around them, offsets then stay
// below 2^63. Errors, without subject: kMalformed where a name stands twice, a shape has no
// PayloadBytes, or all together take more than 2^62 bytes.
Result<std::vector<std::uint64_t>> MeasureTensors(std::span<const TensorToWrite> tensors);

// An error about one tensor, without subject: "tensor NAME: MESSAGE".
Error InTensorToWrite(const TensorToWrite& tensor, Errc code, std::string_view message);

// kUnsupported: `container` ("safetensors") has no type for the tensor's elements. The hint says
// what the values can be written as instead.
Error NoTypeFor(const TensorToWrite& tensor, std::string_view container);

// Puts a layout together from the first byte to the last. MeasureTensors comes before it: offsets
// are not checked again.
class LayoutBuilder {
 public:
  std::uint64_t Size() const { return layout_.size; }  // so far

  void Add(ByteSpan literal);
  void Add(std::string_view literal) { Add(AsBytes(literal)); }
  template <std::unsigned_integral T>
  void AddLittle(T value) {
    std::byte bytes[sizeof(T)];
    StoreLittle(bytes, value);
    Add(ByteSpan(bytes));
  }
  void PadTo(std::uint64_t unit);  // zeros up to a multiple of `unit`
  // All `bytes` bytes of tensor `tensor`.
  void AddPayload(std::size_t tensor, std::uint64_t bytes);
  // The four bytes of its CRC-32, `before` being that of what precedes it.
  void AddChecksumOf(std::size_t tensor, std::uint32_t before);

  FileLayout Take() { return std::move(layout_); }

 private:
  FileLayout layout_;
};

}  // namespace hallmark
