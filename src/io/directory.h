// What files a path holds, in a fixed order and without leaving it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"
#include "src/base/finding.h"

namespace hallmark {

struct DirectoryEntry {
  std::string path;                 // relative to the root, "/" between components
  std::filesystem::path full_path;  // to open it; empty for what only its Folder can open
  std::uint64_t size = 0;
  bool is_link = false;  // a link to a regular file; hubs' caches are made of them
};

struct DirectoryListing {
  std::vector<DirectoryEntry> files;  // by NaturalLess of `path`
  // Links to directories (not followed), dangling links, devices, unreadable folders.
  std::vector<Finding> findings;
};

// Every regular file at or below `root`, hidden ones included, `.git` left out. A single file gives
// one entry under its own name.
Result<DirectoryListing> ListFiles(const std::filesystem::path& root);

// The index of `path` in a listing that ListFiles made.
std::optional<std::size_t> FindFile(const DirectoryListing& listing, std::string_view path);

// A path from a list or an index is acceptable only if it is relative and stays below its root:
// no "..", no leading "/", no NUL, no backslash, no drive, no empty component. Returns it with
// "./" removed. Errors: kMalformed, message says why.
Result<std::string> CheckRelativePath(std::string_view path);

}  // namespace hallmark
