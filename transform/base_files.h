// The files of a base model by what they are, not by what they are called.
#pragma once

#include <filesystem>
#include <span>

#include "formats/packed_folder.h"
#include "src/base/task.h"

namespace hallmark {

// The root of each file's tree. Reads them whole; Progress advances by their bytes. Errors: kIo.
Result<std::vector<TreeNode>> TreeRootsOf(std::span<const std::shared_ptr<const File>> files,
                                          const Task& task);

// The files that `wanted` names, from a directory, an index, a file or an archive at `path`, each
// checked to be the very one. Errors: kNotFound (one is not there), kUntrusted (one is another),
// and those of reading.
Result<BaseFiles> OpenBaseFiles(std::span<const OriginalFile> wanted,
                                const std::filesystem::path& path, const Task& task);

}  // namespace hallmark
