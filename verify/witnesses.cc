#include "verify/witnesses.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "src/base/checked.h"

namespace hallmark {
namespace {

std::map<std::string_view, std::size_t> IndexByPath(const std::vector<ListedFile>& files) {
  std::map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < files.size(); ++i) index.emplace(files[i].path, i);
  return index;
}

std::ptrdiff_t CountOf(const ListedFile& file, Algorithm algorithm) {
  return std::ranges::count(file.digests, algorithm,
                            [](const ListedDigest& l) { return l.digest.GetAlgorithm(); });
}

void CompareFiles(const ListedFile& ours, const ListedFile& theirs, Agreement& out) {
  if (ours.size && theirs.size && *ours.size != *theirs.size) {
    out.dissent.push_back(
        fmt::format("{}: {} bytes, and {} in the catalogue", ours.path, *theirs.size, *ours.size));
  }
  for (const ListedDigest& their : theirs.digests) {
    const ListedDigest* other = nullptr;
    bool equal = false;
    for (const ListedDigest& our : ours.digests) {
      if (our.digest.GetAlgorithm() != their.digest.GetAlgorithm()) continue;
      equal = equal || our.digest == their.digest;
      if (other == nullptr) other = &our;
    }
    if (equal) {
      ++out.agreed;
    } else if (other != nullptr) {
      out.dissent.push_back(fmt::format("{}: {}, and {} in the catalogue ({})", ours.path,
                                        their.digest.ToString(), other->digest.ToString(),
                                        TestimonyText(other->testimony)));
    } else {
      out.alone.push_back(fmt::format("{}: {}", ours.path, their.digest.ToString()));
    }
  }
}

void CompareWeightsOf(const CatalogueEntry& entry, const CatalogueEntry& word, Agreement& out) {
  for (const ListedWeights& theirs : word.weights) {
    if (entry.weights.empty()) {
      out.alone.push_back("weights " + theirs.identity);
    } else if (std::ranges::find(entry.weights, theirs.identity, &ListedWeights::identity) !=
               entry.weights.end()) {
      ++out.agreed;
    } else {
      const ListedWeights& ours = entry.weights.front();
      out.dissent.push_back(fmt::format("weights {}, and {} in the catalogue ({})", theirs.identity,
                                        ours.identity, TestimonyText(ours.testimony)));
    }
  }
}

// Whose word it is, by name as far as names are known.
std::vector<std::string> NamesOf(const Testimony& testimony) {
  if (testimony.claim != "own" || !testimony.witnesses.empty()) return testimony.witnesses;
  return {std::string(kOwnCopy)};
}

// The claim stays what the first word says. Witnesses without a name may be people who are counted
// already, and add nothing.
bool JoinTestimony(Testimony& ours, const Testimony& theirs) {
  std::vector<std::string> names = NamesOf(ours);
  const std::size_t known = names.size();
  for (const std::string& name : NamesOf(theirs)) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  if (names.size() == known) return false;
  ours.witnesses = std::move(names);
  return true;
}

bool JoinFile(ListedFile& ours, const ListedFile& theirs) {
  bool is_new = false;
  for (const ListedDigest& their : theirs.digests) {
    const auto same = std::ranges::find(ours.digests, their.digest, &ListedDigest::digest);
    if (same != ours.digests.end()) {
      is_new |= JoinTestimony(same->testimony, their.testimony);
    } else if (CountOf(ours, their.digest.GetAlgorithm()) > 0) {
      ours.digests.push_back(their);
      is_new = true;
    }
  }
  return is_new;
}

bool JoinWeights(CatalogueEntry& entry, const CatalogueEntry& word) {
  if (entry.weights.empty()) return false;
  bool is_new = false;
  for (const ListedWeights& theirs : word.weights) {
    const auto same = std::ranges::find(entry.weights, theirs.identity, &ListedWeights::identity);
    if (same != entry.weights.end()) {
      is_new |= JoinTestimony(same->testimony, theirs.testimony);
    } else {
      entry.weights.push_back(theirs);
      is_new = true;
    }
  }
  return is_new;
}

}  // namespace

std::uint64_t CountWitnesses(const Testimony& testimony) {
  return CheckedAdd(testimony.witnesses.size(), testimony.further_witnesses).value_or(~0ull);
}

std::string TestimonyText(const Testimony& testimony) {
  std::string text = testimony.claim.empty() ? "unsaid by whom" : testimony.claim;
  const std::uint64_t witnesses = CountWitnesses(testimony);
  if (witnesses == 0) return text;
  text += fmt::format(", {} witness{}", witnesses, witnesses == 1 ? "" : "es");
  if (testimony.witnesses.empty()) return text;
  text += fmt::format(": {}", fmt::join(testimony.witnesses, ", "));
  if (testimony.further_witnesses > 0) {
    text += fmt::format(" and {} more", testimony.further_witnesses);
  }
  return text;
}

Agreement CompareWords(const CatalogueEntry& entry, const CatalogueEntry& word) {
  Agreement out;
  const auto by_path = IndexByPath(entry.files);
  for (const ListedFile& theirs : word.files) {
    const auto ours = by_path.find(theirs.path);
    if (ours == by_path.end()) {
      out.alone.push_back(theirs.path);
    } else {
      CompareFiles(entry.files[ours->second], theirs, out);
    }
  }
  CompareWeightsOf(entry, word, out);
  return out;
}

bool JoinWord(CatalogueEntry& entry, const CatalogueEntry& word) {
  bool is_new = JoinWeights(entry, word);
  const auto by_path = IndexByPath(entry.files);
  for (const ListedFile& theirs : word.files) {
    const auto ours = by_path.find(theirs.path);
    if (ours != by_path.end()) is_new |= JoinFile(entry.files[ours->second], theirs);
  }
  return is_new;
}

bool IsDisputed(const ListedFile& file, Algorithm algorithm) {
  return CountOf(file, algorithm) > 1;
}

std::vector<Finding> FindDissent(const CatalogueEntry& entry) {
  std::vector<Finding> findings;
  for (const ListedFile& file : entry.files) {
    std::map<Algorithm, std::vector<const ListedDigest*>> said;
    for (const ListedDigest& listed : file.digests) {
      said[listed.digest.GetAlgorithm()].push_back(&listed);
    }
    for (const auto& [algorithm, words] : said) {
      if (words.size() < 2) continue;
      std::string text;
      for (const ListedDigest* listed : words) {
        text += fmt::format("{}{} ({})", text.empty() ? "witnesses disagree: " : " and ",
                            listed->digest.ToString(), TestimonyText(listed->testimony));
      }
      findings.push_back({Severity::kWarning, "witnesses-disagree", file.path, std::move(text)});
    }
  }
  if (entry.weights.size() > 1) {
    std::string text;
    for (const ListedWeights& weights : entry.weights) {
      text += fmt::format("{}{} ({})",
                          text.empty() ? "witnesses disagree about the weights: " : " and ",
                          weights.identity, TestimonyText(weights.testimony));
    }
    findings.push_back(
        {Severity::kWarning, "witnesses-disagree", "catalogue:" + entry.id, std::move(text)});
  }
  return findings;
}

}  // namespace hallmark
