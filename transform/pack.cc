#include "transform/pack.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "formats/packed.h"
#include "src/io/atomic_file.h"
#include "transform/base_files.h"
#include "transform/in_order.h"
#include "transform/model_files.h"
#include "transform/pack_plan.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

// The model that differences are taken to: its tensors by name, and its files as far as they are
// used.
class Base {
 public:
  static Result<Base> Open(const fs::path& path, const Task& task) {
    Base base;
    base.files_ = HM_TRY(OpenModelFilesOrArchive(path));
    for (StoredStretch& stretch : HM_TRY(FindStoredTensors(base.files_, task))) {
      if (stretch.tensor.empty()) continue;
      std::string name = stretch.tensor;
      base.tensors_.emplace(std::move(name), std::move(stretch));
    }
    if (base.tensors_.empty()) {
      return Error{Errc::kUsage, path.string(), "no tensors to take the difference to"};
    }
    return base;
  }

  // Where the counterpart of `stretch` lies, if there is one.
  Result<std::optional<BasePlace>> PlaceOf(const StoredStretch& stretch) {
    const auto found = tensors_.find(stretch.tensor);
    if (stretch.tensor.empty() || found == tensors_.end()) return std::optional<BasePlace>();
    const StoredStretch& other = found->second;
    if (other.dtype != stretch.dtype || other.shape != stretch.shape ||
        other.range.size != stretch.range.size) {
      return std::optional<BasePlace>();
    }
    const auto [number, is_new] =
        numbers_.emplace(other.path, static_cast<std::uint32_t>(used_.size()));
    if (is_new) {
      used_.push_back(HM_TRY(files_.folder->Open(other.path)));
      paths_.push_back(other.path);
    }
    return std::optional<BasePlace>({number->second, other.range.offset});
  }

  Result<void> Read(const BasePlace& place, MutableByteSpan out) const {
    return used_[place.file]->Read(place.offset, out);
  }

  // Those that places are in, with their digests.
  Result<std::vector<OriginalFile>> Used(const Task& task) const {
    const std::vector<TreeNode> roots = HM_TRY(TreeRootsOf(used_, task));
    std::vector<OriginalFile> files;
    for (std::size_t i = 0; i < used_.size(); ++i) {
      files.push_back({paths_[i], used_[i]->Size(), roots[i]});
    }
    return files;
  }
  std::uint64_t UsedBytes() const {
    std::uint64_t bytes = 0;
    for (const auto& file : used_) bytes += file->Size();
    return bytes;
  }

 private:
  ModelFiles files_;
  std::unordered_map<std::string, StoredStretch> tensors_;
  std::map<std::string, std::uint32_t> numbers_;  // of used_
  BaseFiles used_;
  std::vector<std::string> paths_;  // of used_
};

// Writes one packed file. Lives for one Pack.
class Packer {
 public:
  Packer(ModelFiles source, std::optional<Base> base, AtomicFile out, const Task& task)
      : source_(std::move(source)), base_(std::move(base)), out_(std::move(out)), task_(task) {}

  Result<PackReport> Run() {
    HM_TRY(PlanRegions());
    std::uint64_t bytes = base_ ? base_->UsedBytes() : 0;
    for (const DirectoryEntry& entry : source_.listing.files) bytes += entry.size;
    task_.Begin("packing", bytes, source_.listing.files.size());
    HM_TRY(Write(PackedHeader()));
    for (const DirectoryEntry& entry : source_.listing.files) HM_TRY(PackFile(entry.path));
    if (base_) {
      index_.base = HM_TRY(base_->Used(task_));
      for (const OriginalFile& file : index_.base) report_.base_files.push_back(file.path);
    }
    HM_TRY(Write(PackedEnd(index_, written_)));
    HM_TRY(task_.CheckStopped());
    HM_TRY(out_.Commit());
    report_.packed_size = written_;
    report_.findings = source_.listing.findings;
    return std::move(report_);
  }

 private:
  Result<void> PlanRegions() {
    for (const StoredStretch& stretch : HM_TRY(FindStoredTensors(source_, task_))) {
      PackRegion region{stretch.range, LayoutOf(stretch.dtype), std::nullopt};
      if (base_) region.base = HM_TRY(base_->PlaceOf(stretch));
      regions_[stretch.path].push_back(std::move(region));
    }
    for (auto& [path, regions] : regions_) regions = ArrangeRegions(std::move(regions));
    return {};
  }

