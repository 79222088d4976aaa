// The reader of every container that keeps its tensors as they are: row-major, uncompressed. Such a
// format only has to parse its header.
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
  // Each stored as its payload, which is verbatim but for the order of bytes within a number: what
  // is not verbatim is big-endian, of a type that HasByteOrder.
  std::vector<TensorInfo> tensors;
  std::vector<MetadataEntry> metadata;
  std::vector<Finding> findings;
};

// `file` must outlive the reader.
std::unique_ptr<ModelReader> MakeContentsReader(const File& file, ContainerContents contents);

}  // namespace hallmark
