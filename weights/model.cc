#include "weights/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "formats/archives.h"
#include "formats/registry.h"
#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/model/architecture.h"
#include "weights/config.h"
#include "weights/model_sets.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxConfigBytes = 16'000'000;

// The regular files of one folder, without going deeper: a single file may lie in a home directory.
Result<DirectoryListing> ListFolder(const fs::path& folder) {
  DirectoryListing listing;
  std::error_code failure;
  for (fs::directory_iterator it(folder, failure), end; !failure && it != end;
       it.increment(failure)) {
    std::error_code ignored;
    if (!it->is_regular_file(ignored)) continue;
    const fs::path name = it->path().filename();
    listing.files.push_back(
        {name.string(), it->path(), it->file_size(ignored), it->is_symlink(ignored)});
  }
  if (failure) return Error{Errc::kIo, folder.string(), failure.message()};
  std::ranges::sort(listing.files, [](const DirectoryEntry& a, const DirectoryEntry& b) {
    return NaturalLess(a.path, b.path);
  });
  return listing;
}

bool IsArchiveEntry(const DirectoryEntry& entry) { return IsNamedArchive(entry.path); }

// Why a directory has no set: what its likeliest file is instead, if it has one.
Error NoWeights(const Folder& folder, const DirectoryListing& listing) {
  for (const DirectoryEntry& entry : listing.files) {
    if (!LooksLikeWeights(entry.path) || IsArchiveEntry(entry)) continue;
    const auto file = folder.Open(entry.path);
    if (!file) return file.error();
    const auto reader = OpenContainer(**file);
    if (!reader) return reader.error();
  }
  return {Errc::kNotFound, folder.NameOf(""),
          fmt::format("no weights among the {} files here", listing.files.size())};
}

// The one archive among the files of a directory, as a folder; null if there is none, or several.
Result<std::shared_ptr<const Folder>> LoneArchive(const Folder& folder,
                                                  const DirectoryListing& listing) {
  const auto archive = std::ranges::find_if(listing.files, IsArchiveEntry);
  if (std::ranges::count_if(listing.files, IsArchiveEntry) != 1) return nullptr;
  std::shared_ptr<const File> file = HM_TRY(folder.Open(archive->path));
  if (!HM_TRY(IsArchive(*file))) return nullptr;
  return FolderInArchive(std::move(file), archive->path);
}

std::string NamesOf(const std::vector<ModelSet>& sets) {
  std::string names;
  for (std::size_t i = 0; i < sets.size() && i < 10; ++i) {
    names += (i == 0 ? "" : ", ") + EscapeForPeople(sets[i].name);
  }
  if (sets.size() > 10) names += ", …";
  return names;
}

// Takes the set that a directory stands for out of `sets`. An index none of whose files are there
// is common (a download took one format of several), and so are sets of other things in subfolders.
Result<ModelSet> ChooseSet(const Folder& folder, std::vector<ModelSet>* sets) {
  const auto at_top = [](const ModelSet& set) {
    const std::string& any = !set.index.empty()  ? set.index
                             : set.files.empty() ? set.missing.front()
                                                 : set.files.front();
    return any.find('/') == std::string::npos;
  };
  const auto present = [](const ModelSet& set) { return !set.files.empty(); };
  const auto present_at_top = [&](const ModelSet& set) { return present(set) && at_top(set); };
  const auto take = [&](const auto& which) {
    const auto chosen = std::ranges::find_if(*sets, which);
    ModelSet set = std::move(*chosen);
    sets->erase(chosen);
    return set;
  };
  if (sets->size() == 1) return take([](const ModelSet&) { return true; });
  if (std::ranges::count_if(*sets, present_at_top) == 1) return take(present_at_top);
  if (std::ranges::count_if(*sets, present) == 1) return take(present);
  return Error{Errc::kUsage, folder.NameOf(""),
               fmt::format("it holds {} sets of weights: {}", sets->size(), NamesOf(*sets)),
               std::nullopt, "name one of their files, or their index"};
}

ModelSet IndexedSet(const Folder& folder, const std::string& name, const ShardIndex& index) {
  ModelSet set;
  set.layout = ModelSet::Layout::kIndexed;
  set.index = name;
  set.name = fmt::format("{} ({} files)", name, index.files.size());
  for (const std::string& file : index.files) {
    (folder.Has(file) ? set.files : set.missing).push_back(file);
  }
  return set;
}

