// Bytes that somebody has of an official file, as far as he has them.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/io/block_source.h"

namespace hallmark {

// Stretches of a file, each from somewhere; between them there may be holes, of which reading is
// an error. Immutable and thread-safe.
class Patchwork final : public BlockSource {
 public:
  struct Patch {
    ByteRange range;
    std::shared_ptr<const BlockSource> bytes;
    std::uint64_t at = 0;  // where in `bytes` the range begins
  };

  // `patches` do not overlap and lie within `size`.
  Patchwork(std::uint64_t size, std::vector<Patch> patches);

  std::uint64_t Size() const override { return size_; }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override;
  // What there is, in order, neighbours merged.
  std::vector<ByteRange> Covered() const;

 private:
  std::uint64_t size_;
  std::vector<Patch> patches_;  // by offset
};

// `base` (of any size, or null) with `patches`, which hold, put over it.
std::shared_ptr<const Patchwork> PutOver(std::shared_ptr<const BlockSource> base,
                                         std::uint64_t size, std::vector<Patchwork::Patch> patches);

struct Offer {
  std::string from;                          // for people: "mirror/model.safetensors"
  std::shared_ptr<const BlockSource> bytes;  // by the offsets of the official file
  std::vector<ByteRange> covered;            // in order, not touching

  bool Covers(const ByteRange& range) const;
};

// All of `bytes`, as far as the official file goes.
Offer OfferAll(std::string from, std::shared_ptr<const BlockSource> bytes);

}  // namespace hallmark
