// A folder inside another.
#pragma once

#include <memory>
#include <string>

#include "src/io/folder.h"

namespace hallmark {

// What lies below `path` in `whole`, under paths that begin there; `whole` itself for an empty one.
std::shared_ptr<const Folder> FolderWithin(std::shared_ptr<const Folder> whole, std::string path);

}  // namespace hallmark
