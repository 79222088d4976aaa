// A stretch of 4 MiB, a whole subtree of the hash tree, is what a thread takes: piece by piece it
// puts together the bytes, writes them and hashes them while they are in its cache, and notes the
// stretch in the journal.
#include "transform/write_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

#include "src/base/page_buffer.h"
#include "src/hash/tree.h"
#include "src/io/directory.h"
#include "src/io/placed_file.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

// One line of the journal, as it lies in the file.
struct JournalEntry {
  std::uint64_t file;
  std::uint64_t stretch;
  TreeNode node;
};
static_assert(sizeof(JournalEntry) == 48);

constexpr std::uint64_t kStretch = kSubRootSpan;
constexpr std::uint64_t kPiece = 512 * 1024;  // half of a core's cache
static_assert(kStretch % kPiece == 0 && kPiece % kTreeBlock == 0);

// What a thread puts a stretch together in; kept for its next one.
MutableByteSpan Buffer() {
  thread_local const PageBuffer buffer = MakePageBuffer(kStretch);
  return {buffer.get(), kStretch};
}

std::vector<TreeNode> LeavesOf(ByteSpan bytes) {
  std::vector<TreeNode> leaves(CountLeaves(bytes.size()));
  HashLeaves(bytes, leaves);
  return leaves;
}

TreeNode NodeOf(std::span<const TreeNode> leaves) { return SubtreeRoot(leaves, 0, kSubRootHeight); }

// A file on its way.
struct FileInWork {
  const OutputFile* planned;
  PlacedFile file;
  std::vector<TreeNode> nodes;       // one a stretch
  std::vector<bool> done;            // by an earlier run
  std::vector<std::size_t> patched;  // stretches that a checksum lies in
  std::optional<TreeNode> root;      // of a file of one stretch
  // CRC-32 of the pieces of each tensor by their place in it, for files that have checksums.
  struct Piece {
    std::uint64_t size;
    std::uint32_t crc;
  };
  std::vector<std::vector<std::pair<std::uint64_t, Piece>>> pieces;  // a tensor; any order
  std::unique_ptr<std::mutex> pieces_mutex = std::make_unique<std::mutex>();
  std::unique_ptr<std::mutex> write_mutex = std::make_unique<std::mutex>();

  std::uint64_t Size() const { return planned->layout.size; }
  std::uint64_t StretchBytes(std::uint64_t index) const {
    return std::min(kStretch, Size() - index * kStretch);
  }
  bool IsPatched(std::size_t index) const { return std::ranges::binary_search(patched, index); }
};

class FileWriter {
 public:
  FileWriter(std::span<const OutputFile> files, const PartialOutput& output, const Task& task)
      : files_(files), output_(output), task_(task) {}

  Result<std::vector<WrittenFile>> Run() {
    HM_TRY(OpenAll());
    if (output_.WasInterrupted()) HM_TRY(TakeOver());
    auto journal = HM_TRY(PlacedFile::Open(output_.Journal(), O_CREAT));
    journal_ = &journal;

    HM_TRY(ParallelFor(task_, stretches_.size(),
                       [&](std::uint64_t i) { return WriteStretch(stretches_[i]); }));
    HM_TRY(ParallelFor(task_, patches_.size(),
                       [&](std::uint64_t i) { return PatchStretch(patches_[i]); }));
    std::vector<WrittenFile> written;
    for (const FileInWork& work : work_) {
      const TreeNode root = work.root ? *work.root : TreeRoot(work.nodes, kSubRootHeight);
      written.push_back({work.planned->path, work.Size(), Digest(Algorithm::kTree, root)});
    }
    return written;
  }

 private:
  struct Stretch {
    std::size_t file;
    std::size_t index;
  };

