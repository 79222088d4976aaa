// What is known about a copy when nobody named a source: the catalogue, and the lists around it.
#pragma once

#include <filesystem>
#include <vector>

#include "src/io/directory.h"
#include "verify/sources/source.h"

namespace hallmark {

// Catalogue entries of which some file is here by name (and size, where known), proven by digest
// where several releases share names; and the checksum lists found in the copy or beside it.
Result<std::vector<Source>> FindUnaskedSources(const std::filesystem::path& copy,
                                               const DirectoryListing& listing, const Task& task);

}  // namespace hallmark
