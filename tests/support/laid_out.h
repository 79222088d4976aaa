// Layouts of files to be written, checked and filled.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "formats/file_layout.h"
#include "formats/model_reader.h"
#include "src/io/file.h"

namespace hallmark {

// The file that `layout` describes, `payloads[i]` being tensor i's bytes. Whatever breaks
// FileLayout's rules (a gap, an overlap, a tensor left out, a checksum outside a literal) fails
// the test.
std::string FillLayout(const FileLayout& layout, std::span<const std::string> payloads);

// That file with zeros for all payloads and checksums, whatever its size: nothing of them is in
// memory.
std::unique_ptr<File> FileOfZeros(FileLayout layout);

// What `reader` has, as it would be written again.
struct ReadTensors {
  std::vector<TensorToWrite> tensors;
  std::vector<std::string> payloads;
};
ReadTensors ReadAll(const ModelReader& reader);

}  // namespace hallmark
