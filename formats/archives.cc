#include "formats/archives.h"

#include "formats/packed_folder.h"
#include "src/base/text.h"
#include "src/io/tar.h"

namespace hallmark {
namespace {

Result<bool> IsPacked(const File& file) {
  const std::vector<std::byte> bytes = HM_TRY(ReadHead(file));
  return SniffPacked({bytes, file.Size()});
}

}  // namespace

Result<bool> IsArchive(const File& file) { return HM_TRY(IsPacked(file)) || HM_TRY(IsTar(file)); }

bool IsNamedArchive(std::string_view path) {
  const std::string lower = AsciiLower(path);
  return lower.ends_with(".tar") || lower.ends_with(kPackedSuffix);
}

Result<std::shared_ptr<const Folder>> FolderInArchive(std::shared_ptr<const File> archive,
                                                      std::string path) {
  if (HM_TRY(IsPacked(*archive))) return FolderInPacked(std::move(archive), std::move(path));
  return FolderInTar(std::move(archive), std::move(path));
}

}  // namespace hallmark
