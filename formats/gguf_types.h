// The numbers of GGUF: those it writes for types, of tensors (ggml.h, enum ggml_type) and of
// metadata values, and its limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "formats/metadata.h"
#include "src/tensor/dtype.h"

namespace hallmark {

inline constexpr std::string_view kGgufMagic = "GGUF";
inline constexpr std::uint32_t kGgmlMostDimensions = 4;  // GGML_MAX_DIMS
inline constexpr std::size_t kGgmlLongestName = 63;      // GGML_MAX_NAME less its final zero
inline constexpr std::size_t kGgufLongestKey = 65'535;   // GGUF, "gguf_metadata_kv_t"
// GGUF sets no limit of its own. The largest headers in use, those with two tokenizers, take some
// 30 MB; beyond this a number in the header lies, or the file means to exhaust the reader.
inline constexpr std::uint64_t kGgufHeaderLimit = 256 * 1024 * 1024;

std::optional<Dtype> DtypeOfGgmlType(std::uint32_t id);
// The name of a type that ggml had once and removed; empty for all other ids.
std::string_view RemovedGgmlType(std::uint32_t id);

std::optional<std::uint32_t> GgmlTypeOf(Dtype dtype);

std::optional<MetadataType> MetadataTypeOfGguf(std::uint32_t id);
std::uint32_t GgufTypeOf(MetadataType type);  // not kUntyped

}  // namespace hallmark