  Result<void> PackFile(const std::string& path) {
    const std::unique_ptr<File> file = HM_TRY(source_.folder->Open(path));
    const std::vector<PackRegion>& regions = regions_[path];
    const std::uint64_t size = file->Size();
    const std::uint64_t count = size / kPackedFrameBytes + (size % kPackedFrameBytes != 0 ? 1 : 0);
    PackedMember member{{path, size}, std::vector<PackedFrame>(count)};
    std::vector<TreeNode> roots(count);
    const std::uint64_t begin = written_;
    const ReadBase read_base = [&](const BasePlace& place, MutableByteSpan out) {
      return base_->Read(place, out);
    };
    const auto make = [&](std::uint64_t i, std::vector<std::byte>* stored) -> Result<void> {
      const std::uint64_t offset = i * kPackedFrameBytes;
      thread_local std::vector<std::byte> bytes;
      bytes.resize(std::min(kPackedFrameBytes, size - offset));
      HM_TRY(file->Read(offset, bytes));
      roots[i] = FrameRoot(bytes, count == 1);
      stored->clear();
      HM_TRY(EncodeFrame(PiecesOf(regions, {offset, bytes.size()}), bytes, read_base, stored));
      member.frames[i].check = FrameCheck(*stored);
      task_.Advance(bytes.size());
      return {};
    };
    const auto take = [&](std::uint64_t i, ByteSpan stored) {
      member.frames[i].stored = {written_, stored.size()};
      return Write(stored);
    };
    HM_TRY(MakeInOrder(task_, count, make, take));
    HM_TRY(file->CheckUnchanged());
    member.file.root = RootOfFrames(roots);
    report_.files.push_back({path, size, written_ - begin});
    report_.size += size;
    index_.members.push_back(std::move(member));
    task_.FileDone(path);
    return {};
  }

  Result<void> Write(ByteSpan bytes) {
    written_ += bytes.size();
    return out_.Write(bytes);
  }

  ModelFiles source_;
  std::optional<Base> base_;
  AtomicFile out_;
  const Task& task_;
  std::map<std::string, std::vector<PackRegion>> regions_;  // by path
  PackedIndex index_;
  PackReport report_;
  std::uint64_t written_ = 0;
};

// A target that stands in the directory to be packed is no part of it.
void LeaveOut(const fs::path& target, DirectoryListing* listing) {
  std::erase_if(listing->files, [&](const DirectoryEntry& entry) {
    std::error_code ignored;
    return fs::equivalent(entry.full_path, target, ignored);
  });
}

Result<void> CheckSource(const fs::path& path, const ModelFiles& source) {
  if (source.listing.files.empty()) {
    return Error{Errc::kUsage, path.string(), "no files to pack"};
  }
  for (const DirectoryEntry& entry : source.listing.files) {
    if (entry.path.size() <= UINT16_MAX && CheckRelativePath(entry.path)) continue;
    return Error{Errc::kUnsupported, source.folder->NameOf(entry.path),
                 "a packed file cannot hold a file of this name", std::nullopt, "rename it"};
  }
  if (source.listing.files.size() > 1) return {};
  const auto file = HM_TRY(source.folder->Open(source.listing.files.front().path));
  const std::vector<std::byte> head = HM_TRY(ReadHead(*file));
  if (!SniffPacked({head, file->Size()})) return {};
  return Error{Errc::kUsage, path.string(), "it is packed already"};
}

}  // namespace

Result<PackReport> Pack(const fs::path& source, const fs::path& target, const PackOptions& options,
                        const Task& task) {
  HM_TRY(CheckTarget(target, options.force));
  ModelFiles files = HM_TRY(OpenModelFiles(source));
  HM_TRY(CheckSource(source, files));
  LeaveOut(target, &files.listing);
  std::optional<Base> base;
  if (options.base) base = HM_TRY(Base::Open(*options.base, task));
  AtomicFile out = HM_TRY(AtomicFile::Create(target, options.force));
  return Packer(std::move(files), std::move(base), std::move(out), task).Run();
}

}  // namespace hallmark
