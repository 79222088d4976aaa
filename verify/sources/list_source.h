// What all line-based dialects have in common once their lines are told apart: which algorithm a
// line means, which names are acceptable, which lines contradict each other.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/hash/digest.h"
#include "verify/sources/source.h"

namespace hallmark {

// The source that a list's lines amount to; dialect and title are the caller's to fill in. A line
// that is not understood makes a finding and `complete` false. Errors: kMalformed where no line is
// usable, a path leaves the directory, or two lines contradict each other; kUnsupported beyond
// 8 MiB.
Result<Source> SourceFromLines(std::string_view text, std::string_view file_name);

// A path as a list names it, checked as CheckRelativePath does, but with backslashes let through
// where they are meant and no reading of them leaves the directory. kUnsupported where they may be
// Windows' separators.
Result<std::string> CheckListedPath(std::string_view path, bool backslashes_meant);

// Collects what a source says about files; several statements about one path become one file.
class FileCollector {
 public:
  // kMalformed if the path already has another digest of that algorithm, or another size; names
  // both lines (0: the source has none).
  Result<void> Add(std::string path, std::optional<std::uint64_t> size,
                   std::optional<Digest> digest, std::uint64_t line);
  std::vector<ListedFile> Take() { return std::move(files_); }

 private:
  struct Said {
    std::size_t file;
    std::vector<std::uint64_t> lines;  // beside ListedFile::digests
  };
  std::vector<ListedFile> files_;
  std::map<std::string, Said, std::less<>> by_path_;
};

}  // namespace hallmark
