#include "src/io/folder_within.h"

#include <utility>

namespace hallmark {
namespace {

class FolderInside final : public Folder {
 public:
  // `prefix` ends with a slash.
  FolderInside(std::shared_ptr<const Folder> whole, std::string prefix)
      : whole_(std::move(whole)), prefix_(std::move(prefix)) {}

  std::string NameOf(std::string_view path) const override {
    return whole_->NameOf(path.empty() ? prefix_.substr(0, prefix_.size() - 1) : PathOf(path));
  }
  Result<DirectoryListing> List() const override {
    DirectoryListing all = HM_TRY(whole_->List());
    DirectoryListing inside{.findings = std::move(all.findings)};
    for (DirectoryEntry& entry : all.files) {
      if (!entry.path.starts_with(prefix_)) continue;
      entry.path.erase(0, prefix_.size());
      inside.files.push_back(std::move(entry));
    }
    return inside;
  }
  bool Has(std::string_view path) const override { return whole_->Has(PathOf(path)); }
  Result<std::unique_ptr<File>> Open(std::string_view path) const override {
    return whole_->Open(PathOf(path));
  }
  FileStretch Locate(std::string_view path, ByteRange range) const override {
    return whole_->Locate(PathOf(path), range);
  }

 private:
  std::string PathOf(std::string_view path) const { return prefix_ + std::string(path); }

  std::shared_ptr<const Folder> whole_;
  std::string prefix_;
};

}  // namespace

std::shared_ptr<const Folder> FolderWithin(std::shared_ptr<const Folder> whole, std::string path) {
  if (path.empty()) return whole;
  return std::make_shared<FolderInside>(std::move(whole), path + "/");
}

}  // namespace hallmark
