// PyTorch checkpoints, as torch.load reads them since 1.6.
#pragma once

#include <span>
#include <string_view>

#include "formats/file_layout.h"

namespace hallmark {

// A dictionary of the tensors in the order given, each with a storage of its own, contiguous and on
// the CPU; torch.load(weights_only=True) takes it. All records lie in `top_folder`, for which torch
// takes the name of the file without its suffix. Errors, without subject: as MeasureTensors and
// LayOutZip; kMalformed for a folder that is not one plain name; kUnsupported for types that torch
// has not, and for f4 where a row is not whole bytes.
Result<FileLayout> LayOutPytorch(std::span<const TensorToWrite> tensors,
                                 std::string_view top_folder);

}  // namespace hallmark