std::optional<std::uint64_t> MetadataU64(const ModelReader& reader, std::string_view key) {
  const MetadataEntry* entry = FindMetadata(reader.Metadata(), key);
  if (entry == nullptr) return std::nullopt;
  if (const auto* u = std::get_if<std::uint64_t>(&entry->value)) return *u;
  if (const auto* i = std::get_if<std::int64_t>(&entry->value); i != nullptr && *i >= 0) {
    return static_cast<std::uint64_t>(*i);
  }
  return std::nullopt;
}

Error MissingShards(const Folder& folder, const ModelSet& set) {
  std::string names;
  for (std::size_t i = 0; i < set.missing.size() && i < 5; ++i) {
    names += (i == 0 ? "" : ", ") + EscapeForPeople(set.missing[i]);
  }
  if (set.missing.size() > 5) names += fmt::format(", and {} more", set.missing.size() - 5);
  return {Errc::kNotFound, folder.NameOf(set.name),
          fmt::format("{} of {} files missing: {}", set.missing.size(),
                      set.missing.size() + set.files.size(), names)};
}

}  // namespace

Result<Model> Model::Open(const fs::path& path, const Task& task) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return OpenMainSet(FolderOnDisk(path), task);
  std::unique_ptr<File> opened = HM_TRY(OpenFile(path));
  const std::string name = path.filename().string();
  if (HM_TRY(SniffFormat(*opened)) == nullptr && HM_TRY(IsArchive(*opened))) {
    return OpenMainSet(HM_TRY(FolderInArchive(std::move(opened), name)), task);
  }

  // One file, perhaps of a set. Only files that names or an index tie to it are looked at.
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const std::shared_ptr<const Folder> folder = FolderOnDisk(parent);
  if (AsciiLower(name).ends_with(".json")) {
    return Open(folder, IndexedSet(*folder, name, HM_TRY(ReadShardIndex(*opened))), task);
  }
  DirectoryListing listing = HM_TRY(ListFolder(parent));
  for (const DirectoryEntry& entry : listing.files) {
    if (!entry.path.ends_with(".index.json")) continue;
    const auto file = folder->Open(entry.path);
    if (!file) continue;
    const auto index = ReadShardIndex(**file);
    if (!index || std::ranges::find(index->files, name) == index->files.end()) continue;
    return Open(folder, IndexedSet(*folder, entry.path, *index), task);
  }
  const auto numbered = ParseNumberedName(name);
  const auto rank = ParseRankName(name);
  const PartName part = ParsePartName(name);
  const bool distributed = IsDistributedShard(name);
  std::erase_if(listing.files, [&](const DirectoryEntry& entry) {
    if (entry.path == name || ParsePartName(entry.path).base == part.base) return false;
    if (distributed) return entry.path != kDistributedMetadata;
    if (rank) {
      const auto other = ParseRankName(entry.path);
      return !other || other->suffix != rank->suffix;
    }
    const auto other = ParseNumberedName(entry.path);
    return !numbered || !other || other->prefix != numbered->prefix;
  });
  const std::vector<ModelSet> sets = HM_TRY(FindModelSets(*folder, listing));
  for (const ModelSet& set : sets) {
    if (distributed || std::ranges::find(set.files, name) != set.files.end()) {
      return Open(folder, set, task);
    }
  }
  ModelSet single;  // of no known format, or a side file: asked for by name all the same
  single.name = name;
  single.files = {name};
  return Open(folder, single, task);
}

