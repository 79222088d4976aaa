// Reading only some of the files: a sample that is drawn from a seed, so that it can be drawn
// again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/task.h"
#include "src/io/file.h"
#include "weights/manifest.h"

namespace hallmark {

// What is drawn are pieces: the 4 MiB of which a manifest gives the roots, and whole files where
// only a digest of the file is known. Each is drawn or not by itself, by SHA-256 of seed, path and
// number of the piece, and so independent of the order, the other files and the division into
// parts.
class Sample {
 public:
  // "5%" (more than 0, less than 100, at most four decimals): every piece with that probability.
  // "2/7": the second of seven samples that together hold every piece. nullopt: neither.
  static std::optional<Sample> Parse(std::string_view text, std::string seed);

  const std::string& Asked() const { return asked_; }
  const std::string& Seed() const { return seed_; }
  bool IsSubset() const { return subset_.has_value(); }
  bool Takes(std::string_view path, std::uint64_t piece) const;

  // The least number of damaged pieces of which at least one is drawn with a probability of 95 %,
  // wherever they are, if the seed was not known to whoever damaged them.
  std::uint64_t LikelyFound() const;

 private:
  struct Subset {
    std::uint64_t index, count;
  };
  Sample(std::string asked, std::string seed) : asked_(std::move(asked)), seed_(std::move(seed)) {}

  std::string asked_;
  std::string seed_;
  std::uint64_t millionths_ = 0;  // the share that is drawn
  std::optional<Subset> subset_;
};

// What was drawn and read, for the report.
struct SampleSummary {
  std::string asked;
  std::string seed;
  std::uint64_t pieces = 0;  // that were read
  std::uint64_t all_pieces = 0;
  std::uint64_t bytes = 0;  // of those that were read
  std::uint64_t all_bytes = 0;
  std::uint64_t likely_found = 0;
};

// The sampled pieces of one file against the roots that a manifest gives.
struct SampledFile {
  std::uint64_t pieces = 0, all_pieces = 0, bytes = 0;
  std::vector<ByteRange> bad;  // neighbours merged
  std::optional<FileStamp> stamp;
};
// `listed` has sub-roots. Errors: kIo (also a file that changed, or is not of the listed size),
// kInterrupted.
Result<SampledFile> CheckSampledPieces(const std::filesystem::path& path,
                                       const ManifestFile& listed, const Sample& sample,
                                       const Task& task);
// How many bytes that would read.
std::uint64_t CountSampledBytes(const ManifestFile& listed, const Sample& sample);

}  // namespace hallmark
