#include "weights/model_sets.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "formats/ggml_legacy.h"
#include "formats/registry.h"
#include "src/base/text.h"
#include "src/json/json_reader.h"
#include "weights/model.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kMaxIndexBytes = 100'000'000;
constexpr std::uint64_t kMaxShards = 4096;
constexpr std::string_view kLoneArray = "npy";  // as the registry calls it

// "1" .. 9 digits.
std::optional<std::uint64_t> ParseDigits(std::string_view text) {
  if (text.empty() || text.size() > 9) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

std::string_view FolderOf(std::string_view path) {  // "" or "a/b/"
  return path.substr(0, path.rfind('/') + 1);
}

// Pickles that trainers leave beside a model. They hold tensors or none, but not the model's.
bool IsSideFile(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "training_args.bin", "optimizer.pt",  "optimizer.bin", "optimizer.pth",
      "scheduler.pt",      "scheduler.bin", "scaler.pt",     "scaler.bin",
      "trainer_state.bin", "rng_state.pth", "sampler.bin",
  };
  if (std::ranges::find(kNames, name) != std::end(kNames)) return true;
  return name.starts_with("rng_state_") || name.starts_with("random_states_");
}

class SetFinder {
 public:
  SetFinder(const Folder& folder, const DirectoryListing& listing, std::vector<Finding>* findings)
      : folder_(folder), listing_(listing), findings_(findings) {
    for (const DirectoryEntry& entry : listing.files) entries_.emplace(entry.path, &entry);
  }

  Result<std::vector<ModelSet>> Find() {
    AddDistributed();
    AddIndexed();
    AddRanks();
    AddNumbered();
    AddParts();
    AddSingles([](const Format& format) { return format.name != kLoneArray; });
    // Arrays lie beside many models. By themselves they are one only where there is nothing else.
    if (sets_.empty()) AddSingles([](const Format& format) { return format.name == kLoneArray; });
    if (sets_.empty() && index_error_) return *index_error_;
    std::ranges::stable_sort(sets_, [&](const ModelSet& a, const ModelSet& b) {
      const auto depth = [](const ModelSet& s) { return std::ranges::count(AnyPath(s), '/'); };
      if (depth(a) != depth(b)) return depth(a) < depth(b);
      return Bytes(a) > Bytes(b);
    });
    return std::move(sets_);
  }

 private:
  static const std::string& AnyPath(const ModelSet& set) {
    if (!set.index.empty()) return set.index;
    return set.files.empty() ? set.missing.front() : set.files.front();
  }

  std::uint64_t Bytes(const ModelSet& set) const {
    std::uint64_t sum = 0;
    for (const std::string& file : set.files) sum += entries_.at(file)->size;
    return sum;
  }

  void Place(ModelSet* set, std::string path) {
    const bool there = entries_.contains(path);
    if (there) claimed_.insert(path);
    (there ? set->files : set->missing).push_back(std::move(path));
  }

  bool HoldsWeights(const std::string& path) const {
    const auto file = folder_.Open(path);
    // What cannot be opened may well be a shard; opening it again will say why it is not.
    if (!file) return true;
    const auto format = SniffFormat(**file);
    return !format || *format != nullptr;
  }

  Result<ShardIndex> ReadIndex(const std::string& path) const {
    const auto file = HM_TRY(folder_.Open(path));
    return ReadShardIndex(*file);
  }

  // A distributed checkpoint is known by its metadata, which names all the files of its folder that
  // it is kept in; none of them is a model by itself.
  void AddDistributed() {
    std::set<std::string> done;
    for (const DirectoryEntry& entry : listing_.files) {
      if (!IsDistributedShard(LastComponent(entry.path))) continue;
      claimed_.insert(entry.path);
      const std::string metadata = std::string(FolderOf(entry.path)) + kDistributedMetadata;
      if (!done.insert(metadata).second) continue;
      ModelSet set;
      set.name = metadata;
      Place(&set, metadata);
      sets_.push_back(std::move(set));
    }
  }

  void AddIndexed() {
    for (const DirectoryEntry& entry : listing_.files) {
      if (!entry.path.ends_with(".index.json")) continue;
      auto index = ReadIndex(entry.path);
      if (!index) {
        if (findings_ != nullptr) {
          findings_->push_back({Severity::kWarning, std::string(kBrokenIndexFinding), entry.path,
                                "not used: " + index.error().message});
        }
        if (!index_error_) index_error_ = std::move(index).error();
        continue;
      }
      ModelSet set;
      set.layout = ModelSet::Layout::kIndexed;
      set.index = entry.path;
      for (const std::string& file : index->files) {
        Place(&set, std::string(FolderOf(entry.path)) + file);
      }
      set.name = fmt::format("{} ({} files)", entry.path, index->files.size());
      sets_.push_back(std::move(set));
    }
  }

