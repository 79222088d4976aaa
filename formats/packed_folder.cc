#include "formats/packed_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <list>
#include <mutex>
#include <utility>

#include "src/base/text.h"

namespace hallmark {
namespace {

// Frames that are kept in memory: enough for several threads that read on in several places.
constexpr std::size_t kFramesKept = 16;

std::uint64_t FrameBytes(const PackedMember& member, std::size_t frame) {
  return std::min(kPackedFrameBytes, member.file.size - frame * kPackedFrameBytes);
}

// The last few frames that were asked for. Who asks for one that another thread is about to read
// waits for it. Thread-safe.
class FrameCache {
 public:
  struct Frame {
    const PackedMember* member;
    std::size_t frame;
    std::mutex mutex;              // guards what follows
    std::vector<std::byte> bytes;  // empty: not read yet
  };

  std::shared_ptr<Frame> Get(const PackedMember& member, std::size_t frame) {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(frames_, [&](const std::shared_ptr<Frame>& kept) {
      return kept->member == &member && kept->frame == frame;
    });
    if (found != frames_.end()) {
      frames_.splice(frames_.begin(), frames_, found);
    } else {
      if (frames_.size() == kFramesKept) frames_.pop_back();
      frames_.push_front(std::make_shared<Frame>(&member, frame));
    }
    return frames_.front();
  }

 private:
  std::mutex mutex_;
  std::list<std::shared_ptr<Frame>> frames_;  // the last used first
};

class PackedFolder final : public Folder, public std::enable_shared_from_this<PackedFolder> {
 public:
  PackedFolder(std::shared_ptr<const File> packed, std::string path, PackedIndex index,
               BaseFiles base)
      : packed_(std::move(packed)),
        path_(std::move(path)),
        index_(std::move(index)),
        base_(std::move(base)) {}

  const File& Packed() const { return *packed_; }

  std::string NameOf(std::string_view path) const override {
    return path.empty() ? packed_->Name() : fmt::format("{}: {}", packed_->Name(), path);
  }

  Result<DirectoryListing> List() const override {
    DirectoryListing listing;
    for (const PackedMember& member : index_.members) {
      listing.files.push_back({member.file.path, {}, member.file.size});
    }
    return listing;
  }

  bool Has(std::string_view path) const override { return Find(path) != nullptr; }
  Result<std::unique_ptr<File>> Open(std::string_view path) const override;

  FileStretch Locate(std::string_view path, ByteRange range) const override {
    const PackedMember* const member = Find(path);
    HM_CHECK(member != nullptr && range.End() <= member->file.size);
    if (range.size == 0) return {path_, {kPackedHeaderBytes, 0}};
    const ByteRange& first = member->frames[range.offset / kPackedFrameBytes].stored;
    const ByteRange& last = member->frames[(range.End() - 1) / kPackedFrameBytes].stored;
    return {path_, {first.offset, last.End() - first.offset}};
  }

  Result<void> Read(const PackedMember& member, std::uint64_t offset, MutableByteSpan out) const {
    while (!out.empty()) {
      const std::size_t frame = offset / kPackedFrameBytes;
      const std::uint64_t skip = offset % kPackedFrameBytes;
      const std::uint64_t held = FrameBytes(member, frame);
      const std::size_t size = std::min<std::uint64_t>(out.size(), held - skip);
      if (size == held) {
        HM_TRY(ReadPackedFrame(*packed_, index_, base_, member, frame, out.first(size)));
      } else {
        HM_TRY(ReadPart(member, frame, skip, out.first(size)));
      }
      offset += size;
      out = out.subspan(size);
    }
    return {};
  }

 private:
  const PackedMember* Find(std::string_view path) const {
    const auto found = std::ranges::lower_bound(
        index_.members, path, NaturalLess,
        [](const PackedMember& m) -> const std::string& { return m.file.path; });
    return found == index_.members.end() || found->file.path != path ? nullptr : &*found;
  }

  Result<void> ReadPart(const PackedMember& member, std::size_t frame, std::uint64_t skip,
                        MutableByteSpan out) const {
    const std::shared_ptr<FrameCache::Frame> kept = cache_.Get(member, frame);
    const std::lock_guard lock(kept->mutex);
    if (kept->bytes.empty()) {
      std::vector<std::byte> bytes(FrameBytes(member, frame));
      HM_TRY(ReadPackedFrame(*packed_, index_, base_, member, frame, bytes));
      kept->bytes = std::move(bytes);
    }
    std::memcpy(out.data(), kept->bytes.data() + skip, out.size());
    return {};
  }

