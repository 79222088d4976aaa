#include "formats/packed.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_set>

#include "src/base/byte_cursor.h"
#include "src/base/text.h"
#include "src/io/directory.h"

namespace hallmark {
namespace {

using namespace std::string_view_literals;

// As PNG's: a transfer that changes line ends or drops the eighth bit breaks it.
constexpr std::string_view kMagic = "\x89HMZ\r\n\x1a\n"sv;
constexpr std::string_view kEndMagic = "\x89HMZend\n"sv;
constexpr std::uint32_t kVersion = 1;
constexpr std::uint64_t kTrailerBytes = 32;
constexpr std::uint64_t kMaxIndexBytes = 1'000'000'000;  // enough for 170 TB
constexpr std::uint64_t kFileBytes = 2 + 1 + 8 + 32;     // the least a file takes in the index
constexpr std::uint64_t kFrameBytes = 4 + 8;

template <typename T>
void Append(std::vector<std::byte>* out, T value) {
  out->resize(out->size() + sizeof(T));
  StoreLittle(out->data() + out->size() - sizeof(T), value);
}

void AppendBytes(std::vector<std::byte>* out, ByteSpan bytes) {
  out->insert(out->end(), bytes.begin(), bytes.end());
}

void AppendFile(std::vector<std::byte>* out, const OriginalFile& file) {
  Append(out, static_cast<std::uint16_t>(file.path.size()));
  AppendBytes(out, AsBytes(file.path));
  Append(out, file.size);
  AppendBytes(out, file.root);
}

class IndexReader {
 public:
  IndexReader(ByteSpan bytes, const std::string& subject, std::uint64_t offset)
      : cursor_(bytes, subject, offset), index_offset_(offset) {}

  Result<PackedIndex> Read() {
    PackedIndex index;
    const std::uint32_t bases = HM_TRY(cursor_.U32());
    HM_TRY(cursor_.CheckCount(bases, kFileBytes, "base files"));
    for (std::uint32_t i = 0; i < bases; ++i) index.base.push_back(HM_TRY(ReadFile()));
    const std::uint32_t members = HM_TRY(cursor_.U32());
    HM_TRY(cursor_.CheckCount(members, kFileBytes, "files"));
    for (std::uint32_t i = 0; i < members; ++i) {
      PackedMember& member = index.members.emplace_back();
      member.file = HM_TRY(ReadFile());
      HM_TRY(ReadFrames(&member));
    }
    if (!cursor_.AtEnd()) {
      return cursor_.Malformed(
          fmt::format("{} bytes of the index belong to no file", cursor_.Remaining()));
    }
    if (frames_end_ != index_offset_) {
      return cursor_.MalformedAt(frames_end_, fmt::format("the frames end here, the index begins "
                                                          "at 0x{:x}",
                                                          index_offset_));
    }
    HM_TRY(CheckPaths(index));
    return index;
  }

 private:
  Result<OriginalFile> ReadFile() {
    OriginalFile file;
    const std::uint64_t at = cursor_.Offset();
    const std::uint16_t length = HM_TRY(cursor_.U16());
    const std::string path(HM_TRY(cursor_.TakeText(length)));
    const auto checked = CheckRelativePath(path);
    if (!checked) return cursor_.MalformedAt(at, checked.error().message);
    if (*checked != path) {
      return cursor_.MalformedAt(
          at, fmt::format("the path {} is not written plainly", EscapeForPeople(path)));
    }
    file.path = path;
    file.size = HM_TRY(cursor_.U64());
    std::ranges::copy(HM_TRY(cursor_.Take(file.root.size())), file.root.begin());
    return file;
  }

  Result<void> ReadFrames(PackedMember* member) {
    const std::uint64_t count = member->file.size / kPackedFrameBytes +
                                (member->file.size % kPackedFrameBytes != 0 ? 1 : 0);
    HM_TRY(cursor_.CheckCount(count, kFrameBytes, "frames"));
    member->frames.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t at = cursor_.Offset();
      const std::uint32_t size = HM_TRY(cursor_.U32());
      if (size == 0 || size > kMaxStoredFrameBytes || size > index_offset_ - frames_end_) {
        return cursor_.MalformedAt(
            at, fmt::format("a frame is stored in {} bytes, limit {}", size,
                            std::min(kMaxStoredFrameBytes, index_offset_ - frames_end_)));
      }
      member->frames.push_back({{frames_end_, size}, HM_TRY(cursor_.U64())});
      frames_end_ += size;
    }
    return {};
  }

  // In order, so that they can be searched, and such that all can be written below one folder.
  Result<void> CheckPaths(const PackedIndex& index) const {
    std::unordered_set<std::string_view> paths;
    for (std::size_t i = 0; i < index.members.size(); ++i) {
      const std::string& path = index.members[i].file.path;
      paths.insert(path);
      if (i > 0 && !NaturalLess(index.members[i - 1].file.path, path)) {
        return Malformed(path, "it stands twice or not in order");
      }
    }
    for (const PackedMember& member : index.members) {
      const std::string_view path = member.file.path;
      for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
           slash = path.find('/', slash + 1)) {
        if (paths.contains(path.substr(0, slash))) {
          return Malformed(path, "a file has the name of its folder");
        }
      }
    }
    return {};
  }

