#include "verify/derive/shipped_difference.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/base/text.h"
#include "src/io/folder.h"
#include "src/kernels/round.h"
#include "transform/element_views.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

class XoredFile final : public File {
 public:
  XoredFile(std::unique_ptr<File> payload, std::unique_ptr<File> base)
      : payload_(std::move(payload)), base_(std::move(base)) {}

  std::uint64_t Size() const override { return payload_->Size(); }
  const std::string& Name() const override { return payload_->Name(); }
  FileStamp Stamp() const override { return payload_->Stamp(); }
  Result<void> CheckUnchanged() const override {
    HM_TRY(payload_->CheckUnchanged());
    return base_->CheckUnchanged();
  }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    HM_TRY(payload_->Read(offset, out));
    std::vector<std::byte> key;
    while (!out.empty() && offset < base_->Size()) {
      key.resize(static_cast<std::size_t>(
          std::min<std::uint64_t>({out.size(), base_->Size() - offset, kAtOnce})));
      HM_TRY(base_->Read(offset, key));
      for (std::size_t i = 0; i < key.size(); ++i) out[i] ^= key[i];
      offset += key.size();
      out = out.subspan(key.size());
    }
    return {};
  }

 private:
  static constexpr std::uint64_t kAtOnce = 1 << 20;
  std::unique_ptr<File> payload_, base_;
};

// The files of one folder, each xored with that of the same name in another; those that have none
// there are as they are.
class XoredFolder final : public Folder {
 public:
  XoredFolder(std::shared_ptr<const Folder> payload, std::shared_ptr<const Folder> base)
      : payload_(std::move(payload)), base_(std::move(base)) {}

  std::string NameOf(std::string_view path) const override { return payload_->NameOf(path); }
  Result<DirectoryListing> List() const override {
    DirectoryListing listing = HM_TRY(payload_->List());
    for (DirectoryEntry& entry : listing.files) entry.full_path.clear();
    return listing;
  }
  bool Has(std::string_view path) const override { return payload_->Has(path); }
  Result<std::unique_ptr<File>> Open(std::string_view path) const override {
    auto payload = HM_TRY(payload_->Open(path));
    if (!base_->Has(path)) return payload;
    return std::unique_ptr<File>(
        std::make_unique<XoredFile>(std::move(payload), HM_TRY(base_->Open(path))));
  }
  FileStretch Locate(std::string_view path, ByteRange range) const override {
    return payload_->Locate(path, range);
  }

 private:
  std::shared_ptr<const Folder> payload_, base_;
};

Result<Model> OpenXored(const fs::path& release, const fs::path& base, const Task& task) {
  auto folder = std::make_shared<const XoredFolder>(FolderOnDisk(release), FolderOnDisk(base));
  const std::vector<ModelSet> sets = HM_TRY(FindModelSets(*folder, HM_TRY(folder->List())));
  if (sets.empty()) {
    return Error{Errc::kUnsupported, release.string(),
                 "neither its files as they are nor xored with those of the base are a model",
                 std::nullopt, "files packed by gzip have to be unpacked first"};
  }
  return Model::Open(std::move(folder), sets.front(), task);
}

Bytes Widened(Bytes bytes, Dtype from) {
  return Rounded(std::move(bytes), from, Dtype::kF32, nullptr);
}

// The rows that both have, or an error.
Result<bool> IsCut(const CanonicalTensor& difference, const CanonicalTensor& base,
                   const fs::path& release) {
  const auto other = [&](std::string what) {
    return Error{Errc::kUnsupported, release.string(),
                 fmt::format("{}: {}", EscapeForPeople(difference.name), std::move(what)),
                 std::nullopt, "is this the base that the release was made of?"};
  };
  for (const CanonicalTensor* tensor : {&difference, &base}) {
    if (!IsFloatFamily(tensor->dtype) || tensor->dtype == Dtype::kF64) {
      return other(fmt::format("values of type {} are not added", DtypeName(tensor->dtype)));
    }
  }
  if (difference.shape == base.shape) return false;
  const bool more_rows = difference.shape.size() == 2 && base.shape.size() == 2 &&
                         difference.shape[1] == base.shape[1] &&
                         difference.shape[0] > base.shape[0];
  if (more_rows) return true;
  return other(
      fmt::format("shape {}, in the base {}", ShapeText(difference.shape), ShapeText(base.shape)));
}

}  // namespace

Result<AppliedRelease> ApplyRelease(const fs::path& release, const fs::path& base, SumType sum,
                                    const Task& task) {
  Result<Model> as_it_is = Model::Open(release, task);
  if (!as_it_is && as_it_is.error().code == Errc::kInterrupted) return as_it_is.error();
  if (!as_it_is && fs::is_directory(release) && fs::is_directory(base)) {
    auto model = std::make_unique<const Model>(HM_TRY(OpenXored(release, base, task)));
    ComparedModel side = HM_TRY(ComparedModel::Of(*model, task));
    return AppliedRelease{fmt::format("its files xored with those of {}", base.string()),
                          std::move(model),
                          nullptr,
                          std::move(side),
                          std::nullopt,
                          {}};
  }
  auto model = std::make_unique<const Model>(HM_TRY(std::move(as_it_is)));
  auto base_model = std::make_unique<const Model>(HM_TRY(Model::Open(base, task)));
  ComparedModel side = HM_TRY(ComparedModel::Of(*model, task));
  CanonicalModel base_side = HM_TRY(Canonicalise(*base_model, task));
  ComparedModel derived = HM_TRY(ComparedModel::Of(*base_model, task));
  AppliedRelease applied{fmt::format("added to {}", base.string()),
                         std::move(model),
                         std::move(base_model),
                         std::move(side),
                         std::move(derived),
                         {}};
  applied.side.canonical.findings.clear();  // those of differences mislead
  std::uint64_t added = 0;
  for (CanonicalTensor& tensor : applied.side.canonical.tensors) {
    const auto in_base =
        std::ranges::lower_bound(base_side.tensors, tensor.name, {}, &CanonicalTensor::name);
    if (in_base == base_side.tensors.end() || in_base->name != tensor.name) {
      tensor.relations.push_back("not in the base");
      continue;
    }
    if (HM_TRY(IsCut(tensor, *in_base, release))) {
      applied.cut.insert(tensor.name);
      const std::uint64_t size = PayloadBytes(tensor.dtype, in_base->shape).value();
      tensor.bytes = Slice(std::move(tensor.bytes), 0, size);
      tensor.shape = in_base->shape;
    }
    const Dtype stored = tensor.dtype == in_base->dtype ? tensor.dtype : Dtype::kF32;
    Bytes bytes = Sum(Widened(std::move(in_base->bytes), in_base->dtype),
                      Widened(std::move(tensor.bytes), tensor.dtype));
    tensor.dtype = sum == SumType::kStored ? stored : Dtype::kF32;
    tensor.bytes = Rounded(std::move(bytes), Dtype::kF32, tensor.dtype, nullptr);
    tensor.random_access = tensor.random_access && in_base->random_access;
    tensor.relations.push_back("added to the base");
    ++added;
  }
  if (added == 0) {
    return Error{Errc::kUnsupported, release.string(), "it has no tensor in common with the base",
                 std::nullopt, "is this the base that the release was made of?"};
  }
  return applied;
}

}  // namespace hallmark
