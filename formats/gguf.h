// GGUF, the container of llama.cpp. Layout: docs/formats/gguf.md.
#pragma once

#include <memory>

#include "formats/file_head.h"
#include "formats/model_reader.h"

namespace hallmark {

bool SniffGguf(const FileHead& head);

// Versions 1 to 3, of either byte order. Block-quantised tensors come as raw blocks. A shape is
// GGUF's `ne` reversed. The keys of split files (split.no, split.count, split.tensors.count) are
// found in Metadata(). Errors: kIo; kMalformed (any break of the format, with the byte);
// kUnsupported (another version, a tensor type not known here or removed from ggml).
Result<std::unique_ptr<ModelReader>> OpenGguf(const File& file);

}  // namespace hallmark
