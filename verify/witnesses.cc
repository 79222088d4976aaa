#include "verify/witnesses.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

namespace hallmark {
namespace {

constexpr std::string_view kOwnCopy = "your own copy";

std::string Who(const ListedDigest& listed) {
  std::string text = listed.claim;
  for (const std::string& witness : listed.witnesses) text += ", " + witness;
  if (listed.further_witnesses > 0) text += fmt::format(" and {} more", listed.further_witnesses);
  return text;
}

std::map<std::string_view, std::size_t> IndexByPath(const std::vector<ListedFile>& files) {
  std::map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < files.size(); ++i) index.emplace(files[i].path, i);
  return index;
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
                                        Who(*other)));
    }
  }
}

int RankOf(std::string_view claim) {
  return claim == "publisher" ? 2 : claim == "community" ? 1 : 0;
}

// Whose word it is, by name as far as names are known.
std::vector<std::string> NamesOf(const ListedDigest& listed) {
  if (listed.claim != "own" || !listed.witnesses.empty()) return listed.witnesses;
  return {std::string(kOwnCopy)};
}

bool JoinDigest(ListedDigest& ours, const ListedDigest& theirs) {
  std::vector<std::string> names = NamesOf(ours);
  bool is_new = false;
  for (const std::string& name : NamesOf(theirs)) {
    if (std::ranges::find(names, name) != names.end()) continue;
    names.push_back(name);
    is_new = true;
  }
  if (is_new) ours.witnesses = std::move(names);
  // Those without a name may be the same people.
  if (theirs.further_witnesses > ours.further_witnesses) {
    ours.further_witnesses = theirs.further_witnesses;
    is_new = true;
  }
  if (RankOf(theirs.claim) > RankOf(ours.claim)) {
    ours.claim = theirs.claim;
    is_new = true;
  }
  return is_new;
}

bool JoinFile(ListedFile& ours, const ListedFile& theirs) {
  bool is_new = false;
  if (!ours.size && theirs.size) {
    ours.size = theirs.size;
    is_new = true;
  }
  for (const ListedDigest& their : theirs.digests) {
    const auto same = std::ranges::find(ours.digests, their.digest, &ListedDigest::digest);
    if (same != ours.digests.end()) {
      is_new |= JoinDigest(*same, their);
    } else {
      ours.digests.push_back(their);
      is_new = true;
    }
  }
  return is_new;
}

bool JoinWeights(CatalogueEntry& entry, const CatalogueEntry& word) {
  bool is_new = false;
  const auto add = [&](const std::string& weights) {
    if (weights.empty() || weights == entry.weights) return;
    if (entry.weights.empty()) {
      entry.weights = weights;
    } else if (std::ranges::find(entry.disputed_weights, weights) == entry.disputed_weights.end()) {
      entry.disputed_weights.push_back(weights);
    } else {
      return;
    }
    is_new = true;
  };
  add(word.weights);
  for (const std::string& weights : word.disputed_weights) add(weights);
  if (entry.tensors.empty() && !word.tensors.empty() && entry.weights == word.weights) {
    entry.tensors = word.tensors;
    is_new = true;
  }
  return is_new;
}

}  // namespace

Agreement CompareWords(const CatalogueEntry& entry, const CatalogueEntry& word) {
  Agreement out;
  const auto by_path = IndexByPath(entry.files);
  for (const ListedFile& theirs : word.files) {
    const auto ours = by_path.find(theirs.path);
    if (ours != by_path.end()) CompareFiles(entry.files[ours->second], theirs, out);
  }
  if (!entry.weights.empty() && !word.weights.empty()) {
    if (entry.weights == word.weights) {
      ++out.agreed;
    } else {
      out.dissent.push_back(
          fmt::format("weights {}, and {} in the catalogue", word.weights, entry.weights));
    }
  }
  return out;
}

bool JoinWord(CatalogueEntry& entry, const CatalogueEntry& word) {
  bool is_new = JoinWeights(entry, word);
  const std::size_t known = entry.files.size();
  std::map<std::string, std::size_t, std::less<>> by_path;
  for (std::size_t i = 0; i < known; ++i) by_path.emplace(entry.files[i].path, i);
  for (const ListedFile& theirs : word.files) {
    const auto ours = by_path.find(theirs.path);
    if (ours != by_path.end()) {
      is_new |= JoinFile(entry.files[ours->second], theirs);
    } else {
      entry.files.push_back(theirs);
      entry.files.back().optional = true;
      is_new = true;
    }
  }
  return is_new;
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
                            listed->digest.ToString(), Who(*listed));
      }
      findings.push_back({Severity::kWarning, "witnesses-disagree", file.path, std::move(text)});
    }
  }
  if (!entry.disputed_weights.empty()) {
    findings.push_back({Severity::kWarning, "witnesses-disagree", "catalogue:" + entry.id,
                        fmt::format("witnesses disagree about the weights: {} and {}",
                                    entry.weights, fmt::join(entry.disputed_weights, " and "))});
  }
  return findings;
}

}  // namespace hallmark
