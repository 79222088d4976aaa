// Opens a MODEL, as the command line calls it: a directory, any one shard, an index or a file.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "formats/model_reader.h"
#include "src/base/task.h"
#include "src/io/folder.h"
#include "src/model/config.h"
#include "src/model/quantisation.h"

namespace hallmark {

// The finding that names a model as quantised, or as said to be.
inline constexpr std::string_view kQuantisedFinding = "quantised";
// The finding that names an index of shards which cannot be used.
inline constexpr std::string_view kBrokenIndexFinding = "broken-index";

// Files that together hold the tensors of one model.
struct ModelSet {
  enum class Layout {
    kSingle,         // one file
    kIndexed,        // *.index.json and the shards it names
    kNumbered,       // name-00001-of-00003 without an index, and GGUF splits
    kModelParallel,  // Meta's consolidated.NN.pth, and legacy GGML in parts: every file holds a
                     // slice of every tensor
  };
  Layout layout = Layout::kSingle;
  std::string name;                  // for people: "consolidated.*.pth (2 files)"
  std::string index;                 // path of the index file, or empty
  std::vector<std::string> files;    // relative to the listing's root, in shard order
  std::vector<std::string> missing;  // files that index or numbering name but are not there
};

// The sets among the files of a directory, told by content; the likeliest main set first (nearest
// the root, then the most bytes). Side files (configuration, tokenizer, optimiser state) form none.
// A broken index is an error only if nothing else is found; it then explains itself. `listing` is
// that of `folder`, or a part of it.
// Broken indexes are told in `findings`, if that is not null: shards may be found by their numbers
// all the same, but programs that load the model go by the index.
Result<std::vector<ModelSet>> FindModelSets(const Folder& folder, const DirectoryListing& listing,
                                            std::vector<Finding>* findings = nullptr);

// One file of an opened model.
struct WeightFile {
  std::string path;  // relative to the model's root
  std::unique_ptr<File> file;
  std::unique_ptr<ModelReader> reader;
};

// A file on disk that a model is read from.
struct FileOnDisk {
  std::string path;         // as a listing of the copy names it
  FileStamp stamp;          // when it was opened
  bool is_archive = false;  // other things may be in it
};

// An opened set: headers were read, nothing else. Movable; immutable and thread-safe afterwards.
class Model {
 public:
  // `path`: a directory that holds one set (beside it, sets in subfolders and indexes whose files
  // are not there are only mentioned), an archive of one, a file of a set, an index, or a single
  // file. Of a directory that holds no set, but one archive, the archive is meant. Errors:
  // kNotFound (also a missing shard, named), kUsage (several sets: named, pick one), kMalformed
  // (shards and index contradict each other), and whatever the reader of a file says.
  static Result<Model> Open(const std::filesystem::path& path, const Task& task);
  static Result<Model> Open(std::shared_ptr<const Folder> folder, const ModelSet& set,
                            const Task& task);
  // From files already opened, in shard order; checks them against each other.
  static Result<Model> FromFiles(ModelSet set, std::vector<WeightFile> files, ModelConfig config);

  // Where the paths start; null for a model from files already opened.
  const Folder* Home() const { return folder_.get(); }
  const ModelSet& Set() const { return set_; }
  const std::vector<WeightFile>& Files() const { return files_; }  // in shard order
  const ModelConfig& Config() const { return config_; }
  const std::vector<Finding>& Findings() const { return findings_; }  // the readers' ones included
  // The quantisers whose tensors these are; what the configuration says of it is in Config().
  std::span<const FoundQuantisation> Quantisation() const { return quantisation_; }

  // The name of a tensor without a root key (state_dict, model, module) that holds all tensors of
  // its file: docs/identity.md, 1.2.
  std::string_view TensorName(std::size_t file, std::size_t tensor) const;

  // The path below Home() of a file that tensors of `container` lie in: TensorInfo::file.
  std::string PathOf(const WeightFile& container, std::size_t file) const;
  // Where a stored tensor is found in the files of the copy, an archive being one file; in pieces
  // if it is kept so.
  std::vector<FileStretch> PlacesOf(std::size_t file, std::size_t tensor) const;

  // The containers and their companions, an archive for all that is in it.
  std::vector<FileOnDisk> FilesOnDisk() const;

  // kIo if a file was another when it was hashed: `hashed` gives its stamp then by its path, or
  // null.
  Result<void> CheckSameAsHashed(
      const std::function<const FileStamp*(const std::string& path)>& hashed) const;
  // kIo if any of the files, or of their companions, changed since it was opened.
  Result<void> CheckUnchanged() const;

 private:
  Model() = default;
  static Result<Model> OpenMainSet(std::shared_ptr<const Folder> folder, const Task& task);
  Result<void> CheckNames() const;
  Result<void> CheckGgufSplit();
  Result<void> CheckIndex();
  void ReadConfig();
  ModelConfig ReadConfigBeside();
  void RecogniseQuantisation();

  std::shared_ptr<const Folder> folder_;
  ModelSet set_;
  std::vector<WeightFile> files_;
  ModelConfig config_;
  std::vector<Finding> findings_;
  std::vector<FoundQuantisation> quantisation_;
};

}  // namespace hallmark
