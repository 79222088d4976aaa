// Which tensors go into which file, and the index that says so.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/metadata.h"
#include "transform/tensor_plan.h"

namespace hallmark {

// The tensors of each file, as ranges [begin, end) of `tensors`: as many as fit in `shard_size`
// bytes, at least one; a single range if it is 0. Never none.
struct ShardRange {
  std::size_t begin, end;
};
std::vector<ShardRange> DivideIntoShards(std::span<const PlannedTensor> tensors,
                                         std::uint64_t shard_size);

// "model-00001-of-00003.safetensors", or "model.safetensors" if there is one: the names that
// transformers and llama.cpp give, from 1.
std::string ShardName(std::string_view stem, std::string_view suffix, std::size_t shard,
                      std::size_t count);

// model.safetensors.index.json as transformers writes it. `files[i]` holds the tensors of range i.
std::string IndexText(std::span<const PlannedTensor> tensors, std::span<const ShardRange> ranges,
                      std::span<const std::string> files);

// The metadata of shard `shard` as llama-gguf-split writes it: that of the model in the first only.
std::vector<MetadataEntry> SplitMetadata(std::span<const MetadataEntry> model, std::size_t shard,
                                         std::size_t count, std::uint64_t tensors);
// Without what splitting adds.
std::vector<MetadataEntry> WithoutSplit(std::span<const MetadataEntry> metadata);

}  // namespace hallmark