  Result<void> OpenAll() {
    for (std::size_t f = 0; f < files_.size(); ++f) {
      const OutputFile& planned = files_[f];
      const auto checked = CheckRelativePath(planned.path);
      HM_CHECK(checked && *checked == planned.path);  // nothing is written elsewhere
      const fs::path path = output_.Files() / planned.path;
      std::error_code error;
      fs::create_directories(path.parent_path(), error);
      if (error) return Error{Errc::kIo, path.parent_path().string(), error.message()};
      FileInWork work{.planned = &planned, .file = HM_TRY(PlacedFile::Open(path, O_CREAT))};
      if (HM_TRY(work.file.Size()) != planned.layout.size) {
        HM_TRY(work.file.Reserve(planned.layout.size));
      }
      const std::size_t count =
          planned.layout.size / kStretch + (planned.layout.size % kStretch != 0 ? 1 : 0);
      work.nodes.resize(count);
      work.done.resize(count);
      for (const FileLayout::Checksum& checksum : planned.layout.checksums) {
        const std::uint64_t last = checksum.offset + sizeof(std::uint32_t) - 1;
        work.patched.push_back(checksum.offset / kStretch);
        work.patched.push_back(last / kStretch);
      }
      std::ranges::sort(work.patched);
      work.patched.erase(std::ranges::unique(work.patched).begin(), work.patched.end());
      if (!planned.layout.checksums.empty()) work.pieces.resize(planned.payloads.size());
      for (std::size_t i = 0; i < count; ++i) stretches_.push_back({f, i});
      for (const std::size_t i : work.patched) patches_.push_back({f, i});
      if (count == 0) work.root = TreeNode{};
      work_.push_back(std::move(work));
    }
    return {};
  }

  // What an earlier run noted. Nothing is believed: a stretch counts as done if its bytes still
  // have the noted digest. Some files are made anew, since all of their tensors are to be read.
  Result<void> TakeOver() {
    auto journal = HM_TRY(PlacedFile::Open(output_.Journal(), O_CREAT));
    const std::uint64_t count = HM_TRY(journal.Size()) / sizeof(JournalEntry);
    std::vector<JournalEntry> entries(count);
    HM_TRY(journal.Read(0, std::as_writable_bytes(std::span(entries))));
    for (const JournalEntry& entry : entries) {
      if (entry.file >= work_.size()) continue;
      FileInWork& work = work_[entry.file];
      const bool anew = work.planned->counts_losses || !work.planned->layout.checksums.empty();
      if (entry.stretch >= work.nodes.size() || anew) continue;
      work.nodes[entry.stretch] = entry.node;
      work.done[entry.stretch] = true;
    }
    return {};
  }

  Result<void> WriteStretch(const Stretch& stretch) {
    FileInWork& work = work_[stretch.file];
    const std::uint64_t begin = stretch.index * kStretch;
    const std::uint64_t size = work.StretchBytes(stretch.index);
    const MutableByteSpan bytes = Buffer().first(size);
    if (work.done[stretch.index]) {
      HM_TRY(work.file.Read(begin, bytes));
      const std::vector<TreeNode> leaves = LeavesOf(bytes);
      if (NodeOf(leaves) == work.nodes[stretch.index]) {
        if (work.nodes.size() == 1) work.root = TreeRoot(leaves, 0);
        task_.Advance(size);
        return {};
      }
    }
    const bool is_whole = !work.IsPatched(stretch.index);  // else it is hashed once it is
    std::vector<TreeNode> leaves(CountLeaves(size));
    for (std::uint64_t done = 0; done < size; done += kPiece) {
      const MutableByteSpan piece = bytes.first(std::min(kPiece, size - done));
      HM_TRY(Fill(work, begin + done, piece));
      if (is_whole) {
        HashLeaves(piece, std::span(leaves).subspan(done / kTreeBlock, CountLeaves(piece.size())));
      }
      {
        // The system lets only one thread write to a file, and has the others burn their time.
        const std::lock_guard one_at_a_time(*work.write_mutex);
        HM_TRY(work.file.Write(begin + done, piece));
      }
      task_.Advance(piece.size());
    }
    work.file.BeginFlushing(begin, size);
    return is_whole ? Finish(stretch, leaves) : Result<void>();
  }

  // Once all tensors of the file were read.
  Result<void> PatchStretch(const Stretch& stretch) {
    FileInWork& work = work_[stretch.file];
    const std::uint64_t begin = stretch.index * kStretch;
    const std::uint64_t size = work.StretchBytes(stretch.index);
    const MutableByteSpan bytes = Buffer().first(size);
    HM_TRY(work.file.Read(begin, bytes));
    const auto& checksums = work.planned->layout.checksums;
    auto checksum = std::ranges::lower_bound(
        checksums, begin, {}, [](const auto& c) { return c.offset + sizeof(std::uint32_t) - 1; });
    for (; checksum != checksums.end() && checksum->offset < begin + size; ++checksum) {
      const std::uint32_t crc = ChecksumOf(work, *checksum);
      for (unsigned i = 0; i < sizeof crc; ++i) {
        const std::uint64_t at = checksum->offset + i;
        if (at < begin || at >= begin + size) continue;
        bytes[at - begin] = static_cast<std::byte>(crc >> (8 * i));
      }
    }
    HM_TRY(work.file.Write(begin, bytes));
    return Finish(stretch, LeavesOf(bytes));
  }

