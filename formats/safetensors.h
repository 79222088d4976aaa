// safetensors: a JSON header and raw tensors. Layout: docs/formats/safetensors.md.
#pragma once

#include <memory>

#include "formats/file_head.h"
#include "formats/model_reader.h"

namespace hallmark {

bool SniffSafetensors(const FileHead& head);
// Whether a file of another kind could pass for safetensors: its first bytes as the length of a
// header, and a brace after them.
Result<bool> LooksLikeSafetensors(const File& file);

// Tensors come in the order of their data. Stricter than the reference reader: duplicate keys are
// refused. Errors: kIo; kMalformed (any break of the format; with the byte where it is known);
// kUnsupported (a dtype not known here).
Result<std::unique_ptr<ModelReader>> OpenSafetensors(const File& file);

}  // namespace hallmark
