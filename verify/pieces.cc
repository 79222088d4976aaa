#include "verify/pieces.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "src/hash/hash_sources.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxBadRanges = 1000;
constexpr std::uint64_t kPiecesAtOnce = 1024;  // so many wait to be taken into the lanes of a core
constexpr std::size_t kOpenAtOnce = 64;

// Files that pieces lie in, by span: opened when first needed, the last few kept open.
class OpenFiles {
 public:
  // kIo if the file is another than `stamp` says.
  Result<std::shared_ptr<const File>> Get(std::size_t span, const std::filesystem::path& path,
                                          const FileStamp& stamp) {
    {
      const std::lock_guard lock(mutex_);
      const auto kept = std::ranges::find(open_, span, &Entry::span);
      if (kept != open_.end()) return kept->file;
    }
    std::shared_ptr<const File> file = HM_TRY(OpenFile(path));
    if (file->Stamp() != stamp) {
      return Error{Errc::kIo, file->Name(), "the file changed while it was read"};
    }
    const std::lock_guard lock(mutex_);
    if (open_.size() == kOpenAtOnce) open_.pop_front();
    open_.push_back({span, file});
    return file;
  }

 private:
  struct Entry {
    std::size_t span;
    std::shared_ptr<const File> file;
  };
  std::mutex mutex_;
  std::deque<Entry> open_;
};

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
    for (std::uint64_t first = 0; first < count; first += kPiecesAtOnce) {
      HM_TRY(CheckFrom(first, std::min(kPiecesAtOnce, count - first)));
    }
    for (std::size_t s = 0; s < list_.spans.size(); ++s) CheckUnchanged(s);
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

  // The bytes of one piece, from all files it crosses.
  class Source final : public BlockSource {
   public:
    Source(PieceCheck& check, std::uint64_t piece) : check_(check), piece_(piece) {
      check.VisitParts(piece, [&](const Part& part) {
        starts_.push_back(size_);
        parts_.push_back(part);
        size_ += part.range.size;
      });
    }

    std::uint64_t Piece() const { return piece_; }
    std::optional<std::size_t> FailedSpan() const { return failed_; }
    std::uint64_t Size() const override { return size_; }

    Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
      auto i =
          static_cast<std::size_t>(std::ranges::upper_bound(starts_, offset) - starts_.begin()) - 1;
      for (; !out.empty(); ++i) {
        const std::uint64_t skip = offset - starts_[i];
        const auto n = static_cast<std::size_t>(
            std::min<std::uint64_t>(out.size(), parts_[i].range.size - skip));
        Result<void> read =
            check_.Read(parts_[i].span, parts_[i].range.offset + skip, out.first(n));
        if (!read) {
          const std::lock_guard lock(mutex_);
          failed_ = parts_[i].span;
          return read;
        }
        offset += n;
        out = out.subspan(n);
      }
      return {};
    }

   private:
    PieceCheck& check_;
    const std::uint64_t piece_;
    std::vector<Part> parts_;
    std::vector<std::uint64_t> starts_;  // in the piece
    std::uint64_t size_ = 0;
    mutable std::mutex mutex_;
    mutable std::optional<std::size_t> failed_;
  };

  Result<void> Read(std::size_t span, std::uint64_t offset, MutableByteSpan out) {
    if (list_.spans[span].holder == PieceSpan::Holder::kZeros) {
      std::ranges::fill(out, std::byte{0});
      return {};
    }
    const auto file = HM_TRY(files_.Get(span, *paths_[span], *stamps_[span]));
    HM_TRY(file->Read(offset, out));
    bytes_read_ += out.size();
    task_.Advance(out.size());
    return {};
  }

  bool CanBeChecked(std::uint64_t piece) const {
    bool readable = true;
    bool holds_file = false;
    VisitParts(piece, [&](const Part& part) {
      readable = readable && CanBeRead(part.span);
      holds_file = holds_file || list_.spans[part.span].holder == PieceSpan::Holder::kFile;
    });
    return readable && holds_file;
  }

  Result<void> CheckFrom(std::uint64_t first, std::uint64_t count) {
    std::deque<Source> sources;
    std::vector<HashRequest> requests;
    for (std::uint64_t piece = first; piece < first + count; ++piece) {
      if (!CanBeChecked(piece)) continue;
      requests.push_back({&sources.emplace_back(*this, piece), {list_.algorithm}});
    }
    Task silent = task_;  // progress is told by what is read of files
    silent.progress = nullptr;
    return HashSources(requests, silent, [&](std::size_t i, Result<HashOutcome> hashed) {
      Judge(sources[i], std::move(hashed));
      return Result<void>();
    });
  }

  void Judge(const Source& source, Result<HashOutcome> hashed) {
    if (!hashed) {
      std::optional<Error>& error = verdicts_[*source.FailedSpan()].error;
      if (!error) error = std::move(hashed).error();
      return;
    }
    const std::size_t size = InfoOf(list_.algorithm).digest_bytes;
    const auto piece = static_cast<std::size_t>(source.Piece());
    const ByteSpan listed = ByteSpan(list_.digests).subspan(piece * size, size);
    states_[piece] =
        std::ranges::equal(hashed->digests.front().Bytes(), listed) ? State::kRight : State::kWrong;
  }

  // Once all was read: what was read was one and the same file from first to last.
  void CheckUnchanged(std::size_t s) {
    if (!CanBeRead(s) || !stamps_[s] || verdicts_[s].error) return;
    if (auto file = OpenFiles().Get(s, *paths_[s], *stamps_[s]); !file) {
      verdicts_[s].error = std::move(file).error();
    }
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
  OpenFiles files_;
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
