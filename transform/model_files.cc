#include "transform/model_files.h"

#include <algorithm>
#include <system_error>
#include <tuple>
#include <utility>

#include "formats/archives.h"
#include "formats/registry.h"
#include "weights/model_sets.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

std::vector<StoredStretch> StretchesOf(const ModelReader& reader, const std::string& path) {
  std::vector<StoredStretch> stretches;
  for (std::size_t i = 0; i < reader.Tensors().size(); ++i) {
    const TensorInfo& tensor = reader.Tensors()[i];
    const std::vector<StoredPlace> places = reader.PlacesOf(i);
    for (const StoredPlace& place : places) {
      StoredStretch stretch{path, place.range, tensor.dtype, {}};
      if (place.file != 0) {
        stretch.path =
            path.substr(0, path.rfind('/') + 1) + reader.Companions()[place.file - 1].path;
      }
      if (places.size() == 1) {
        stretch.tensor = tensor.name;
        stretch.shape = tensor.shape;
      }
      stretches.push_back(std::move(stretch));
    }
  }
  return stretches;
}

}  // namespace

Result<ModelFiles> OpenModelFiles(const fs::path& path) {
  ModelFiles files;
  files.listing = HM_TRY(ListModelFiles(path));
  for (const Finding& finding : files.listing.findings) {
    if (finding.code == kMissingShard) {
      return Error{Errc::kNotFound, finding.subject, finding.message};
    }
  }
  std::error_code ignored;
  const bool is_directory = fs::is_directory(path, ignored);
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  files.folder = FolderOnDisk(is_directory ? path : parent);
  return files;
}

Result<ModelFiles> OpenModelFilesOrArchive(const fs::path& path) {
  ModelFiles files = HM_TRY(OpenModelFiles(path));
  if (files.listing.files.size() != 1) return files;
  const std::string name = files.listing.files.front().path;
  std::shared_ptr<const File> file = HM_TRY(files.folder->Open(name));
  if (!HM_TRY(IsArchive(*file))) return files;
  files.folder = HM_TRY(FolderInArchive(std::move(file), name));
  files.listing = HM_TRY(files.folder->List());
  return files;
}

Result<std::vector<StoredStretch>> FindStoredTensors(const ModelFiles& files, const Task& task) {
  std::vector<std::vector<StoredStretch>> found(files.listing.files.size());
  HM_TRY(ParallelFor(task, found.size(), [&](std::uint64_t i) -> Result<void> {
    const std::string& path = files.listing.files[i].path;
    const std::unique_ptr<File> file = HM_TRY(files.folder->Open(path));
    const auto reader = OpenContainer(*file);
    if (reader) found[i] = StretchesOf(**reader, path);
    return {};
  }));
  std::vector<StoredStretch> all;
  for (std::vector<StoredStretch>& some : found) {
    std::ranges::move(some, std::back_inserter(all));
  }
  const auto place = [](const StoredStretch& s) {
    return std::tie(s.path, s.range.offset, s.range.size, s.tensor);
  };
  std::ranges::sort(all, [&](const auto& a, const auto& b) { return place(a) < place(b); });
  return all;
}

}  // namespace hallmark
