#include "transform/shards.h"

#include <fmt/format.h>

#include <map>

#include "src/json/json_writer.h"

namespace hallmark {

std::vector<ShardRange> DivideIntoShards(std::span<const PlannedTensor> tensors,
                                         std::uint64_t shard_size) {
  if (shard_size == 0 || tensors.empty()) return {{0, tensors.size()}};
  std::vector<ShardRange> ranges;
  std::uint64_t used = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::uint64_t size = tensors[i].bytes->Size();
    if (ranges.empty() || size > shard_size - std::min(used, shard_size)) {
      ranges.push_back({i, i});
      used = 0;
    }
    ranges.back().end = i + 1;
    used += size;
  }
  return ranges;
}

std::string ShardName(std::string_view stem, std::string_view suffix, std::size_t shard,
                      std::size_t count) {
  if (count == 1) return fmt::format("{}{}", stem, suffix);
  return fmt::format("{}-{:05}-of-{:05}{}", stem, shard + 1, count, suffix);
}

std::string IndexText(std::span<const PlannedTensor> tensors, std::span<const ShardRange> ranges,
                      std::span<const std::string> files) {
  std::map<std::string_view, std::string_view> places;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    for (std::size_t t = ranges[i].begin; t < ranges[i].end; ++t) {
      places.emplace(tensors[t].name, files[i]);
      total += tensors[t].bytes->Size();
    }
  }
  JsonWriter json(JsonWriter::Form::kPretty);
  json.BeginObject();
  json.Key("metadata").BeginObject();
  json.Member("total_size", total);
  json.EndObject();
  json.Key("weight_map").BeginObject();
  for (const auto& [name, file] : places) json.Member(name, file);
  json.EndObject();
  json.EndObject();
  return json.Take() + "\n";
}

std::vector<MetadataEntry> SplitMetadata(std::span<const MetadataEntry> model, std::size_t shard,
                                         std::size_t count, std::uint64_t tensors) {
  std::vector<MetadataEntry> metadata;
  if (shard == 0) metadata.assign(model.begin(), model.end());
  metadata.push_back({"split.no", std::uint64_t{shard}, MetadataType::kU16});
  metadata.push_back(
      {"split.tensors.count", static_cast<std::int64_t>(tensors), MetadataType::kI32});
  metadata.push_back({"split.count", std::uint64_t{count}, MetadataType::kU16});
  return metadata;
}

std::vector<MetadataEntry> WithoutSplit(std::span<const MetadataEntry> metadata) {
  std::vector<MetadataEntry> kept;
  for (const MetadataEntry& entry : metadata) {
    if (!entry.key.starts_with("split.")) kept.push_back(entry);
  }
  return kept;
}

}  // namespace hallmark
