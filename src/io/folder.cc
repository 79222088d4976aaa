#include "src/io/folder.h"

#include <system_error>
#include <utility>

namespace hallmark {
namespace fs = std::filesystem;
namespace {

class DiskFolder final : public Folder {
 public:
  explicit DiskFolder(fs::path root) : root_(std::move(root)) {}

  std::string NameOf(std::string_view path) const override {
    return path.empty() ? root_.string() : PathOf(path).string();
  }
  Result<DirectoryListing> List() const override { return ListFiles(root_); }
  bool Has(std::string_view path) const override {
    std::error_code ignored;
    return fs::exists(PathOf(path), ignored);
  }
  Result<std::unique_ptr<File>> Open(std::string_view path) const override {
    return OpenFile(PathOf(path));
  }
  FileStretch Locate(std::string_view path, ByteRange range) const override {
    return {std::string(path), range};
  }

 private:
  // As a user would name it: without "./".
  fs::path PathOf(std::string_view path) const { return root_ == "." ? path : root_ / path; }

  fs::path root_;
};

}  // namespace

std::shared_ptr<const Folder> FolderOnDisk(fs::path root) {
  return std::make_shared<DiskFolder>(std::move(root));
}

}  // namespace hallmark