// The set that a folder stands for.
Result<Model> Model::OpenMainSet(std::shared_ptr<const Folder> folder, const Task& task) {
  DirectoryListing listing = HM_TRY(folder->List());
  std::vector<Finding> of_sets;
  std::vector<ModelSet> sets = HM_TRY(FindModelSets(*folder, listing, &of_sets));
  if (sets.empty()) {
    const Error nothing = NoWeights(*folder, listing);
    if (nothing.code != Errc::kNotFound) return nothing;
    folder = HM_TRY(LoneArchive(*folder, listing));
    if (folder == nullptr) return nothing;
    listing = HM_TRY(folder->List());
    sets = HM_TRY(FindModelSets(*folder, listing, &of_sets));
    if (sets.empty()) return NoWeights(*folder, listing);
  }
  const ModelSet set = HM_TRY(ChooseSet(*folder, &sets));
  Model model = HM_TRY(Open(folder, set, task));
  model.findings_.insert(model.findings_.end(), listing.findings.begin(), listing.findings.end());
  model.findings_.insert(model.findings_.end(), of_sets.begin(), of_sets.end());
  if (!sets.empty()) {
    model.findings_.push_back(
        {Severity::kNote, "other-weights", set.name, "not looked at: " + NamesOf(sets)});
  }
  return model;
}

Result<Model> Model::Open(std::shared_ptr<const Folder> folder, const ModelSet& set,
                          const Task& task) {
  if (!set.missing.empty()) return MissingShards(*folder, set);
  std::vector<WeightFile> files(set.files.size());
  const auto open = [&](std::uint64_t i) -> Result<void> {
    WeightFile& file = files[i];
    file.path = set.files[i];
    file.file = HM_TRY(folder->Open(file.path));
    file.reader = HM_TRY(OpenContainer(*file.file));
    return {};
  };
  HM_TRY(ParallelFor(task, files.size(), open));

  Model model = HM_TRY(FromFiles(set, std::move(files), {}));
  model.folder_ = std::move(folder);
  if (!set.index.empty()) HM_TRY(model.CheckIndex());
  model.ReadConfig();
  model.RecogniseQuantisation();
  return model;
}

Result<Model> Model::FromFiles(ModelSet set, std::vector<WeightFile> files, ModelConfig config) {
  Model model;
  model.set_ = std::move(set);
  model.files_ = std::move(files);
  model.config_ = std::move(config);
  for (const WeightFile& file : model.files_) {
    const auto found = file.reader->Findings();
    model.findings_.insert(model.findings_.end(), found.begin(), found.end());
  }
  HM_TRY(model.CheckNames());
  HM_TRY(model.CheckGgufSplit());
  return model;
}

std::string Model::PathOf(const WeightFile& container, std::size_t file) const {
  if (file == 0) return container.path;
  return container.path.substr(0, container.path.rfind('/') + 1) +
         container.reader->Companions()[file - 1].path;
}

std::vector<FileOnDisk> Model::FilesOnDisk() const {
  std::vector<FileOnDisk> files;
  const auto add = [&](const std::string& path, const File* file) {
    if (file == nullptr || folder_ == nullptr) return;
    std::string on_disk = folder_->Locate(path, {}).path;
    const bool is_archive = on_disk != path;
    if (!is_archive || files.empty())
      files.push_back({std::move(on_disk), file->Stamp(), is_archive});
  };
  for (const WeightFile& file : files_) {
    add(file.path, file.file.get());
    for (std::size_t i = 0; i < file.reader->Companions().size(); ++i) {
      add(PathOf(file, i + 1), file.reader->Companions()[i].file.get());
    }
  }
  return files;
}

std::vector<FileStretch> Model::PlacesOf(std::size_t file, std::size_t tensor) const {
  std::vector<FileStretch> places;
  for (const StoredPlace& place : files_[file].reader->PlacesOf(tensor)) {
    std::string path = PathOf(files_[file], place.file);
    places.push_back(folder_ != nullptr ? folder_->Locate(path, place.range)
                                        : FileStretch{std::move(path), place.range});
  }
  return places;
}

std::string_view Model::TensorName(std::size_t file, std::size_t tensor) const {
  const ModelReader& reader = *files_[file].reader;
  std::string_view name = reader.Tensors()[tensor].name;
  const std::string_view root = reader.RootKey();
  if ((root == "state_dict" || root == "model" || root == "module") && name.starts_with(root) &&
      name.substr(root.size()).starts_with('.')) {
    name.remove_prefix(root.size() + 1);
  }
  return name;
}

Result<void> Model::CheckSameAsHashed(
    const std::function<const FileStamp*(const std::string& path)>& hashed) const {
  for (const FileOnDisk& file : FilesOnDisk()) {
    const FileStamp* const stamp = hashed(file.path);
    if (stamp == nullptr || *stamp == file.stamp) continue;
    return Error{Errc::kIo, file.path, "the file changed after it was hashed", std::nullopt,
                 "try again when nothing writes to it"};
  }
  return {};
}

