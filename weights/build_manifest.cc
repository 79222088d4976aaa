// Makes the manifest of what is on disk.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "src/io/directory.h"
#include "weights/manifest.h"

namespace hallmark {
namespace {

constexpr std::size_t kOpenAtOnce = 256;  // files; well below the usual limit of 1024 descriptors

Result<std::vector<ManifestFile>> HashListing(const DirectoryListing& listing,
                                              const std::vector<Algorithm>& algorithms,
                                              const Task& task) {
  std::uint64_t total = 0;
  for (const DirectoryEntry& entry : listing.files) total += entry.size;
  task.Begin("hashing", total, listing.files.size());

  std::vector<ManifestFile> hashed(listing.files.size());
  for (std::size_t first = 0; first < hashed.size(); first += kOpenAtOnce) {
    const std::size_t count = std::min(kOpenAtOnce, hashed.size() - first);
    std::vector<std::unique_ptr<File>> files;
    std::vector<HashRequest> requests;
    for (std::size_t i = first; i < first + count; ++i) {
      files.push_back(HM_TRY(OpenFile(listing.files[i].full_path)));
      requests.push_back({files.back().get(), algorithms});
    }
    std::optional<Error> error;
    HM_TRY(HashSources(requests, task, [&](std::size_t i, Result<HashOutcome> outcome) {
      if (outcome) {
        if (const Result<void> same = files[i]->CheckUnchanged(); !same) outcome = same.error();
      }
      if (!outcome) {
        if (!error) error = std::move(outcome).error();
        return;
      }
      ManifestFile& file = hashed[first + i];
      file.path = listing.files[first + i].path;
      file.size = files[i]->Size();
      file.digests = std::move(outcome->digests);
      file.sub_roots = std::move(outcome->sub_roots);
      task.FileDone(file.path);
    }));
    if (error) return *std::move(error);
  }
  std::sort(hashed.begin(), hashed.end(),
            [](const ManifestFile& a, const ManifestFile& b) { return a.path < b.path; });
  return hashed;
}

ManifestTensor::Place PlaceOf(const Model& model, const TensorPart& part) {
  const WeightFile& file = model.Files()[part.file];
  const TensorInfo& info = file.reader->Tensors()[part.tensor];
  return {file.path, info.name, info.dtype, info.shape, info.stored};
}

Result<void> AddWeights(const std::filesystem::path& root, const Task& task, Manifest& manifest) {
  const auto no_identity = [&](Error error) -> Result<void> {
    if (error.code == Errc::kInterrupted || error.code == Errc::kIo) return error;
    manifest.no_identity_reason =
        error.subject.empty() ? error.message : error.subject + ": " + error.message;
    return {};
  };
  const Result<Model> model = Model::Open(root, task);
  if (!model) return no_identity(model.error());
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
    for (const TensorPart& part : tensor.parts) entry.places.push_back(PlaceOf(*model, part));
  }
  return {};
}

}  // namespace

Result<Manifest> BuildManifest(const std::filesystem::path& root,
                               const std::vector<Algorithm>& extra, const Task& task) {
  std::set<Algorithm> wanted(extra.begin(), extra.end());
  wanted.insert({Algorithm::kSha256, Algorithm::kTree});
  const DirectoryListing listing = HM_TRY(ListFiles(root));
  if (listing.files.empty()) {
    return Error{Errc::kNotFound, root.string(), "no files here that a manifest could list"};
  }
  // A manifest that leaves out what could not be read would pass for the whole.
  for (const Finding& finding : listing.findings) {
    return Error{Errc::kIo, (root / finding.subject).string(),
                 "cannot be listed: " + finding.message, std::nullopt,
                 "remove it or make it readable, then try again"};
  }
  Manifest manifest;
  manifest.files = HM_TRY(HashListing(listing, {wanted.begin(), wanted.end()}, task));
  HM_TRY(AddWeights(root, task, manifest));
  return manifest;
}

}  // namespace hallmark
