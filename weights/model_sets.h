// Which files of a directory belong together: numbered shards, model-parallel ranks, indexes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"
#include "src/io/directory.h"
#include "src/io/file.h"

namespace hallmark {

// "model-00002-of-00005.safetensors": prefix "model", suffix ".safetensors".
struct NumberedName {
  std::string prefix, suffix;
  std::uint64_t number, total;  // 1 <= number <= total
  std::size_t digits, total_digits;

  std::string NameOf(std::uint64_t other) const;  // of another shard
};
std::optional<NumberedName> ParseNumberedName(std::string_view file_name);

// "consolidated.02.pth": rank 2, suffix ".pth".
struct RankName {
  std::string suffix;
  std::uint64_t rank;
  std::size_t digits;

  std::string NameOf(std::uint64_t other) const;
};
std::optional<RankName> ParseRankName(std::string_view file_name);

// "ggml-model-f16.bin.2": the part 2 of "ggml-model-f16.bin", which itself is part 0 and so named.
struct PartName {
  std::string base;
  std::uint64_t part;

  std::string NameOf(std::uint64_t other) const;
};
PartName ParsePartName(std::string_view file_name);

// By its suffix alone: what a file that is not there, or cannot be read, would hold.
bool LooksLikeWeights(std::string_view path);
// torch.distributed.checkpoint: the file that describes a checkpoint, and names of its other files.
inline constexpr const char* kDistributedMetadata = ".metadata";
bool IsDistributedShard(std::string_view file_name);  // "__3_0.distcp"

// What an index says: tensor name -> shard, relative to the index's folder and checked to stay
// below it, and the sum it claims.
struct ShardIndex {
  struct Entry {
    std::string tensor, file;
  };
  std::vector<Entry> entries;      // in file order
  std::vector<std::string> files;  // each once, in natural order
  std::optional<double> total_size;
};
// kMalformed: no JSON, no weight_map, a path that leaves the folder.
Result<ShardIndex> ReadShardIndex(const File& file);

// The files that `path` stands for where a copy is meant: all of a directory, an index.json with
// the shards it names, or one file. A shard that is not there is a finding of this code.
inline constexpr std::string_view kMissingShard = "missing-shard";
Result<DirectoryListing> ListModelFiles(const std::filesystem::path& path);

}  // namespace hallmark