  Error Malformed(std::string_view path, std::string_view why) const {
    return cursor_.MalformedAt(index_offset_,
                               fmt::format("the path {}: {}", EscapeForPeople(path), why));
  }

  ByteCursor cursor_;
  const std::uint64_t index_offset_;
  std::uint64_t frames_end_ = kPackedHeaderBytes;  // of those read so far
};

}  // namespace

bool SniffPacked(const FileHead& head) { return HeadStartsWith(head, kMagic); }

Result<PackedIndex> ReadPackedIndex(const File& file) {
  const auto malformed = [&](std::uint64_t offset, std::string message, std::string hint = {}) {
    return Error{Errc::kMalformed, file.Name(), std::move(message), offset, std::move(hint)};
  };
  if (file.Size() < kPackedHeaderBytes + kTrailerBytes) {
    return malformed(0, fmt::format("{} bytes are too short for a packed file", file.Size()),
                     kTruncatedHint);
  }
  std::array<std::byte, kPackedHeaderBytes> header;
  HM_TRY(file.Read(0, header));
  if (!AsText(header).starts_with(kMagic)) return malformed(0, "this is no packed file");
  const auto version = LoadLittle<std::uint32_t>(header.data() + kMagic.size());
  if (version != kVersion) {
    return Error{
        Errc::kUnsupported, file.Name(),
        fmt::format("packed by version {} of the format, {} is known here", version, kVersion),
        kMagic.size(), "unpack it with the hallmark that packed it"};
  }
  if (LoadLittle<std::uint32_t>(header.data() + kMagic.size() + 4) != 0) {
    return malformed(kMagic.size() + 4, "bytes that must be zero are not");
  }

  const std::uint64_t trailer_at = file.Size() - kTrailerBytes;
  std::array<std::byte, kTrailerBytes> trailer;
  HM_TRY(file.Read(trailer_at, trailer));
  if (AsText(trailer).substr(24) != kEndMagic) {
    return malformed(trailer_at, "no packed file ends so", kTruncatedHint);
  }
  const auto offset = LoadLittle<std::uint64_t>(trailer.data());
  const auto size = LoadLittle<std::uint64_t>(trailer.data() + 8);
  const auto check = LoadLittle<std::uint64_t>(trailer.data() + 16);
  if (offset < kPackedHeaderBytes || offset > trailer_at || size != trailer_at - offset) {
    return malformed(trailer_at, fmt::format("an index of {} bytes at 0x{:x} does not end where "
                                             "the trailer begins",
                                             size, offset));
  }
  if (size > kMaxIndexBytes) {
    return malformed(trailer_at,
                     fmt::format("an index of {} bytes, limit {}", size, kMaxIndexBytes));
  }
  std::vector<std::byte> bytes(size);
  HM_TRY(file.Read(offset, bytes));
  if (FrameCheck(bytes) != check) {
    return malformed(offset, "the index is damaged: its check does not fit",
                     "get the packed file again; nothing can be read without its index");
  }
  return IndexReader(bytes, file.Name(), offset).Read();
}

std::vector<std::byte> PackedHeader() {
  std::vector<std::byte> header;
  AppendBytes(&header, AsBytes(kMagic));
  Append(&header, kVersion);
  Append(&header, std::uint32_t{0});
  return header;
}

std::vector<std::byte> PackedEnd(const PackedIndex& index, std::uint64_t offset) {
  std::vector<std::byte> end;
  Append(&end, static_cast<std::uint32_t>(index.base.size()));
  for (const OriginalFile& file : index.base) AppendFile(&end, file);
  Append(&end, static_cast<std::uint32_t>(index.members.size()));
  for (const PackedMember& member : index.members) {
    AppendFile(&end, member.file);
    for (const PackedFrame& frame : member.frames) {
      Append(&end, static_cast<std::uint32_t>(frame.stored.size));
      Append(&end, frame.check);
    }
  }
  const std::uint64_t size = end.size();
  const std::uint64_t check = FrameCheck(end);
  Append(&end, offset);
  Append(&end, size);
  Append(&end, check);
  AppendBytes(&end, AsBytes(kEndMagic));
  return end;
}

TreeNode FrameRoot(ByteSpan bytes, bool is_only) {
  std::vector<TreeNode> leaves(CountLeaves(bytes.size()));
  HashLeaves(bytes, leaves);
  return is_only ? TreeRoot(leaves, 0) : SubtreeRoot(leaves, 0, kPackedFrameHeight);
}

TreeNode RootOfFrames(std::span<const TreeNode> frames) {
  return frames.size() == 1 ? frames[0] : TreeRoot(frames, kPackedFrameHeight);
}

}  // namespace hallmark
