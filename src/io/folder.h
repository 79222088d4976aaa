// Files that belong together, by relative path: a directory on disk, or what a tar holds.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "src/io/directory.h"
#include "src/io/file.h"

namespace hallmark {

// Bytes of a file on disk, named as a listing of the copy names it.
struct FileStretch {
  std::string path;
  ByteRange range;
};

// Immutable and safe to share between threads. Paths are relative, "/" between components, and come
// from List() or through CheckRelativePath.
class Folder {
 public:
  virtual ~Folder() = default;
  // How messages name the file `path`; the folder itself for an empty one.
  virtual std::string NameOf(std::string_view path) const = 0;
  virtual Result<DirectoryListing> List() const = 0;
  virtual bool Has(std::string_view path) const = 0;
  // Errors: as OpenFile.
  virtual Result<std::unique_ptr<File>> Open(std::string_view path) const = 0;
  // Where `range` of the file `path` is found on disk.
  virtual FileStretch Locate(std::string_view path, ByteRange range) const = 0;
};

// The directory at `root`. Nothing is read yet.
std::shared_ptr<const Folder> FolderOnDisk(std::filesystem::path root);

}  // namespace hallmark
