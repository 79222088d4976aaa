// Checkpoints of llama2.c. Layout: docs/formats/llama2c.md.
#pragma once

#include <memory>

#include "formats/file_head.h"
#include "formats/model_reader.h"

namespace hallmark {

// Version 0 has no magic: its seven numbers must give exactly the size of the file.
bool SniffLlama2c(const FileHead& head);

// Versions 0 to 2, as export.py writes them. What a file stacks over the layers is one tensor a
// layer, under Meta's name and in Meta's row order; the rotary tables of version 0 are freqs_cos
// and freqs_sin. A matrix of version 2 is two tensors: NAME.weight, its i8 quants, and NAME.scales,
// one f32 for each group of them in row-major order. The header is found in Metadata() under the
// names of run.c's struct Config. Errors: kIo; kMalformed (numbers that cannot be, another size
// than they give, a header that is not zero where it is unused); kUnsupported (another version).
Result<std::unique_ptr<ModelReader>> OpenLlama2c(const File& file);

}  // namespace hallmark
