#include "formats/gguf_types.h"

#include <algorithm>
#include <array>

#include "src/base/error.h"

namespace hallmark {
namespace {

struct TensorTypeRow {
  std::uint32_t id;
  Dtype dtype;
};

// clang-format off
constexpr std::array kTensorTypes = {
    TensorTypeRow{0, Dtype::kF32},      TensorTypeRow{1, Dtype::kF16},
    TensorTypeRow{2, Dtype::kQ4_0},     TensorTypeRow{3, Dtype::kQ4_1},
    TensorTypeRow{6, Dtype::kQ5_0},     TensorTypeRow{7, Dtype::kQ5_1},
    TensorTypeRow{8, Dtype::kQ8_0},     TensorTypeRow{9, Dtype::kQ8_1},
    TensorTypeRow{10, Dtype::kQ2_K},    TensorTypeRow{11, Dtype::kQ3_K},
    TensorTypeRow{12, Dtype::kQ4_K},    TensorTypeRow{13, Dtype::kQ5_K},
    TensorTypeRow{14, Dtype::kQ6_K},    TensorTypeRow{15, Dtype::kQ8_K},
    TensorTypeRow{16, Dtype::kIq2Xxs},  TensorTypeRow{17, Dtype::kIq2Xs},
    TensorTypeRow{18, Dtype::kIq3Xxs},  TensorTypeRow{19, Dtype::kIq1S},
    TensorTypeRow{20, Dtype::kIq4Nl},   TensorTypeRow{21, Dtype::kIq3S},
    TensorTypeRow{22, Dtype::kIq2S},    TensorTypeRow{23, Dtype::kIq4Xs},
    TensorTypeRow{24, Dtype::kI8},      TensorTypeRow{25, Dtype::kI16},
    TensorTypeRow{26, Dtype::kI32},     TensorTypeRow{27, Dtype::kI64},
    TensorTypeRow{28, Dtype::kF64},     TensorTypeRow{29, Dtype::kIq1M},
    TensorTypeRow{30, Dtype::kBf16},    TensorTypeRow{34, Dtype::kTq1_0},
    TensorTypeRow{35, Dtype::kTq2_0},   TensorTypeRow{39, Dtype::kMxfp4},
    TensorTypeRow{40, Dtype::kNvfp4},   TensorTypeRow{41, Dtype::kQ1_0},
    TensorTypeRow{42, Dtype::kQ2_0},
};

struct RemovedRow {
  std::uint32_t id;
  std::string_view name;
};

constexpr std::array kRemovedTypes = {
    RemovedRow{4, "Q4_2"},      RemovedRow{5, "Q4_3"},
    RemovedRow{31, "Q4_0_4_4"}, RemovedRow{32, "Q4_0_4_8"}, RemovedRow{33, "Q4_0_8_8"},
    RemovedRow{36, "IQ4_NL_4_4"}, RemovedRow{37, "IQ4_NL_4_8"}, RemovedRow{38, "IQ4_NL_8_8"},
};

// The index is GGUF's number.
constexpr std::array kMetadataTypes = {
    MetadataType::kU8,  MetadataType::kI8,     MetadataType::kU16,   MetadataType::kI16,
    MetadataType::kU32, MetadataType::kI32,    MetadataType::kF32,   MetadataType::kBool,
    MetadataType::kString, MetadataType::kArray, MetadataType::kU64, MetadataType::kI64,
    MetadataType::kF64,
};
// clang-format on

}  // namespace

std::optional<Dtype> DtypeOfGgmlType(std::uint32_t id) {
  for (const TensorTypeRow& row : kTensorTypes) {
    if (row.id == id) return row.dtype;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> GgmlTypeOf(Dtype dtype) {
  const auto row = std::ranges::find(kTensorTypes, dtype, &TensorTypeRow::dtype);
  if (row == kTensorTypes.end()) return std::nullopt;
  return row->id;
}

std::string_view RemovedGgmlType(std::uint32_t id) {
  for (const RemovedRow& row : kRemovedTypes) {
    if (row.id == id) return row.name;
  }
  return {};
}

std::optional<MetadataType> MetadataTypeOfGguf(std::uint32_t id) {
  if (id >= kMetadataTypes.size()) return std::nullopt;
  return kMetadataTypes[id];
}

std::uint32_t GgufTypeOf(MetadataType type) {
  const auto found = std::ranges::find(kMetadataTypes, type);
  HM_CHECK(found != kMetadataTypes.end());
  return static_cast<std::uint32_t>(found - kMetadataTypes.begin());
}

}  // namespace hallmark
