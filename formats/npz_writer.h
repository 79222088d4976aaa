// numpy's archives, as numpy.load reads them.
#pragma once

#include <span>

#include "formats/file_layout.h"

namespace hallmark {

// An archive of arrays in the order given, each under its name with .npy and with the header that
// numpy.save writes. bf16 is written as '<V2', as ml_dtypes and MLX do; numpy alone loads it as raw
// bytes. Errors, without subject: as MeasureTensors and LayOutZip; kMalformed where numpy would
// give one array under another's name ("a" beside "a.npy"); kUnsupported for types that numpy has
// not, and more than 64 dimensions.
Result<FileLayout> LayOutNpz(std::span<const TensorToWrite> tensors);

}  // namespace hallmark
