// The other files that a container names as its own, opened while its header is read.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "formats/model_reader.h"

namespace hallmark {

// Lives for one opening; `container` outlives it. Not thread-safe.
class Companions {
 public:
  explicit Companions(const File& container) : container_(container) {}

  // The number of the file of that path, from 1, as TensorInfo::file counts. `path` has passed
  // CheckRelativePath. Errors: as File::OpenBeside, about the container.
  Result<std::size_t> Open(const std::string& path);
  const CompanionFile& At(std::size_t number) const { return files_[number - 1]; }
  std::vector<CompanionFile> Take() { return std::move(files_); }

  // kUnsupported if tensors of that many bytes in all are far more than the files hold: parts of
  // files can be named again and again, and a small container must not promise endless tensors.
  Result<void> CheckTotal(double payload_bytes) const;

 private:
  const File& container_;
  std::vector<CompanionFile> files_;
  std::map<std::string, std::size_t> numbers_;  // by path
};

}  // namespace hallmark
