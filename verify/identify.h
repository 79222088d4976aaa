// Which known model is this? By file digests and by weight identity; near misses are named.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "src/base/task.h"
#include "src/hash/digest_cache.h"
#include "verify/catalogue.h"

namespace hallmark {

// A file of which the catalogue knows a digest.
struct IdentifiedFile {
  std::string path;  // in what was looked at
  std::uint64_t size = 0;
  struct Match {
    std::string id;         // of the entry
    std::string listed_as;  // path in it
    ListedDigest digest;    // with whose word it is
    bool disputed = false;  // other witnesses give another digest of this algorithm
  };
  std::vector<Match> matches;        // all entries that list this very file
  std::string remembered_from = {};  // UtcText of the digests, if they were not read now
};

// A model of the catalogue that the files or the weights speak for.
struct IdentifiedModel {
  std::string id;
  std::string title;
  bool complete_entry = true;  // the entry lists every file of the release

  std::vector<std::string> files_found;     // as the entry lists them
  std::vector<std::string> files_disputed;  // here by a digest that other witnesses contradict
  std::vector<std::string> files_missing;   // listed, not optional, not among what was looked at
  bool shared_files_only = false;           // only files that other entries list as well are here

  std::optional<ListedWeights> weights;  // that the entry has and this is, with whose word it is
  bool weights_disputed = false;         // other witnesses give the entry other weights
  std::uint64_t tensors_equal = 0;       // where the entry keeps tensor digests
  std::uint64_t tensors_listed = 0;
  std::vector<std::string> tensors_differing;  // names, at most 20
  std::vector<std::string> groups_differing;   // keys of all groups that those that differ lie in
  std::uint64_t tensors_added = 0;             // tensors of ours that the entry doesn't know

  bool SameWeights() const { return weights && !weights_disputed; }
  // Every file of a complete entry is here, or the weights are the entry's. What witnesses disagree
  // about shows neither.
  bool Found() const {
    return SameWeights() || (files_missing.empty() && files_disputed.empty() && !shared_files_only);
  }
};

struct IdentifyReport {
  enum class State { kFound, kNearMiss, kUnknown };
  // kFound also for a single file that belongs to a known model.
  State state = State::kUnknown;
  std::string summary;                  // one sentence for people
  std::vector<IdentifiedModel> models;  // the best first
  std::vector<IdentifiedFile> files;    // those with a match
  std::string weights;                  // "hm1:…", if it was computed
  std::string no_weights_reason;        // why it was not
  std::vector<Finding> findings;
  std::uint64_t files_hashed = 0;
  std::uint64_t bytes_hashed = 0;
  RememberedTotal remembered;  // by the cache
};
std::string_view IdentifyStateName(IdentifyReport::State state);  // "near-miss"

// `path`: a directory, a shard, an index or a file. Every file is read once with the algorithms
// that entries of its size need, those with a known name and size first; then, if that does not
// settle it and the catalogue knows weight identities, the tensors. Unreadable files are findings.
// Digests of files are taken from `cache` and put there, if it is not null. Errors: no such path,
// kInterrupted.
Result<IdentifyReport> Identify(const std::filesystem::path& path, const Catalogue& catalogue,
                                const Task& task, DigestCache* cache = nullptr);

}  // namespace hallmark
