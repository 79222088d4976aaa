#include "verify/pieces.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <utility>

#include "src/hash/hasher.h"

namespace hallmark {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr std::size_t kMaxBadRanges = 1000;
constexpr std::array<std::byte, kBufferBytes> kZeros{};

class PieceCheck {
 public:
  using Paths = std::span<const std::optional<std::filesystem::path>>;

  PieceCheck(const PieceList& list, Paths paths, const Task& task)
      : list_(list),
        paths_(paths),
        task_(task),
        verdicts_(list.spans.size()),
        stamps_(list.spans.size()) {
    for (const PieceSpan& span : list_.spans) {
      starts_.push_back(total_);
      total_ += span.bytes;
    }
  }

  Result<std::vector<PieceVerdict>> Run() {
    const std::uint64_t count = list_.digests.size() / InfoOf(list_.algorithm).digest_bytes;
    states_.assign(static_cast<std::size_t>(count), State::kUnchecked);
    for (std::size_t s = 0; s < list_.spans.size(); ++s) OpenFirst(s);
    HM_TRY(ParallelFor(task_, count, [&](std::uint64_t piece) { return Check(piece); }));
    for (std::uint64_t piece = 0; piece < count; ++piece) Tell(piece);
    return std::move(verdicts_);
  }

  std::uint64_t BytesRead() const { return bytes_read_; }

 private:
  enum class State : std::uint8_t { kUnchecked, kRight, kWrong };

  // What a span has of a piece.
  struct Part {
    std::size_t span;
    ByteRange range;  // in the span
  };

  // The first span that ends behind `offset`, skipping empty ones.
  std::size_t SpanAt(std::uint64_t offset) const {
    const auto next = std::ranges::upper_bound(starts_, offset);
    return static_cast<std::size_t>(next - starts_.begin()) - 1;
  }

  template <typename Visit>
  void VisitParts(std::uint64_t piece, const Visit& visit) const {
    std::uint64_t at = piece * list_.piece_bytes;
    const std::uint64_t end = at + std::min(list_.piece_bytes, total_ - at);
    for (std::size_t s = SpanAt(at); at < end; ++s) {
      const std::uint64_t offset = at - starts_[s];
      const std::uint64_t size = std::min(list_.spans[s].bytes - offset, end - at);
      if (size > 0) visit(Part{s, {offset, size}});
      at += size;
    }
  }

  // Remembers what the file is now, so that all its pieces are of one and the same file.
  void OpenFirst(std::size_t s) {
    if (list_.spans[s].holder != PieceSpan::Holder::kFile || !paths_[s]) return;
    if (const auto file = OpenFile(*paths_[s])) {
      stamps_[s] = (*file)->Stamp();
    } else {
      verdicts_[s].error = file.error();
    }
  }

  bool CanBeRead(std::size_t s) const {
    const PieceSpan& span = list_.spans[s];
    if (span.holder == PieceSpan::Holder::kZeros) return true;
    return span.holder == PieceSpan::Holder::kFile && stamps_[s] && stamps_[s]->size == span.bytes;
  }

  Result<void> Check(std::uint64_t piece) {
    bool readable = true;
    bool holds_file = false;
    VisitParts(piece, [&](const Part& part) {
      readable = readable && CanBeRead(part.span);
      holds_file = holds_file || list_.spans[part.span].holder == PieceSpan::Holder::kFile;
    });
    if (!readable || !holds_file) return {};
    std::vector<Part> parts;
    VisitParts(piece, [&](const Part& part) { parts.push_back(part); });
    const auto hasher = MakeHasher(list_.algorithm);
    for (const Part& part : parts) {
      if (Result<void> read = Hash(part, *hasher); !read) {
        if (read.error().code == Errc::kInterrupted) return read;
        const std::lock_guard lock(mutex_);
        if (!verdicts_[part.span].error) verdicts_[part.span].error = std::move(read).error();
        return {};
      }
    }
    const std::size_t size = InfoOf(list_.algorithm).digest_bytes;
    const ByteSpan listed =
        ByteSpan(list_.digests).subspan(static_cast<std::size_t>(piece) * size, size);
    states_[static_cast<std::size_t>(piece)] =
        std::ranges::equal(hasher->Finish().Bytes(), listed) ? State::kRight : State::kWrong;
    return {};
  }

  Result<void> Hash(const Part& part, Hasher& hasher) {
    std::unique_ptr<File> file;
    std::vector<std::byte> buffer;
    if (list_.spans[part.span].holder == PieceSpan::Holder::kFile) {
      file = HM_TRY(OpenFile(*paths_[part.span]));
      if (file->Stamp() != *stamps_[part.span]) {
        return Error{Errc::kIo, file->Name(), "the file changed while it was read"};
      }
      buffer.resize(
          static_cast<std::size_t>(std::min<std::uint64_t>(kBufferBytes, part.range.size)));
    }
    for (std::uint64_t at = part.range.offset; at < part.range.End();) {
      HM_TRY(task_.CheckStopped());
      const auto size =
          static_cast<std::size_t>(std::min<std::uint64_t>(kBufferBytes, part.range.End() - at));
      if (file) {
        HM_TRY(file->Read(at, MutableByteSpan(buffer).first(size)));
        hasher.Update(ByteSpan(buffer).first(size));
        bytes_read_ += size;
        task_.Advance(size);
      } else {
        hasher.Update(ByteSpan(kZeros).first(size));
      }
      at += size;
    }
    return file ? file->CheckUnchanged() : Result<void>();
  }

  // Adds what became of a piece to the verdicts of all files in it.
  void Tell(std::uint64_t piece) {
    const State state = states_[static_cast<std::size_t>(piece)];
    std::size_t files = 0;
    VisitParts(piece, [&](const Part& part) {
      files += list_.spans[part.span].holder != PieceSpan::Holder::kZeros;
    });
    VisitParts(piece, [&](const Part& part) {
      PieceVerdict& verdict = verdicts_[part.span];
      if (list_.spans[part.span].holder != PieceSpan::Holder::kFile) return;
      ++verdict.pieces;
      verdict.unchecked += state == State::kUnchecked;
      if (state != State::kWrong) return;
      verdict.shared_bad += files > 1;
      const bool follows = !verdict.bad.empty() && verdict.bad.back().End() == part.range.offset;
      if (follows || verdict.bad.size() == kMaxBadRanges) {
        verdict.bad.back().size = part.range.End() - verdict.bad.back().offset;
      } else {
        verdict.bad.push_back(part.range);
      }
    });
  }

  const PieceList& list_;
  const Paths paths_;
  const Task& task_;
  std::uint64_t total_ = 0;
  std::vector<std::uint64_t> starts_;  // of the spans, in the whole
  std::vector<State> states_;          // of the pieces
  std::vector<PieceVerdict> verdicts_;
  std::vector<std::optional<FileStamp>> stamps_;
  std::mutex mutex_;  // of the verdicts' errors
  std::atomic<std::uint64_t> bytes_read_ = 0;
};

}  // namespace

Result<std::vector<PieceVerdict>> CheckPieces(
    const PieceList& list, std::span<const std::optional<std::filesystem::path>> paths,
    const Task& task, std::uint64_t* bytes_read) {
  PieceCheck check(list, paths, task);
  auto verdicts = check.Run();
  *bytes_read += check.BytesRead();
  return verdicts;
}

}  // namespace hallmark
