// The reader of every container that keeps its tensors as they are: row-major, little-endian,
// uncompressed. Such a format only has to parse its header.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/model_reader.h"

namespace hallmark {

// What a header says, after every range was checked against the file.
struct ContainerContents {
  std::string_view format_name;  // of static storage
  std::string format_detail;
  std::vector<TensorInfo> tensors;  // all verbatim
  std::vector<MetadataEntry> metadata;
  std::vector<Finding> findings;
};

// `file` must outlive the reader.
std::unique_ptr<ModelReader> MakeContentsReader(const File& file, ContainerContents contents);

}  // namespace hallmark
