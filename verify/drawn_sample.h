// The sample of one verification: what of which file is in it, and what it turns out to be.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "verify/copy.h"
#include "verify/sample.h"
#include "verify/verify_report.h"

namespace hallmark {

// Not thread-safe. `sample`, and the manifests that files are drawn by, outlive it.
class DrawnSample {
 public:
  explicit DrawnSample(const Sample& sample);

  // Decides over a present file of comparable size, the verdict `index` of the report. By pieces if
  // `listed` has roots of them, else by `key`, all or nothing. True: it is to be read as a whole.
  bool TakesWhole(FileVerdict& verdict, std::size_t index, const ManifestFile* listed,
                  std::string_view key);
  // Reads the drawn pieces and fills in the verdicts. Errors: kInterrupted.
  Result<void> ReadPieces(Copy& copy, const Task& task, VerifyReport& report);

  const SampleSummary& Summary() const { return summary_; }
  // The stretches of a file whose pieces are wrong.
  std::vector<ByteRange> BadStretches(const FileVerdict& file) const;

 private:
  struct Drawn {
    std::size_t verdict;
    const ManifestFile* listed;
    std::uint64_t bytes;
    bool counts;  // in the summary
  };
  const Sample& sample_;
  SampleSummary summary_;
  std::vector<Drawn> drawn_;
  std::set<std::string> counted_;  // files, which several sources may list
  std::map<std::pair<std::size_t, std::string>, std::vector<ByteRange>> bad_;  // source, listed as
};

}  // namespace hallmark
