// Which files of a copy are not as listed?
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "src/base/finding.h"
#include "src/base/task.h"
#include "src/io/directory.h"
#include "verify/repair/planned_file.h"
#include "verify/sources/source.h"

namespace hallmark {

// Why a file cannot be mended of which the sources say different things.
inline constexpr const char* kContradiction = "the sources say different things of it";

// A folder or a file that was looked into: a donor, or the copy itself.
struct Party {
  std::filesystem::path path;
  DirectoryListing listing;
  std::vector<std::vector<std::optional<std::size_t>>> match;  // by source, by listed file
};
// Errors: as Copy::List.
Result<Party> OpenParty(const std::filesystem::path& path, std::span<const Source> sources);

// A file that has to be mended, or that has bytes in common pieces with one.
struct FileInWork {
  PlannedFile plan;
  bool is_damaged = true;       // others only share pieces with those that are
  bool is_whole_wrong = false;  // it has the official size, and another digest
  std::vector<std::pair<std::size_t, std::size_t>> listed;  // source, file of it
  std::map<std::uint64_t, std::size_t> put = {};  // where patches begin; index into plan.patches
};

struct DamagedFiles {
  VerifyReport found;
  std::filesystem::path root;  // the folder that paths are below
  Party copy;
  bool is_one_file = false;
  std::vector<FileInWork> files;
  std::vector<PlannedFile> intact;          // the others that are listed, with their digests
  std::map<std::string, FileStamp> stamps;  // of the copy's files, before anything was read
  std::vector<Finding> findings;
};

// Verifies the copy, a folder or one file. Of a copy that is one file, files that are missing are
// not asked for. Errors: as Verify; kUsage (it is something else).
Result<DamagedFiles> FindDamagedFiles(const std::filesystem::path& copy,
                                      const std::vector<Source>& sources,
                                      const std::function<void(const FileVerdict&)>& on_early,
                                      const Task& task);

}  // namespace hallmark
