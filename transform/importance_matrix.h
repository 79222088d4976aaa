// How much each column of each weight matters: what llama-imatrix measured, as llama-quantize
// weighs by it. Layouts: docs/quantisation-mixes.md#importance-matrices.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/io/file.h"

namespace hallmark {

struct ImportanceMatrix {
  // By tensor name. A weight for each column of the tensor, finite; of stacked experts those of the
  // first, then those of the second, and so on. Columns of an expert that was never called weigh 1.
  std::map<std::string, std::vector<float>, std::less<>> weights;
  std::string path;                   // as the user named the file
  std::vector<std::string> datasets;  // that it was measured on, as the file has them
  std::uint32_t chunks = 0;           // of the datasets; 0: not said
};

// Reads llama-imatrix's GGUF, or its older format without a magic. Memory in proportion to the
// file. Errors: kIo; kMalformed (any break of the format, no entries, weights that are not finite).
Result<ImportanceMatrix> ReadImportanceMatrix(const File& file);

}  // namespace hallmark
