// Several people's words on one release: where they agree they become one entry with all their
// witnesses; where they do not, both words stay and neither is believed alone.
#pragma once

#include <string>
#include <vector>

#include "src/base/finding.h"
#include "verify/catalogue.h"

namespace hallmark {

// What `word` says of the release that `entry` is about, held against it.
struct Agreement {
  std::uint64_t agreed = 0;          // digests, or the weight identity, that both give
  std::vector<std::string> dissent;  // what they say differently, for people
};
Agreement CompareWords(const CatalogueEntry& entry, const CatalogueEntry& word);

// Adds to `entry` what `word` says: witnesses where digests are equal, further digests where they
// are not or are of other algorithms. Files that only `word` lists become optional: they are no
// part of what the first witness called the release. False if nothing was new.
bool JoinWord(CatalogueEntry& entry, const CatalogueEntry& word);

// A finding for each file of which witnesses give different digests of one algorithm, and for
// different weight identities: who says what.
std::vector<Finding> FindDissent(const CatalogueEntry& entry);

}  // namespace hallmark
