// Files that hold a directory: tars, and what `hallmark pack` writes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "src/io/folder.h"

namespace hallmark {

// Whether FolderInArchive is worth trying: also true for a damaged archive. Errors: kIo.
Result<bool> IsArchive(const File& file);
// By its suffix alone.
bool IsNamedArchive(std::string_view path);

// The files of an archive as a folder; `path` is what a listing of the copy calls the archive.
// Errors: as FolderInTar and FolderInPacked.
Result<std::shared_ptr<const Folder>> FolderInArchive(std::shared_ptr<const File> archive,
                                                      std::string path);

}  // namespace hallmark
