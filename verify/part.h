// One question about many files, put to several workers: who takes which, and what lets their
// answers be put together again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/hash/digest.h"
#include "src/hash/hasher.h"
#include "src/io/directory.h"
#include "verify/sources/source.h"

namespace hallmark {

// The `index`-th of `count` workers, counted from 1.
struct Part {
  std::uint64_t index = 1;
  std::uint64_t count = 1;
  friend bool operator==(const Part&, const Part&) = default;
};
inline constexpr std::uint64_t kMostParts = 100'000;
// "3/16"; nullopt unless 1 <= index <= count <= kMostParts.
std::optional<Part> ParsePart(std::string_view text);

// What cannot be divided further: a file, a model, files that belong together.
struct WorkItem {
  std::string_view key;  // a path
  std::uint64_t bytes;
};
// For each item the index of its part, from 1. The largest first, each to the part that has least
// to read so far, so that parts take about equally long; every file costs a little beside its
// bytes. Depends on keys and sizes only, not on the order of the items.
std::vector<std::uint64_t> DivideWork(std::span<const WorkItem> items, std::uint64_t parts);

// A digest over texts and numbers, each marked off from the next.
class Fingerprint {
 public:
  Fingerprint() : hasher_(MakeHasher(Algorithm::kSha256)) {}
  Fingerprint& Add(std::string_view text);
  Fingerprint& Add(std::uint64_t number);
  // Name, size and modification time of a file as it is now, or that it is not there.
  Fingerprint& AddFile(std::string_view name, const std::filesystem::path& path);
  std::string Finish() { return hasher_->Finish().ToString(); }  // "sha256:…"; once

 private:
  std::unique_ptr<Hasher> hasher_;
};

// What a part says of itself. Parts with the same three fingerprints are of one whole.
struct PartStamp {
  Part part;
  std::string request;  // of what was asked: verb, options, operands, version of hallmark
  std::string sources;  // of what the files are held against; empty where there is nothing
  std::string files;    // of the names, sizes and modification times of all files, of all parts
  std::uint64_t total_files = 0;  // of all parts
  std::uint64_t total_bytes = 0;
};

// Everything that a verdict could depend on.
std::string FingerprintOf(std::span<const Source> sources);
std::string FingerprintOf(const DirectoryListing& listing);

}  // namespace hallmark
