// Makes the manifest of what is on disk.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "src/hash/hash_files.h"
#include "src/io/directory.h"
#include "weights/manifest.h"
#include "weights/model_sets.h"

namespace hallmark {
namespace {

using Stamps = std::map<std::string, FileStamp>;  // of the files that were hashed, by path

Result<std::vector<ManifestFile>> HashListing(const DirectoryListing& listing,
                                              const std::vector<Algorithm>& algorithms,
                                              const Task& task, Stamps& stamps) {
  std::uint64_t total = 0;
  std::vector<FileToHash> files;
  for (const DirectoryEntry& entry : listing.files) {
    total += entry.size;
    files.push_back({entry.full_path, algorithms, entry.path});
  }
  std::vector<ManifestFile> listed(files.size());
  task.Begin("hashing", total, files.size());
  HM_TRY(HashFiles(files, task, [&](std::size_t i, Result<HashedFile> hashed) -> Result<void> {
    if (!hashed) return std::move(hashed).error();
    stamps[listing.files[i].path] = hashed->stamp;
    listed[i] = {listing.files[i].path, hashed->stamp.size, std::move(hashed->outcome.digests),
                 std::move(hashed->outcome.sub_roots)};
    return {};
  }));
  std::ranges::sort(listed, {}, &ManifestFile::path);
  return listed;
}

void AddPlaces(const Model& model, const TensorPart& part, ManifestTensor& tensor) {
  const TensorInfo& info = model.Files()[part.file].reader->Tensors()[part.tensor];
  for (FileStretch& stretch : model.PlacesOf(part.file, part.tensor)) {
    tensor.places.push_back(
        {std::move(stretch.path), info.name, info.dtype, info.shape, stretch.range});
  }
}

// What an error is about: a tensor, or a file at or below `root`, whose own name is left out.
std::string WithoutRoot(const std::string& subject, const std::filesystem::path& root) {
  const std::filesystem::path folder =
      std::filesystem::is_directory(root) ? root : root.parent_path();
  const std::string prefix = (folder / "").string();
  if (subject == root.string() || subject == folder.string() || subject == prefix) return {};
  return subject.starts_with(prefix) ? subject.substr(prefix.size()) : subject;
}

Result<void> AddWeights(const std::filesystem::path& root, const Stamps& stamps, const Task& task,
                        Manifest& manifest) {
  const auto no_identity = [&](Error error) -> Result<void> {
    if (error.code == Errc::kInterrupted || error.code == Errc::kIo) return error;
    manifest.no_identity_reason = error.message;
    // A path is told relative to the root: the manifest must not depend on where the files lie.
    const std::string place = WithoutRoot(error.subject, root);
    if (!place.empty()) manifest.no_identity_reason.insert(0, place + ": ");
    return {};
  };
  const Result<Model> model = Model::Open(root, task);
  if (!model) return no_identity(model.error());
  HM_TRY(model->CheckSameAsHashed([&](const std::string& path) {
    const auto hashed = stamps.find(path);
    return hashed == stamps.end() ? nullptr : &hashed->second;
  }));
  const Result<WeightIdentity> identity = ComputeIdentity(*model, task);
  if (!identity) return no_identity(identity.error());
  HM_TRY(model->CheckUnchanged());

  manifest.weights = identity->ToString();
  manifest.architecture = identity->architecture;
  manifest.groups = identity->groups;
  manifest.left_out = identity->left_out;
  for (const TensorIdentity& tensor : identity->tensors) {
    ManifestTensor& entry = manifest.tensors.emplace_back();
    entry.name = tensor.name;
    entry.dtype = tensor.dtype;
    entry.shape = tensor.shape;
    entry.digest = tensor.digest;
    for (const TensorPart& part : tensor.parts) AddPlaces(*model, part, entry);
  }
  return {};
}

}  // namespace

Result<Manifest> BuildManifest(const std::filesystem::path& root,
                               const std::vector<Algorithm>& extra, const Task& task) {
  std::set<Algorithm> wanted(extra.begin(), extra.end());
  wanted.insert({Algorithm::kSha256, Algorithm::kTree});
  const DirectoryListing listing = HM_TRY(ListModelFiles(root));
  if (listing.files.empty()) {
    return Error{Errc::kNotFound, root.string(), "no files here that a manifest could list"};
  }
  // A manifest that leaves out what could not be read would pass for the whole.
  for (const Finding& finding : listing.findings) {
    const bool index = finding.code == kMissingShard;
    return Error{Errc::kIo, ((index ? root.parent_path() : root) / finding.subject).string(),
                 "cannot be listed: " + finding.message, std::nullopt,
                 "remove it or make it readable, then try again"};
  }
  Manifest manifest;
  Stamps stamps;
  manifest.files = HM_TRY(HashListing(listing, {wanted.begin(), wanted.end()}, task, stamps));
  HM_TRY(AddWeights(root, stamps, task, manifest));
  return manifest;
}

}  // namespace hallmark
