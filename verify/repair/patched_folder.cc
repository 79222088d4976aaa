#include "verify/repair/patched_folder.h"

#include <algorithm>
#include <utility>

#include "src/base/text.h"
#include "src/io/directory.h"

namespace hallmark {
namespace {

class PatchedFile final : public File {
 public:
  PatchedFile(std::shared_ptr<const BlockSource> bytes, std::string name)
      : bytes_(std::move(bytes)), name_(std::move(name)) {}
  std::uint64_t Size() const override { return bytes_->Size(); }
  const std::string& Name() const override { return name_; }
  FileStamp Stamp() const override { return {.size = Size()}; }
  Result<void> CheckUnchanged() const override { return {}; }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    if (offset > Size() || out.size() > Size() - offset) {
      return Error{Errc::kIo, name_, "a read beyond the end", offset};
    }
    return bytes_->Read(offset, out);
  }

 private:
  std::shared_ptr<const BlockSource> bytes_;
  std::string name_;
};

class PatchedFolder final : public Folder {
 public:
  PatchedFolder(std::filesystem::path root, DirectoryListing listing, PatchedContents patched)
      : disk_(FolderOnDisk(std::move(root))),
        listing_(std::move(listing)),
        patched_(std::move(patched)) {
    for (const auto& [path, bytes] : patched_) {
      const auto entry = FindFile(listing_, path);
      if (entry) {
        listing_.files[*entry].size = bytes->Size();
        continue;
      }
      const auto after = std::ranges::find_if(
          listing_.files, [&](const DirectoryEntry& e) { return NaturalLess(path, e.path); });
      listing_.files.insert(after, {path, {}, bytes->Size(), false});
    }
  }

  std::string NameOf(std::string_view path) const override { return disk_->NameOf(path); }
  Result<DirectoryListing> List() const override { return listing_; }
  bool Has(std::string_view path) const override {
    return patched_.find(path) != patched_.end() || disk_->Has(path);
  }
  Result<std::unique_ptr<File>> Open(std::string_view path) const override {
    const auto patched = patched_.find(path);
    if (patched == patched_.end()) return disk_->Open(path);
    return std::unique_ptr<File>(std::make_unique<PatchedFile>(patched->second, NameOf(path)));
  }
  FileStretch Locate(std::string_view path, ByteRange range) const override {
    return {std::string(path), range};
  }

 private:
  std::shared_ptr<const Folder> disk_;
  DirectoryListing listing_;
  PatchedContents patched_;
};

}  // namespace

std::shared_ptr<const Folder> MakePatchedFolder(std::filesystem::path root,
                                                DirectoryListing listing, PatchedContents patched) {
  return std::make_shared<PatchedFolder>(std::move(root), std::move(listing), std::move(patched));
}

}  // namespace hallmark
