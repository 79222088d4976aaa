// The files of a model as they lie there, and where in them which tensors are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "src/base/task.h"
#include "src/io/folder.h"
#include "src/tensor/tensor_info.h"

namespace hallmark {

struct ModelFiles {
  std::shared_ptr<const Folder> folder;
  DirectoryListing listing;  // of `folder`, or a part of it
};

// All files of a directory, an index with the shards it names, or one file. Errors: kNotFound (also
// a shard that is not there), kIo, kMalformed (of an index).
Result<ModelFiles> OpenModelFiles(const std::filesystem::path& path);
// The same, but an archive stands for the files in it.
Result<ModelFiles> OpenModelFilesOrArchive(const std::filesystem::path& path);

// One stretch of a stored tensor.
struct StoredStretch {
  std::string path;  // in the folder
  ByteRange range;
  Dtype dtype;
  // Of a tensor that lies in one stretch; else empty.
  std::string tensor;
  Shape shape = {};
};

// Those of all files that a reader can be had for. A file that cannot be read as a container holds
// none; that is no error. Sorted by path and place; they may overlap.
Result<std::vector<StoredStretch>> FindStoredTensors(const ModelFiles& files, const Task& task);

}  // namespace hallmark
