// Which file of the copy is which file of the list? By path, then by name; digests come later.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "src/io/directory.h"
#include "verify/sources/source.h"

namespace hallmark {

// For each file of `source`, the index of its file in `listing`, if path (also below the source's
// own folder, or with one folder more or less in front of all paths) or a unique name tells it. A
// file of the copy is given away once. A list entry without a path fits a copy of one file.
std::vector<std::optional<std::size_t>> MatchByName(const Source& source,
                                                    const DirectoryListing& listing);

// The unfinished download of `path`, as browsers and download tools name one ("x.part",
// "x.incomplete", "x.aria2" beside x, …), if `listing` holds it: the file with the bytes.
std::optional<std::size_t> FindUnfinished(const std::string& path, const DirectoryListing& listing);

// True if `listing` holds an aria2 control file for `path`: it is there, but not finished.
bool HasControlFile(const std::string& path, const DirectoryListing& listing);

}  // namespace hallmark