Result<void> Model::CheckUnchanged() const {
  for (const WeightFile& file : files_) {
    if (file.file != nullptr) HM_TRY(file.file->CheckUnchanged());
    for (const CompanionFile& companion : file.reader->Companions()) {
      HM_TRY(companion.file->CheckUnchanged());
    }
  }
  return {};
}

// Every tensor has one home, unless every file holds a slice of it.
Result<void> Model::CheckNames() const {
  if (files_.size() == 1 || set_.layout == ModelSet::Layout::kModelParallel) return {};
  std::unordered_map<std::string_view, const WeightFile*> homes;
  for (const WeightFile& file : files_) {
    for (const TensorInfo& tensor : file.reader->Tensors()) {
      const auto [home, is_new] = homes.emplace(tensor.name, &file);
      if (is_new) continue;
      return Error{Errc::kMalformed, file.path,
                   fmt::format("it holds {}, which {} holds too", EscapeForPeople(tensor.name),
                               EscapeForPeople(home->second->path))};
    }
  }
  return {};
}

// gguf-split: split.no counts from 0, split.count names all, split.tensors.count sums up. A merged
// file keeps split.count = 0.
Result<void> Model::CheckGgufSplit() {
  std::uint64_t tensors = 0;
  for (const WeightFile& file : files_) tensors += file.reader->Tensors().size();
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const WeightFile& file = files_[i];
    if (file.reader->FormatName() != "gguf") continue;
    const auto count = MetadataU64(*file.reader, "split.count");
    if (!count || *count == 0) {
      if (files_.size() == 1) continue;
      return Error{Errc::kMalformed, file.path,
                   "it is named like one of several splits but says "
                   "nothing of a split"};
    }
    if (*count != files_.size()) {
      if (files_.size() == 1) {
        return Error{Errc::kNotFound, file.path,
                     fmt::format("it is one of {} splits, and the others are not beside it under "
                                 "names that end in -0000N-of-{:05}.gguf",
                                 *count, *count)};
      }
      return Error{Errc::kMalformed, file.path,
                   fmt::format("got {} splits, split.count is {}", files_.size(), *count)};
    }
    const auto number = MetadataU64(*file.reader, "split.no");
    if (number != i) {
      return Error{Errc::kMalformed, file.path,
                   number
                       ? fmt::format("it takes place {} of the splits, split.no is {}", i, *number)
                       : fmt::format("it takes place {} of the splits, split.no is absent", i)};
    }
    const auto total = MetadataU64(*file.reader, "split.tensors.count");
    if (total && *total != tensors) {
      return Error{
          Errc::kMalformed, file.path,
          fmt::format("the splits hold {} tensors, split.tensors.count is {}", tensors, *total)};
    }
  }
  return {};
}

Result<void> Model::CheckIndex() {
  const auto index_file = HM_TRY(folder_->Open(set_.index));
  const ShardIndex index = HM_TRY(ReadShardIndex(*index_file));
  const std::string folder = set_.index.substr(0, set_.index.rfind('/') + 1);
  std::unordered_map<std::string_view, const WeightFile*> homes;
  std::uint64_t bytes = 0;
  for (const WeightFile& file : files_) {
    for (const TensorInfo& tensor : file.reader->Tensors()) {
      homes.emplace(tensor.name, &file);
      bytes = CheckedAdd(bytes, tensor.payload_bytes).value_or(UINT64_MAX);
    }
  }
  for (const ShardIndex::Entry& entry : index.entries) {
    const auto home = homes.find(entry.tensor);
    if (home == homes.end()) {
      return Error{Errc::kMalformed, index_file->Name(),
                   fmt::format("it lists {} in {}, which does not hold it",
                               EscapeForPeople(entry.tensor), EscapeForPeople(entry.file))};
    }
    if (home->second->path != folder + entry.file) {
      return Error{Errc::kMalformed, index_file->Name(),
                   fmt::format("it lists {} in {}, but {} holds it", EscapeForPeople(entry.tensor),
                               EscapeForPeople(entry.file), EscapeForPeople(home->second->path))};
    }
    homes.erase(home);
  }
  for (const WeightFile& file : files_) {
    for (const TensorInfo& tensor : file.reader->Tensors()) {
      if (!homes.contains(tensor.name)) continue;
      findings_.push_back({Severity::kWarning, "unlisted-tensor", tensor.name,
                           fmt::format("{} holds it, {} does not list it", file.path, set_.index)});
    }
  }
  // Advisory: writers count tied tensors twice or not at all.
  if (index.total_size && *index.total_size != static_cast<double>(bytes)) {
    findings_.push_back(
        {Severity::kNote, "index-total-size", set_.index,
         fmt::format("total_size is {:.0f}, the tensors are {} bytes", *index.total_size, bytes)});
  }
  return {};
}