  void AddRanks() {
    std::map<std::pair<std::string, std::string>, std::map<std::uint64_t, std::string>> groups;
    for (const DirectoryEntry& entry : listing_.files) {
      if (claimed_.contains(entry.path)) continue;
      const auto rank = ParseRankName(LastComponent(entry.path));
      if (rank && HoldsWeights(entry.path)) {
        groups[{std::string(FolderOf(entry.path)), rank->suffix}].emplace(rank->rank, entry.path);
      }
    }
    for (const auto& [key, ranks] : groups) {
      ModelSet set;
      const std::uint64_t count = ranks.rbegin()->first + 1;
      if (count > kMaxShards) continue;
      const auto pattern = ParseRankName(LastComponent(ranks.begin()->second));
      for (std::uint64_t rank = 0; rank < count; ++rank) {
        Place(&set, key.first + pattern->NameOf(rank));
      }
      set.layout = count == 1 ? ModelSet::Layout::kSingle : ModelSet::Layout::kModelParallel;
      set.name = count == 1
                     ? ranks.begin()->second
                     : fmt::format("{}consolidated.*{} ({} files)", key.first, key.second, count);
      sets_.push_back(std::move(set));
    }
  }

  void AddNumbered() {
    std::set<std::string> done;
    for (const DirectoryEntry& entry : listing_.files) {
      if (claimed_.contains(entry.path) || done.contains(entry.path)) continue;
      const auto name = ParseNumberedName(LastComponent(entry.path));
      if (!name || name->total > kMaxShards || !HoldsWeights(entry.path)) continue;
      ModelSet set;
      set.layout = ModelSet::Layout::kNumbered;
      const std::string folder(FolderOf(entry.path));
      for (std::uint64_t i = 1; i <= name->total; ++i) {
        done.insert(folder + name->NameOf(i));
        Place(&set, folder + name->NameOf(i));
      }
      set.name =
          fmt::format("{}{}-*{} ({} files)", folder, name->prefix, name->suffix, name->total);
      sets_.push_back(std::move(set));
    }
  }

  // Legacy GGML in parts. The header says how many there are.
  void AddParts() {
    for (const DirectoryEntry& entry : listing_.files) {
      if (claimed_.contains(entry.path)) continue;
      const std::uint64_t parts = GgmlParts(entry);
      if (parts == 1 || parts > kMaxShards) continue;
      const std::string folder(FolderOf(entry.path));
      PartName name = ParsePartName(LastComponent(entry.path));
      if (name.part >= parts) name = {std::string(LastComponent(entry.path)), 0};
      ModelSet set;
      set.layout = ModelSet::Layout::kModelParallel;
      for (std::uint64_t part = 0; part < parts; ++part) Place(&set, folder + name.NameOf(part));
      set.name = fmt::format("{}{}.* ({} files)", folder, name.base, parts);
      sets_.push_back(std::move(set));
    }
  }

  std::uint64_t GgmlParts(const DirectoryEntry& entry) const {
    const auto file = folder_.Open(entry.path);
    if (!file) return 1;
    const auto format = SniffFormat(**file);
    if (!format || *format == nullptr || (*format)->name != "ggml-legacy") return 1;
    const auto reader = (*format)->open(**file);
    return reader ? GgmlLegacyParts(**reader) : 1;
  }

  void AddSingles(bool (*is_meant)(const Format&)) {
    for (const DirectoryEntry& entry : listing_.files) {
      if (claimed_.contains(entry.path) || IsSideFile(LastComponent(entry.path))) continue;
      const auto file = folder_.Open(entry.path);
      if (!file) continue;
      const auto format = SniffFormat(**file);
      if (!format || *format == nullptr || !is_meant(**format)) continue;
      ModelSet set;
      set.files = {entry.path};
      set.name = entry.path;
      sets_.push_back(std::move(set));
    }
  }

  const Folder& folder_;
  const DirectoryListing& listing_;
  std::vector<Finding>* const findings_;  // may be null
  std::unordered_map<std::string, const DirectoryEntry*> entries_;
  std::set<std::string> claimed_;
  std::vector<ModelSet> sets_;
  std::optional<Error> index_error_;
};

}  // namespace

std::string NumberedName::NameOf(std::uint64_t other) const {
  return fmt::format("{}-{:0{}}-of-{:0{}}{}", prefix, other, digits, total, total_digits, suffix);
}

std::optional<NumberedName> ParseNumberedName(std::string_view file_name) {
  const std::size_t of = file_name.rfind("-of-");
  if (of == std::string_view::npos) return std::nullopt;
  const std::string_view left = file_name.substr(0, of);
  const std::string_view right = file_name.substr(of + 4);
  const std::size_t dash = left.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view number = left.substr(dash + 1);
  const std::string_view total = right.substr(0, right.find('.'));
  const auto n = ParseDigits(number);
  const auto of_n = ParseDigits(total);
  if (!n || !of_n || *n < 1 || *n > *of_n) return std::nullopt;
  return NumberedName{std::string(left.substr(0, dash)),
                      std::string(right.substr(total.size())),
                      *n,
                      *of_n,
                      number.size(),
                      total.size()};
}

