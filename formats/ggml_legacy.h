// The files of llama.cpp before GGUF: GGML, GGMF and GGJT. Layout: docs/formats/ggml-legacy.md.
#pragma once

#include <cstdint>
#include <memory>

#include "formats/file_head.h"
#include "formats/model_reader.h"

namespace hallmark {

bool SniffGgmlLegacy(const FileHead& head);

// Unversioned GGML, GGMF 1 and GGJT 1 to 3 of LLaMA, whose tensors must all be there. Names and row
// order are Meta's. Blocks come raw, as the type that tells their layout of that version. The
// hyperparameters are found in Metadata() under their names in llama.cpp, the vocabulary as
// `tokens` and `scores`. Errors: kIo; kMalformed (any break of the format, with the byte);
// kUnsupported (another version, another model's header behind the same magic, a tensor type that
// these files never held).
Result<std::unique_ptr<ModelReader>> OpenGgmlLegacy(const File& file);

// How many files hold the model that `reader` holds (a part of): the width of the model over the
// columns of this part's embedding. 1 for other containers.
std::uint64_t GgmlLegacyParts(const ModelReader& reader);

}  // namespace hallmark
