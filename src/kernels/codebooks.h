// The numbers that quants stand for in the types that are not linear: rows of the IQ types, levels
// of the 4-bit ones.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace hallmark {

// ggml-common.h of llama.cpp has the same tables under names like iq2xxs_grid.
template <std::size_t kRows, std::size_t kColumns>
using Codebook = std::array<std::array<std::int8_t, kColumns>, kRows>;

extern const Codebook<256, 8> kIq2XxsRows;
extern const Codebook<512, 8> kIq2XsRows;
extern const Codebook<1024, 8> kIq2SRows;
extern const Codebook<256, 4> kIq3XxsRows;
extern const Codebook<512, 4> kIq3SRows;
extern const Codebook<2048, 8> kIq1Rows;

// Seven signs (a set bit is negative) and an eighth that makes their number even.
constexpr unsigned EvenSigns(unsigned seven) {
  return seven | static_cast<unsigned>(std::popcount(seven) & 1) << 7;
}

inline constexpr std::array<std::int8_t, 16> kIq4Levels = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

// E2M1 doubled, so that it is whole; the scales are halved. Its negative zero is plain zero.
inline constexpr std::array<std::int8_t, 16> kFp4Levels = {0, 1,  2,  3,  4,  6,  8,  12,
                                                           0, -1, -2, -3, -4, -6, -8, -12};

}  // namespace hallmark
