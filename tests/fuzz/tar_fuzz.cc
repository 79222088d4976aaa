// Any bytes either open as an archive whose members lie in it, in order and apart, each found and
// read under its path, or end in an error that says where.
#include "src/io/tar.h"

#include <algorithm>

#include "tests/fuzz/reader_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;  // NOLINT: the entry point has no namespace
  const std::shared_ptr<const File> file = MakeMemoryFile(FuzzBytes(data, size), "fuzz");
  HM_CHECK(IsTar(*file).has_value());
  auto contents = ReadTar(*file);
  if (!contents) {
    CheckError(contents.error(), *file);
    return 0;
  }
  const auto folder = FolderInTar(file, "fuzz.tar");
  HM_CHECK(folder.has_value());
  for (std::size_t i = 0; i < std::min<std::size_t>(contents->members.size(), 64); ++i) {
    const TarMember& member = contents->members[i];
    HM_CHECK(CheckRelativePath(member.path) == member.path);
    const auto opened = (*folder)->Open(member.path);
    HM_CHECK(opened && (*opened)->Size() == member.payload.size);
    HM_CHECK((*folder)->Locate(member.path, {0, 0}).range.offset == member.payload.offset);
    std::vector<std::byte> bytes((*opened)->Size());
    HM_CHECK((*opened)->Read(0, bytes).has_value());
  }
  std::ranges::sort(contents->members, {},
                    [](const TarMember& member) { return member.payload.offset; });
  std::uint64_t end = 0;
  for (const TarMember& member : contents->members) {
    HM_CHECK(member.payload.offset >= end && member.payload.End() <= size);
    end = member.payload.End();
  }
  return 0;
}
