// The header of a numpy array (.npy, numpy.lib.format): a Python literal, read without Python.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/error.h"
#include "src/io/block_source.h"
#include "src/tensor/tensor_info.h"

namespace hallmark {

inline constexpr std::string_view kNpyMagic = "\x93NUMPY";
inline constexpr std::size_t kNpyMostDimensions = 64;  // numpy 2's; before it was 32

struct NpyHeader {
  unsigned version = 1;           // 1 to 3; the minor one is always 0
  std::string type;               // of the elements, as the header says it: "<f4", or a literal
  std::optional<Dtype> dtype;     // what that means; nullopt: no number that is known for sure
  bool is_big_endian = false;     // where a dtype is known
  bool may_hold_objects = false;  // the values may be one pickle
  bool is_fortran = false;        // the first dimension varies fastest
  Shape shape;
  std::uint64_t data_offset = 0;  // of the values, from the start of the array

  bool HoldsTexts() const;  // of bytes or characters: no numbers
  // numpy has no name for this dtype; others write it under a type of their own.
  bool IsUnnamed() const { return dtype == Dtype::kBf16 || dtype == Dtype::kF8E5m2; }
};

// Reads the header of the array that `array` holds. Errors carry offsets in `array` and no subject.
// kMalformed where numpy would refuse it, for a key twice and for numbers no writer would spell so;
// kUnsupported for later versions and for headers above the 10,000 bytes that numpy takes.
Result<NpyHeader> ReadNpyHeader(const BlockSource& array);

// How a header says that elements are of this type, little-endian: "<f4"; nullopt for types that
// numpy cannot load.
std::optional<std::string> NpyTypeOf(Dtype dtype);

// Why nothing is sure of a type without a dtype, for people: "'<V1' is any of ml_dtypes' …".
std::string WhyNoDtype(const NpyHeader& header);

}  // namespace hallmark
