// Any bytes either open as a packed file, whose members are then found and read under their paths
// or end in an error, or end in an error that says where. The checks are put right first, or
// nothing would get past them. Of an input whose first byte is 0 the rest is one frame.
#include "formats/packed_folder.h"
#include "tests/fuzz/reader_properties.h"

namespace hallmark {
namespace {

void CheckFrame(ByteSpan stored) {
  if (stored.size() < 4) return;
  const std::uint32_t size = LoadLittle<std::uint32_t>(stored.data()) % (kPackedFrameBytes + 1);
  const ReadBase read_base = [](const BasePlace&, MutableByteSpan out) -> Result<void> {
    std::fill(out.begin(), out.end(), std::byte{0x55});
    return {};
  };
  std::vector<std::byte> out(size);
  const auto decoded = DecodeFrame(stored.subspan(4), "fuzz", 0, read_base, out);
  HM_CHECK(decoded || decoded.error().code == Errc::kMalformed);
  HM_CHECK(decoded || decoded.error().offset <= stored.size());
}

void StoreCheckOfIndex(std::vector<std::byte>& bytes) {
  if (bytes.size() < 32) return;
  std::byte* const trailer = bytes.data() + bytes.size() - 32;
  const auto offset = LoadLittle<std::uint64_t>(trailer);
  const auto size = LoadLittle<std::uint64_t>(trailer + 8);
  if (offset > bytes.size() || size > bytes.size() - offset) return;
  StoreLittle(trailer + 16, FrameCheck(ByteSpan(bytes).subspan(offset, size)));
}

void CheckPacked(std::vector<std::byte> bytes) {
  StoreCheckOfIndex(bytes);
  const std::shared_ptr<const File> file = MakeMemoryFile(bytes, "fuzz");
  const auto index = ReadPackedIndex(*file);
  if (!index) return CheckError(index.error(), *file);
  if (!index->base.empty()) return;
  const auto folder = FolderInPacked(file, "fuzz.hmz");
  HM_CHECK(folder.has_value());
  std::uint64_t end = kPackedHeaderBytes;
  for (const PackedMember& member : index->members) {
    HM_CHECK(CheckRelativePath(member.file.path) == member.file.path);
    for (const PackedFrame& frame : member.frames) {
      HM_CHECK(frame.stored.offset == end && frame.stored.End() <= bytes.size());
      end = frame.stored.End();
    }
  }
  for (std::size_t i = 0; i < std::min<std::size_t>(index->members.size(), 16); ++i) {
    const OriginalFile& original = index->members[i].file;
    const auto opened = (*folder)->Open(original.path);
    HM_CHECK(opened && (*opened)->Size() == original.size);
    std::vector<std::byte> piece(std::min<std::uint64_t>(original.size, 5000));
    if (const auto read = (*opened)->Read(original.size - piece.size(), piece); !read) {
      CheckError(read.error(), *file);
    }
  }
}

}  // namespace
}  // namespace hallmark

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;  // NOLINT: the entry point has no namespace
  if (size > 0 && data[0] == 0) {
    CheckFrame(FuzzBytes(data + 1, size - 1));
  } else {
    CheckPacked(FuzzBytes(data, size));
  }
  return 0;
}
