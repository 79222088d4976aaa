#include "verify/repair/disk_bytes.h"

#include <utility>

namespace hallmark {

Result<std::shared_ptr<const DiskBytes>> DiskBytes::Open(const std::filesystem::path& path) {
  const auto file = HM_TRY(OpenFile(path));
  return std::shared_ptr<const DiskBytes>(new DiskBytes(path, file->Stamp()));
}

Result<std::unique_ptr<File>> DiskBytes::OpenSame() const {
  auto file = HM_TRY(OpenFile(path_));
  if (file->Stamp() == stamp_) return file;
  return Error{Errc::kIo, path_.string(), "the file changed while it was read", std::nullopt,
               "run the command again once nobody writes to it"};
}

Result<void> DiskBytes::Read(std::uint64_t offset, MutableByteSpan out) const {
  return HM_TRY(OpenSame())->Read(offset, out);
}

Result<void> DiskBytes::CheckUnchanged() const {
  HM_TRY(OpenSame());
  return {};
}

}  // namespace hallmark