std::string RankName::NameOf(std::uint64_t other) const {
  return fmt::format("consolidated.{:0{}}{}", other, digits, suffix);
}

bool IsDistributedShard(std::string_view file_name) { return file_name.ends_with(".distcp"); }

std::optional<RankName> ParseRankName(std::string_view file_name) {
  constexpr std::string_view kPrefix = "consolidated.";
  if (!file_name.starts_with(kPrefix)) return std::nullopt;
  const std::string_view rest = file_name.substr(kPrefix.size());
  const std::size_t dot = rest.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto rank = ParseDigits(rest.substr(0, dot));
  if (!rank) return std::nullopt;
  return RankName{std::string(rest.substr(dot)), *rank, dot};
}

std::string PartName::NameOf(std::uint64_t other) const {
  return other == 0 ? base : fmt::format("{}.{}", base, other);
}

PartName ParsePartName(std::string_view file_name) {
  const std::size_t dot = file_name.rfind('.');
  if (dot != std::string_view::npos && dot != 0) {
    const std::string_view digits = file_name.substr(dot + 1);
    const auto part = ParseDigits(digits);
    if (part && digits[0] != '0') return {std::string(file_name.substr(0, dot)), *part};
  }
  return {std::string(file_name), 0};
}

Result<ShardIndex> ReadShardIndex(const File& file) {
  const std::string text = HM_TRY(ReadWholeFile(file, kMaxIndexBytes));
  const JsonDocument document = HM_TRY(JsonDocument::Parse(text, file.Name()));
  const auto map = document.Root().Find("weight_map");
  if (!map || !map->IsObject()) {
    const auto schema = document.Root().Find("schema");
    const auto name = schema ? schema->AsString() : std::nullopt;
    if (name && name->starts_with("hallmark.")) {
      return Error{Errc::kUnsupported, file.Name(),
                   fmt::format("this is a {}, which holds no weights", EscapeForPeople(*name)),
                   std::nullopt, "name the model itself; verify and diff take manifests too"};
    }
    return Error{Errc::kMalformed, file.Name(), "this is no index: it has no weight_map"};
  }
  ShardIndex index;
  std::set<std::string> files;
  for (const JsonMember& member : map->Members()) {
    const auto shard = member.value.AsString();
    if (!shard) {
      return Error{Errc::kMalformed, file.Name(),
                   fmt::format("weight_map names no file for {}", EscapeForPeople(member.key))};
    }
    auto checked = CheckRelativePath(*shard);
    if (!checked) {
      return Error{Errc::kMalformed, file.Name(),
                   fmt::format("weight_map sends {} to {}: {}", EscapeForPeople(member.key),
                               EscapeForPeople(*shard), checked.error().message)};
    }
    files.insert(*checked);
    index.entries.push_back({std::string(member.key), *std::move(checked)});
  }
  if (index.entries.empty()) {
    return Error{Errc::kMalformed, file.Name(), "weight_map is empty"};
  }
  index.files.assign(files.begin(), files.end());
  std::ranges::sort(index.files, NaturalLess);
  if (const auto metadata = document.Root().Find("metadata")) {
    if (const auto total = metadata->Find("total_size")) index.total_size = total->AsDouble();
  }
  return index;
}

bool LooksLikeWeights(std::string_view path) {
  constexpr std::string_view kSuffixes[] = {
      ".safetensors", ".gguf", ".pth",    ".pt",        ".bin",       ".ckpt", ".npz", ".npy",
      ".ggml",        ".onnx", ".distcp", ".onnx_data", ".onnx.data", ".tar",  ".hmz"};
  const std::string lower = AsciiLower(path);
  return std::ranges::any_of(kSuffixes, [&](std::string_view s) { return lower.ends_with(s); });
}

Result<std::vector<ModelSet>> FindModelSets(const Folder& folder, const DirectoryListing& listing,
                                            std::vector<Finding>* findings) {
  return SetFinder(folder, listing, findings).Find();
}

Result<DirectoryListing> ListModelFiles(const fs::path& path) {
  std::error_code code;
  if (!path.filename().string().ends_with(".index.json") || !fs::is_regular_file(path, code)) {
    return ListFiles(path);
  }
  const auto index_file = HM_TRY(OpenFile(path));
  const ShardIndex index = HM_TRY(ReadShardIndex(*index_file));
  std::vector<std::string> names = index.files;
  names.push_back(path.filename().string());
  std::ranges::sort(names, NaturalLess);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  DirectoryListing listing;
  for (std::string& name : names) {
    const fs::path file = path.parent_path() / name;
    const std::uint64_t size = fs::file_size(file, code);
    if (code) {
      listing.findings.push_back({Severity::kWarning, std::string(kMissingShard), name,
                                  "the index names it, and it is not there"});
      continue;
    }
    listing.files.push_back({std::move(name), file, size, fs::is_symlink(file, code)});
  }
  return listing;
}

}  // namespace hallmark
