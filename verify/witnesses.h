// Several people's words on one release. The first says what the release is; others only confirm
// it, and become its witnesses, or contradict it: then both words stay and neither is believed
// alone. Nothing that one of the others says alone becomes part of the entry, or it would pass for
// the word of those whom they agree with elsewhere, and public digests are easily repeated.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/base/finding.h"
#include "verify/catalogue.h"

namespace hallmark {

// The witness of what a user says of their own copy without giving a name.
inline constexpr std::string_view kOwnCopy = "your own copy";

std::uint64_t CountWitnesses(const Testimony& testimony);  // 2^64 - 1 at most

// "community, 3 witnesses: alice, bob and 1 more", unescaped.
std::string TestimonyText(const Testimony& testimony);

// What `word` says of the release that `entry` is about, held against it.
struct Agreement {
  std::uint64_t agreed = 0;          // digests, or the weight identity, that both give
  std::vector<std::string> dissent;  // what they say differently, for people
  std::vector<std::string> alone;    // what only `word` says, for people
};
Agreement CompareWords(const CatalogueEntry& entry, const CatalogueEntry& word);

// Adds to `entry` what `word` says of the same things: witnesses where digests and weights are
// equal, one more digest or weight identity where they are not. False if nothing was new.
bool JoinWord(CatalogueEntry& entry, const CatalogueEntry& word);

// True if witnesses give different digests of that algorithm.
bool IsDisputed(const ListedFile& file, Algorithm algorithm);

// A finding for each file of which witnesses give different digests of one algorithm, and for
// different weight identities: who says what.
std::vector<Finding> FindDissent(const CatalogueEntry& entry);

}  // namespace hallmark
