// What is known about a copy when nobody named a source: the catalogue, the lists around it, and
// the names that a store gives its blobs.
#pragma once

#include <filesystem>
#include <vector>

#include "src/io/directory.h"
#include "verify/sources/source.h"
#include "verify/verify_report.h"

namespace hallmark {

struct UnaskedSources {
  std::vector<Source> lists;  // found in the copy or right beside it, and the store's names
  // Catalogue entries of which some file is here by name, and size where known. Releases share
  // names, so an entry counts only once the digest of a file has proven it.
  std::vector<Source> candidates;
  std::vector<Finding> findings;
};
Result<UnaskedSources> FindUnaskedSources(const std::filesystem::path& copy,
                                          const DirectoryListing& listing, const Task& task);

// Of the candidates, which are the sources from `first_candidate` on, only those stay that most
// digests prove: of weights if there are any, else of other files if one alone has the most. The
// verdicts of the others go, and a finding names them if none is proven.
void DropUnprovenCandidates(std::size_t first_candidate, const std::filesystem::path& copy,
                            std::vector<Source>& sources, VerifyReport& report);

}  // namespace hallmark