  Result<void> Finish(const Stretch& stretch, std::span<const TreeNode> leaves) {
    FileInWork& work = work_[stretch.file];
    work.nodes[stretch.index] = NodeOf(leaves);
    if (work.nodes.size() == 1) work.root = TreeRoot(leaves, 0);
    const JournalEntry entry{stretch.file, stretch.index, work.nodes[stretch.index]};
    const std::lock_guard one_at_a_time(journal_mutex_);
    return journal_->Append(std::as_bytes(std::span(&entry, 1)));
  }

  // The bytes of the file from `begin`, out of its literals and payloads.
  Result<void> Fill(FileInWork& work, std::uint64_t begin, MutableByteSpan out) {
    const FileLayout& layout = work.planned->layout;
    const std::uint64_t end = begin + out.size();
    std::uint64_t filled = 0;
    auto literal =
        std::ranges::upper_bound(layout.literals, begin, {}, &FileLayout::Literal::offset);
    if (literal != layout.literals.begin()) --literal;
    for (; literal != layout.literals.end() && literal->offset < end; ++literal) {
      const std::uint64_t from = std::max(begin, literal->offset);
      const std::uint64_t to =
          std::min<std::uint64_t>(end, literal->offset + literal->bytes.size());
      if (from >= to) continue;
      std::memcpy(out.data() + (from - begin), literal->bytes.data() + (from - literal->offset),
                  to - from);
      filled += to - from;
    }
    // Empty payloads share their place with the one that follows.
    auto payload =
        std::ranges::upper_bound(layout.payloads, begin, {}, &FileLayout::Payload::offset);
    while (payload != layout.payloads.begin() &&
           std::prev(payload)->offset + SizeOf(work, *std::prev(payload)) > begin) {
      --payload;
    }
    for (; payload != layout.payloads.end() && payload->offset < end; ++payload) {
      const std::uint64_t from = std::max(begin, payload->offset);
      const std::uint64_t to = std::min(end, payload->offset + SizeOf(work, *payload));
      if (from >= to) continue;
      const MutableByteSpan part = out.subspan(from - begin, to - from);
      HM_TRY(work.planned->payloads[payload->tensor]->Read(from - payload->offset, part));
      filled += to - from;
      if (!work.pieces.empty()) AddPiece(work, payload->tensor, from - payload->offset, part);
    }
    HM_CHECK(filled == out.size());  // a layout has no gaps
    return {};
  }

  static std::uint64_t SizeOf(const FileInWork& work, const FileLayout::Payload& payload) {
    return work.planned->payloads[payload.tensor]->Size();
  }

  static void AddPiece(FileInWork& work, std::size_t tensor, std::uint64_t offset, ByteSpan bytes) {
    const auto crc = static_cast<std::uint32_t>(
        crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
    const std::lock_guard one_at_a_time(*work.pieces_mutex);
    work.pieces[tensor].push_back({offset, {bytes.size(), crc}});
  }

  static std::uint32_t ChecksumOf(const FileInWork& work, const FileLayout::Checksum& checksum) {
    auto pieces = work.pieces[checksum.tensor];
    std::ranges::sort(pieces, {}, [](const auto& piece) { return piece.first; });
    uLong crc = checksum.before;
    for (const auto& [offset, piece] : pieces) {
      crc = crc32_combine(crc, piece.crc, static_cast<z_off_t>(piece.size));
    }
    return static_cast<std::uint32_t>(crc);
  }

  const std::span<const OutputFile> files_;
  const PartialOutput& output_;
  const Task& task_;
  std::vector<FileInWork> work_;
  std::vector<Stretch> stretches_, patches_;
  std::mutex journal_mutex_;
  const PlacedFile* journal_ = nullptr;
};

}  // namespace

OutputFile LiteralFile(std::string path, std::vector<std::byte> content) {
  OutputFile file{.path = std::move(path)};
  file.layout.size = content.size();
  if (!content.empty()) file.layout.literals.push_back({0, std::move(content)});
  return file;
}

Result<std::vector<WrittenFile>> WriteFiles(std::span<const OutputFile> files,
                                            const PartialOutput& output, const Task& task) {
  return FileWriter(files, output, task).Run();
}

Result<void> FlushFiles(std::span<const WrittenFile> files, const PartialOutput& output) {
  for (const WrittenFile& written : files) {
    const auto file = HM_TRY(PlacedFile::Open(output.Files() / written.path, 0));
    HM_TRY(file.Flush());
  }
  return {};
}

}  // namespace hallmark