  std::shared_ptr<const File> packed_;
  std::string path_;
  PackedIndex index_;
  BaseFiles base_;
  mutable FrameCache cache_;
};

class PackedMemberFile final : public File {
 public:
  PackedMemberFile(std::shared_ptr<const PackedFolder> folder, const PackedMember& member)
      : folder_(std::move(folder)), member_(member), name_(folder_->NameOf(member.file.path)) {}

  std::uint64_t Size() const override { return member_.file.size; }
  const std::string& Name() const override { return name_; }
  FileStamp Stamp() const override { return folder_->Packed().Stamp(); }
  Result<void> CheckUnchanged() const override { return folder_->Packed().CheckUnchanged(); }

  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    if (offset > Size() || out.size() > Size() - offset) {
      return Error{Errc::kIo, name_, "read beyond the end of the file", offset};
    }
    return folder_->Read(member_, offset, out);
  }

  Result<std::unique_ptr<File>> OpenBeside(std::string_view path) const override {
    const std::string& own = member_.file.path;
    return folder_->Open(own.substr(0, own.rfind('/') + 1) + HM_TRY(CheckRelativePath(path)));
  }

 private:
  std::shared_ptr<const PackedFolder> folder_;
  const PackedMember& member_;  // of folder_
  std::string name_;
};

Result<std::unique_ptr<File>> PackedFolder::Open(std::string_view path) const {
  const PackedMember* const member = Find(path);
  if (member == nullptr) return Error{Errc::kNotFound, NameOf(path), "no such file in the archive"};
  return std::make_unique<PackedMemberFile>(shared_from_this(), *member);
}

}  // namespace

Result<std::shared_ptr<const Folder>> FolderInPacked(std::shared_ptr<const File> packed,
                                                     std::string path, BaseFiles base) {
  PackedIndex index = HM_TRY(ReadPackedIndex(*packed));
  if (base.empty() && !index.base.empty()) {
    return Error{Errc::kUnsupported, packed->Name(),
                 fmt::format("packed as the difference to another model ({}{})",
                             EscapeForPeople(index.base.front().path),
                             index.base.size() > 1 ? " and others" : ""),
                 std::nullopt, "unpack it first, with --base and that model"};
  }
  HM_CHECK(base.size() == index.base.size());
  return std::make_shared<const PackedFolder>(std::move(packed), std::move(path), std::move(index),
                                              std::move(base));
}

Result<void> ReadPackedFrame(const File& packed, const PackedIndex& index, const BaseFiles& base,
                             const PackedMember& member, std::size_t frame, MutableByteSpan out) {
  const PackedFrame& place = member.frames[frame];
  const auto malformed = [&](std::string message) {
    return Error{Errc::kMalformed, packed.Name(),
                 fmt::format("{}: {}", EscapeForPeople(member.file.path), message),
                 place.stored.offset};
  };
  const ReadBase read_base = [&](const BasePlace& at, MutableByteSpan bytes) -> Result<void> {
    if (at.file >= base.size() || at.offset > index.base[at.file].size ||
        bytes.size() > index.base[at.file].size - at.offset) {
      return malformed("a difference to what the base does not hold");
    }
    return base[at.file]->Read(at.offset, bytes);
  };
  // A base may be packed itself, and then this is called again below.
  thread_local std::vector<std::byte> spare;
  std::vector<std::byte> stored = std::move(spare);
  stored.resize(place.stored.size);
  HM_TRY(packed.Read(place.stored.offset, stored));
  if (FrameCheck(stored) != place.check) {
    const std::uint64_t begin = frame * kPackedFrameBytes;
    Error error =
        malformed(fmt::format("the frame of bytes 0x{:x} to 0x{:x} is damaged: its check "
                              "does not fit",
                              begin, begin + out.size() - 1));
    error.hint = "get the packed file again, or compare its digest with the one it came with";
    return error;
  }
  HM_TRY(DecodeFrame(stored, packed.Name(), place.stored.offset, read_base, out));
  spare = std::move(stored);
  return {};
}

}  // namespace hallmark
