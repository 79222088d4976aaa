#include "formats/companions.h"

#include <fmt/format.h>

#include <utility>

#include "formats/tensor_layout.h"

namespace hallmark {

Result<std::size_t> Companions::Open(const std::string& path) {
  if (const auto known = numbers_.find(path); known != numbers_.end()) return known->second;
  auto opened = container_.OpenBeside(path);
  if (!opened) {
    return Error{opened.error().code, container_.Name(),
                 fmt::format("a part of it is in {}: {}", QuoteName(path), opened.error().message),
                 std::nullopt, "its files belong into one folder, under the names it gives them"};
  }
  files_.push_back({path, *std::move(opened)});
  numbers_.emplace(path, files_.size());
  return files_.size();
}

Result<void> Companions::CheckTotal(double payload_bytes) const {
  auto stored = static_cast<double>(container_.Size());
  for (const CompanionFile& file : files_) stored += static_cast<double>(file.file->Size());
  if (payload_bytes <= 64.0 * 1024 * 1024 + 16 * stored) return {};
  return Error{Errc::kUnsupported, container_.Name(),
               fmt::format("its tensors take {:.0f} bytes, its files have {:.0f}; limit 16-fold",
                           payload_bytes, stored),
               std::nullopt, "such a file is made to exhaust its readers"};
}

}  // namespace hallmark
