// A folder as it will be: some files are seen with other contents, others are as on disk.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "src/io/block_source.h"
#include "src/io/folder.h"

namespace hallmark {

// Contents by path; also of files that are not on disk.
using PatchedContents = std::map<std::string, std::shared_ptr<const BlockSource>, std::less<>>;

// `listing` is what of the folder at `root` is to be seen, beside what is patched.
std::shared_ptr<const Folder> MakePatchedFolder(std::filesystem::path root,
                                                DirectoryListing listing, PatchedContents patched);

}  // namespace hallmark
