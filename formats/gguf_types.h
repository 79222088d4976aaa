// The numbers GGUF writes for types: of tensors (ggml.h, enum ggml_type) and of metadata values.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "formats/metadata.h"
#include "src/tensor/dtype.h"

namespace hallmark {

std::optional<Dtype> DtypeOfGgmlType(std::uint32_t id);
// The name of a type that ggml had once and removed; empty for all other ids.
std::string_view RemovedGgmlType(std::uint32_t id);

std::optional<MetadataType> MetadataTypeOfGguf(std::uint32_t id);

}  // namespace hallmark
