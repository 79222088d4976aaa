#include "verify/part.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <queue>
#include <utility>

#include "src/base/checked.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kCostOfAFile = 65'536;  // bytes that could be read while one is opened

}  // namespace

std::optional<Part> ParsePart(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto index = ParseDecimal(text.substr(0, slash));
  const auto count = ParseDecimal(text.substr(slash + 1));
  if (!index || !count || *index < 1 || *index > *count || *count > kMostParts) return std::nullopt;
  return Part{*index, *count};
}

std::vector<std::uint64_t> DivideWork(std::span<const WorkItem> items, std::uint64_t parts) {
  std::vector<std::size_t> order(items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return std::pair(items[b].bytes, items[a].key) < std::pair(items[a].bytes, items[b].key);
  });
  using Load = std::pair<std::uint64_t, std::uint64_t>;  // bytes, part
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (std::uint64_t part = 1; part <= parts; ++part) loads.emplace(0, part);
  std::vector<std::uint64_t> assigned(items.size());
  for (const std::size_t i : order) {
    const auto [load, part] = loads.top();
    loads.pop();
    assigned[i] = part;
    const auto cost = CheckedAdd(items[i].bytes, kCostOfAFile).value_or(items[i].bytes);
    loads.emplace(CheckedAdd(load, cost).value_or(~std::uint64_t{0}), part);
  }
  return assigned;
}

Fingerprint& Fingerprint::Add(std::string_view text) {
  Add(static_cast<std::uint64_t>(text.size()));
  hasher_->Update(AsBytes(text));
  return *this;
}

Fingerprint& Fingerprint::Add(std::uint64_t number) {
  std::array<std::byte, 8> bytes;
  for (std::byte& byte : bytes) {
    byte = static_cast<std::byte>(number & 0xFF);
    number >>= 8;
  }
  hasher_->Update(bytes);
  return *this;
}

Fingerprint& Fingerprint::AddFile(std::string_view name, const std::filesystem::path& path) {
  Add(name);
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return Add("absent");
  Add(static_cast<std::uint64_t>(info.st_size));
  Add(static_cast<std::uint64_t>(info.st_mtim.tv_sec));
  return Add(static_cast<std::uint64_t>(info.st_mtim.tv_nsec));
}

std::string FingerprintOf(std::span<const Source> sources) {
  Fingerprint print;
  const auto add_digest = [&](const Digest& digest) { print.Add(digest.ToString()); };
  for (const Source& source : sources) {
    print.Add(source.name).Add(source.dialect).Add(source.folder).Add(source.weights);
    print.Add(std::uint64_t{source.complete}).Add(source.files.size());
    for (const ListedFile& file : source.files) {
      print.Add(file.path).Add(file.size.value_or(~std::uint64_t{0}));
      print.Add(std::uint64_t{file.optional}).Add(file.digests.size());
      for (const ListedDigest& listed : file.digests) add_digest(listed.digest);
    }
    print.Add(source.pieces.size());
    for (const PieceList& list : source.pieces) {
      print.Add(InfoOf(list.algorithm).name).Add(list.piece_bytes);
      print.Add({reinterpret_cast<const char*>(list.digests.data()), list.digests.size()});
      print.Add(list.spans.size());
      for (const PieceSpan& span : list.spans) {
        print.Add(static_cast<std::uint64_t>(span.holder)).Add(span.file).Add(span.bytes);
      }
    }
    print.Add(source.tensors.size());
    for (const ListedTensor& tensor : source.tensors) {
      print.Add(tensor.file).Add(tensor.name).Add(tensor.digests.size());
      for (const Digest& digest : tensor.digests) add_digest(digest);
    }
  }
  return print.Finish();
}

std::string FingerprintOf(const DirectoryListing& listing) {
  Fingerprint print;
  for (const DirectoryEntry& entry : listing.files) print.AddFile(entry.path, entry.full_path);
  for (const Finding& finding : listing.findings) print.Add(finding.code).Add(finding.subject);
  return print.Finish();
}

}  // namespace hallmark
