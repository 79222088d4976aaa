// Any bytes either open as one archive whose entries fill the file in order, or end in an error
// that says where. What an entry gives in pieces is what it gives whole.
#include <algorithm>

#include "formats/zip.h"
#include "tests/fuzz/reader_properties.h"

namespace hallmark {
namespace {

void CheckEntry(const ZipArchive& archive, const ZipEntry& entry) {
  HM_CHECK(archive.Find(entry.name) == &entry);
  if (entry.size > 1 << 20) return;
  const auto whole = archive.ReadWhole(entry, 1 << 20);
  std::vector<std::byte> tail(entry.size - entry.size / 2);
  std::vector<std::byte> head(entry.size / 2);
  const Result<void> read_tail = archive.Read(entry, head.size(), tail);
  const Result<void> read_head = archive.Read(entry, 0, head);
  if (!whole) return;
  HM_CHECK(read_tail && read_head);
  HM_CHECK(std::equal(head.begin(), head.end(), whole->begin()));
  HM_CHECK(std::equal(tail.begin(), tail.end(), whole->end() - static_cast<long>(tail.size())));
}

}  // namespace
}  // namespace hallmark

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;  // NOLINT: the entry point has no namespace
  const auto file = MakeMemoryFile(FuzzBytes(data, size), "fuzz");
  const auto archive = ZipArchive::Open(*file);
  if (!archive) {
    CheckError(archive.error(), *file);
    return 0;
  }
  std::uint64_t end = 0;
  for (const ZipEntry& entry : archive->Entries()) {
    HM_CHECK(entry.payload.offset >= end && entry.payload.size <= size - entry.payload.offset);
    end = entry.payload.End();
  }
  std::size_t count = 0;
  for (const ZipEntry& entry : archive->Entries()) {
    if (++count <= 16) CheckEntry(*archive, entry);
  }
  return 0;
}
