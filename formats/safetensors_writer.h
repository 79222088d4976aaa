// safetensors as the reference implementation writes it.
#pragma once

#include <map>
#include <span>
#include <string>

#include "formats/file_layout.h"

namespace hallmark {

// The bytes that safetensors 0.8 writes, header and all: tensors in the order of kSafetensorsTypes
// from its end, then of names. `metadata` stands in the order of its keys; the reference leaves
// that to chance where there are several. Errors, without subject: as MeasureTensors; kMalformed
// for text that is not UTF-8, or a tensor called as the metadata; kUnsupported for ggml's block
// types, c32, c128 and a header beyond 100,000,000 bytes.
Result<FileLayout> LayOutSafetensors(std::span<const TensorToWrite> tensors,
                                     const std::map<std::string, std::string>& metadata);

}  // namespace hallmark
