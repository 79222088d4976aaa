#include "verify/sample.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "src/base/text.h"
#include "src/hash/hasher.h"
#include "src/hash/tree.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;

// "12.5" percent as millionths, exactly.
std::optional<std::uint64_t> ParsePercent(std::string_view text) {
  const std::size_t point = text.find('.');
  std::string digits(text.substr(0, point));
  std::string fraction(point == std::string_view::npos ? "" : text.substr(point + 1));
  if (point != std::string_view::npos && fraction.empty()) return std::nullopt;
  if (fraction.size() > 4 || digits.size() > 2) return std::nullopt;
  fraction.resize(4, '0');
  return ParseDecimal(digits + fraction);
}

ByteRange PieceAt(const ManifestFile& listed, std::uint64_t piece) {
  const std::uint64_t begin = piece * kSubRootSpan;
  return {begin, std::min(kSubRootSpan, listed.size - begin)};
}

}  // namespace

std::optional<Sample> Sample::Parse(std::string_view text, std::string seed) {
  Sample sample(std::string(text), std::move(seed));
  if (text.ends_with('%')) {
    const auto share = ParsePercent(text.substr(0, text.size() - 1));
    if (!share || *share == 0 || *share >= kMillion) return std::nullopt;
    sample.millionths_ = *share;
    return sample;
  }
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto index = ParseDecimal(text.substr(0, slash));
  const auto count = ParseDecimal(text.substr(slash + 1));
  if (!index || !count || *index < 1 || *index > *count || *count < 2 || *count > kMillion) {
    return std::nullopt;
  }
  sample.subset_ = Subset{*index, *count};
  return sample;
}

bool Sample::Takes(std::string_view path, std::uint64_t piece) const {
  const std::string drawn = seed_ + '\0' + std::string(path) + '\0' + std::to_string(piece);
  const Digest digest = HashBytes(Algorithm::kSha256, AsBytes(drawn));
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    number = number << 8 | std::to_integer<std::uint64_t>(digest.Bytes()[i]);
  }
  if (subset_) return number % subset_->count == subset_->index - 1;
  // The bias of the remainder is below one in 10^13.
  return number % kMillion < millionths_;
}

std::uint64_t Sample::LikelyFound() const {
  const double share = subset_ ? 1.0 / static_cast<double>(subset_->count)
                               : static_cast<double>(millionths_) / kMillion;
  return static_cast<std::uint64_t>(std::ceil(std::log(0.05) / std::log1p(-share)));
}

std::uint64_t CountSampledBytes(const ManifestFile& listed, const Sample& sample) {
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < listed.sub_roots.size(); ++i) {
    if (sample.Takes(listed.path, i)) bytes += PieceAt(listed, i).size;
  }
  return bytes;
}

Result<SampledFile> CheckSampledPieces(const std::filesystem::path& path,
                                       const ManifestFile& listed, const Sample& sample,
                                       const Task& task) {
  SampledFile result;
  const auto file = HM_TRY(OpenFile(path));
  if (file->Size() != listed.size) {
    return Error{Errc::kIo, path.string(), "changed while it was read"};
  }
  std::vector<std::byte> buffer;
  std::vector<TreeNode> leaves;
  for (std::size_t i = 0; i < listed.sub_roots.size(); ++i) {
    ++result.all_pieces;
    if (!sample.Takes(listed.path, i)) continue;
    HM_TRY(task.CheckStopped());
    const ByteRange range = PieceAt(listed, i);
    buffer.resize(range.size);
    leaves.resize(CountLeaves(range.size));
    HM_TRY(file->Read(range.offset, buffer));
    HashLeaves(buffer, leaves);
    task.Advance(range.size);
    ++result.pieces;
    result.bytes += range.size;
    if (SubtreeRoot(leaves, 0, kSubRootHeight) == listed.sub_roots[i]) continue;
    if (!result.bad.empty() && result.bad.back().End() == range.offset) {
      result.bad.back().size += range.size;
    } else {
      result.bad.push_back(range);
    }
  }
  HM_TRY(file->CheckUnchanged());
  result.stamp = file->Stamp();
  return result;
}

}  // namespace hallmark
