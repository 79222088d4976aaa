// Arrays of numpy written by hand, so that each part can be made to lie.
#pragma once

#include <string>
#include <string_view>

#include "tests/support/test_support.h"

namespace hallmark {

// The dictionary as numpy.save writes it.
inline std::string NpyDict(std::string_view descr, std::string_view shape, bool fortran = false) {
  return "{'descr': " + std::string(descr) + ", 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + std::string(shape) + ", }";
}

// Magic, version, length, `header`, values.
inline std::string NpyOf(std::string_view header, std::string_view values, char version = 1) {
  std::string out = "\x93NUMPY";
  out += version;
  out += '\0';
  out += version == 1 ? Le16(static_cast<std::uint16_t>(header.size()))
                      : Le32(static_cast<std::uint32_t>(header.size()));
  return out + std::string(header) + std::string(values);
}

inline std::string Npy(std::string_view descr, std::string_view shape, std::string_view values,
                       bool fortran = false) {
  return NpyOf(NpyDict(descr, shape, fortran) + "\n", values);
}

}  // namespace hallmark
