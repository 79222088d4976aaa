// GGUF as llama.cpp writes it.
#pragma once

#include <span>

#include "formats/file_layout.h"
#include "formats/metadata.h"

namespace hallmark {

// GGUF version 3, little-endian, as ggml's gguf.cpp writes it: metadata and tensors in the order
// given, data aligned to metadata's general.alignment, else to 32. Dimensions of 1 at the front of
// a shape are dropped, as ggml does: 1x256 is written as 256, a scalar as 1. Errors, without
// subject, where llama.cpp would refuse the file, or another type stands for the same number: as
// MeasureTensors; kMalformed for keys that stand twice, are empty or longer than 65,535 bytes,
// values that their type cannot hold and what GgufAlignment refuses; kUnsupported for untyped
// values and arrays of arrays, more than 4 dimensions, names longer than 63 bytes or with a zero,
// types that ggml has not, and more than 256 MiB of header and padding.
Result<FileLayout> LayOutGguf(std::span<const TensorToWrite> tensors,
                              std::span<const MetadataEntry> metadata);

}  // namespace hallmark
