#include "verify/drawn_sample.h"

#include <optional>

namespace hallmark {

DrawnSample::DrawnSample(const Sample& sample)
    : sample_(sample),
      summary_{
          .asked = sample.Asked(), .seed = sample.Seed(), .likely_found = sample.LikelyFound()} {}

bool DrawnSample::TakesWhole(FileVerdict& verdict, std::size_t index, const ManifestFile* listed,
                             std::string_view key) {
  const bool is_new = counted_.insert(verdict.path).second;
  if (is_new) summary_.all_bytes += verdict.size;
  verdict.state = FileState::kNotSampled;
  if (listed != nullptr && !listed->sub_roots.empty()) {
    if (is_new) summary_.all_pieces += listed->sub_roots.size();
    const std::uint64_t bytes = CountSampledBytes(*listed, sample_);
    if (bytes > 0) drawn_.push_back({index, listed, bytes, is_new});
    return false;
  }
  if (is_new) ++summary_.all_pieces;
  if (!sample_.Takes(key, 0)) return false;
  if (is_new) {
    ++summary_.pieces;
    summary_.bytes += verdict.size;
  }
  verdict.sampled_bytes = verdict.size;
  verdict.state = FileState::kUnread;  // until it was read
  return true;
}

Result<void> DrawnSample::ReadPieces(Copy& copy, const Task& task, VerifyReport& report) {
  if (drawn_.empty()) return {};
  std::uint64_t bytes = 0;
  std::vector<std::size_t> files;  // of the copy
  for (const Drawn& drawn : drawn_) {
    bytes += drawn.bytes;
    const auto index = FindFile(copy.Listing(), report.files[drawn.verdict].path);
    HM_CHECK(index.has_value());
    files.push_back(*index);
  }
  task.Begin("hashing the sample", bytes, drawn_.size());
  std::vector<std::optional<Result<SampledFile>>> results(drawn_.size());
  HM_TRY(ParallelFor(task, drawn_.size(), [&](std::uint64_t i) -> Result<void> {
    const DirectoryEntry& entry = copy.Entry(files[i]);
    results[i] = CheckSampledPieces(entry.full_path, *drawn_[i].listed, sample_, task);
    task.FileDone(entry.path);
    return task.CheckStopped();
  }));
  for (std::size_t i = 0; i < results.size(); ++i) {
    FileVerdict& file = report.files[drawn_[i].verdict];
    Result<SampledFile>& result = *results[i];
    if (!result) {
      file.state = FileState::kUnread;
      file.error = std::move(result).error();
      continue;
    }
    file.state = result->bad.empty() ? FileState::kSampled : FileState::kMismatch;
    file.sampled_bytes = result->bytes;
    if (drawn_[i].counts) {
      summary_.pieces += result->pieces;
      summary_.bytes += result->bytes;
    }
    report.bytes_hashed += result->bytes;
    copy.File(files[i]).stamp = result->stamp;
    bad_[{file.source, file.listed_as}] = std::move(result->bad);
  }
  return {};
}

std::vector<ByteRange> DrawnSample::BadStretches(const FileVerdict& file) const {
  const auto bad = bad_.find({file.source, file.listed_as});
  return bad == bad_.end() ? std::vector<ByteRange>() : bad->second;
}

}  // namespace hallmark