// The container's own keys, else a file beside it. What legacy GGML cannot say is taken from a file
// beside it that describes the same model.
void Model::ReadConfig() {
  if (files_.empty()) return;
  const ModelReader& first = *files_.front().reader;
  auto own = ConfigFromContainer(first.FormatName(), first.Metadata(), files_.front().path);
  if (own && first.FormatName() != "ggml-legacy") {
    config_ = *std::move(own);
    return;
  }
  ModelConfig beside = ReadConfigBeside();
  if (!own) {
    config_ = std::move(beside);
    return;
  }
  config_ = *std::move(own);
  if (beside.hidden_size == config_.hidden_size && beside.n_heads == config_.n_heads &&
      beside.n_layers == config_.n_layers) {
    config_.n_kv_heads = beside.n_kv_heads;
  } else if (beside.n_kv_heads) {
    findings_.push_back({Severity::kWarning, "other-configuration", beside.source,
                         fmt::format("it describes another model than the header of {} does, so it "
                                     "is not asked for the number of key heads",
                                     config_.source)});
  }
}

// Meta's names are configured by Meta's file.
ModelConfig Model::ReadConfigBeside() {
  const ModelReader& first = *files_.front().reader;
  bool meta = false;
  for (std::size_t i = 0; i < first.Tensors().size() && !meta; ++i) {
    meta = MatchName(NameScheme::kMeta, nullptr, TensorName(0, i)).has_value();
  }
  const std::string& path = files_.front().path;
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  std::vector<std::string> candidates = {folder + "config.json", folder + "params.json"};
  if (meta) std::swap(candidates[0], candidates[1]);
  ModelConfig unusable;
  for (const std::string& name : candidates) {
    if (!folder_->Has(name)) continue;
    const auto read = [&]() -> Result<ModelConfig> {
      const auto file = HM_TRY(folder_->Open(name));
      const std::string text = HM_TRY(ReadWholeFile(*file, kMaxConfigBytes));
      return name.ends_with("params.json") ? ParseMetaParams(text, name)
                                           : ParseHubConfig(text, name);
    };
    auto config = read();
    if (config) return *std::move(config);
    findings_.push_back({Severity::kWarning, "unreadable-configuration", name,
                         config.error().message, config.error().offset});
    unusable.unreadable = fmt::format("{}: {}", name, config.error().message);
  }
  return unusable;
}

// Names and types of tensors prove how they were quantised; a configuration can be another model's.
void Model::RecogniseQuantisation() {
  std::vector<const TensorInfo*> tensors;
  for (const WeightFile& file : files_) {
    for (const TensorInfo& tensor : file.reader->Tensors()) tensors.push_back(&tensor);
    if (set_.layout == ModelSet::Layout::kModelParallel) break;  // the others hold the same names
  }
  quantisation_ = FindQuantisation(tensors);
  const std::optional<ConfiguredQuantisation>& configured = config_.quantisation;
  std::string message = QuantisationText(configured, config_.source, quantisation_);
  if (message.empty()) return;
  message = "quantised: " + message;
  if (!quantisation_.empty()) {
    message += "; the identity is that of these numbers, not of the weights they were made from";
  }
  const bool agree = QuantisationAgrees(configured, quantisation_);
  findings_.push_back({agree ? Severity::kNote : Severity::kWarning, std::string(kQuantisedFinding),
                       set_.name, std::move(message)});
}

}  // namespace hallmark
