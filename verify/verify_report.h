// What a verification found: docs/verdicts.md says what each state means.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/hash/digest_cache.h"
#include "verify/part.h"
#include "verify/sample.h"
#include "verify/sources/source.h"

namespace hallmark {

enum class Verdict {
  kAuthentic,     // matches a statement signed by a trusted key
  kMatches,       // every listed file matches; the source is unauthenticated
  kSameWeights,   // files differ or are in another container, weight identity equal
  kPartial,       // what was checked matches, but files are missing, unlisted or not asked for
  kMismatch,      // checked, and it does not hold
  kInconclusive,  // nothing that could be compared
};
std::string_view VerdictName(Verdict verdict);  // "same-weights"

enum class FileState {
  kOk,
  kRenamed,        // its digest is listed, under another path
  kMismatch,       // a digest differs
  kWrongSize,      // said before anything is hashed
  kMissing,        // listed, not there
  kIncomplete,     // listed, and there is only an unfinished download of it
  kUnlisted,       // there, not listed
  kForbidden,      // there, and a source says that it must not be; see reason
  kUnread,         // could not be read to its end; see error
  kNotComparable,  // listed without a digest that could be computed
  kSampled,        // what was drawn and read of it is right; the rest is not known
  kNotSampled,     // not drawn: nothing is known of its bytes
};
std::optional<FileState> FileStateByName(std::string_view name);
std::string_view FileStateName(FileState state);  // "wrong-size"

// A stretch of a file that differs from what was listed, and what lies in it.
struct DamagedRange {
  ByteRange range;  // as exact as the source allows: bytes, 4 MiB spans or whole tensors
  std::vector<std::string> tensors = {};  // canonical names; none: only container bytes differ
  std::vector<std::string> groups = {};   // "model.layers.17"
  std::uint64_t differing_bytes = 0;      // within `range`, when the listed file is at hand; else 0
  bool tensors_known = false;  // false: where tensors lie is not known, so none are named
};

struct DigestCheck {
  ListedDigest expected;
  std::optional<Digest> actual;  // absent: not computed
  bool Matches() const { return actual && *actual == expected.digest; }
};

struct FileVerdict {
  FileState state;
  std::string path;        // in the copy; empty if it is not there
  std::string listed_as;   // in the source; empty if unlisted
  std::size_t source = 0;  // index into VerifyReport::sources; unlisted: of all sources together
  std::uint64_t size = 0;
  std::optional<std::uint64_t> listed_size;
  std::vector<DigestCheck> checks;
  std::vector<DamagedRange> damage;  // against a manifest, for mismatches
  std::vector<ByteRange> intact;  // against a manifest, for incomplete and cut files: right already
  std::optional<Error> error;     // for kUnread
  std::string reason = {};        // for kForbidden
  bool holds_weights = false;
  bool same_weights = false;  // not as listed, but the weights in question were proven the same
  std::uint64_t sampled_bytes = 0;   // of a sample: how much of it was read
  bool told = false;                 // by VerifyOptions::on_match
  bool remembered = false;           // digest taken over from an earlier run
  std::string remembered_from = {};  // UtcText, if by --cached; empty: an interrupted run's
};

struct WeightsVerdict {
  enum class State { kNotCompared, kSame, kDifferent, kNotComparable };
  State state = State::kNotCompared;
  std::string ours;  // "hm1:…" or empty
  std::string theirs;
  std::string source;  // who said theirs
  std::string reason;  // why not comparable
  std::string hint;    // what would help then, or empty
  struct Difference {
    std::string tensor;  // canonical name
    std::string group;
    std::string what;  // "differs", "missing", "added", "shape 32x64, expected 64x64"
    std::vector<std::pair<std::string, ByteRange>> places;  // file in the copy, bytes there
    // When the other copy is at hand and shape and float type allow it.
    struct Values {
      std::uint64_t differing = 0;
      std::uint64_t total = 0;
      double max_abs = 0;  // largest |ours - theirs|; NaN against a number counts as infinite
    };
    std::optional<Values> values;
  };
  std::vector<Difference> differences;  // where tensor digests are known
  std::uint64_t tensors_compared = 0;
};
std::string_view WeightsStateName(WeightsVerdict::State state);

struct SourceSummary {
  std::string name;
  std::string dialect;
  std::string title;
  bool complete = true;
  bool inside_copy = false;
  bool resists_attackers = false;  // every listed file has a digest that does
  std::uint64_t listed_files = 0;
  std::vector<Endorsement> endorsements = {};
};

SourceSummary Summarise(const Source& source);

// Folders below the copy that were not looked into.
std::uint64_t CountUnreadFolders(const std::vector<Finding>& findings);

// One conversion by which a copy came about, as its receipt says.
struct ProvenanceStep {
  std::string receipt;                    // its file
  std::string relation;                   // of what was written to what was read: "quantised"
  std::string request;                    // what was asked for: "to gguf, quant Q4_K_M"
  std::vector<Endorsement> endorsements;  // of the receipt
};

// What of the options has a say in the verdict.
struct VerifyAsked {
  std::vector<std::string> include;
  bool weights_only = false;
  bool compare_weights = true;
};

struct VerifyReport {
  VerifyAsked asked;
  std::optional<PartStamp> part;        // if it is about one part only
  std::optional<SampleSummary> sample;  // if it is about a sample only
  std::uint64_t merged_from = 0;        // parts; 0: it was not merged
  Verdict verdict = Verdict::kInconclusive;
  // kPartial only because no more was asked for, and all of that holds.
  bool holds_as_asked = false;
  std::string summary;  // one sentence for people: what holds, and on whose word
  std::string hint;     // what would settle it, or empty
  std::vector<SourceSummary> sources;
  std::vector<FileVerdict> files;
  WeightsVerdict weights;
  std::vector<Finding> findings;
  std::uint64_t unread_folders = 0;  // below the copy, which may hold anything
  std::uint64_t files_hashed = 0;
  std::uint64_t bytes_hashed = 0;
  RememberedTotal remembered;              // by --cached
  std::vector<ProvenanceStep> provenance;  // the last step first; empty: it was not asked for
};

// Two sources that say different things of one file cannot both be right: a finding says so.
void FindDisagreements(const std::vector<Source>& sources, VerifyReport& report);

}  // namespace hallmark
