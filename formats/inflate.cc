#include "formats/inflate.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <new>
#include <utility>

namespace hallmark {
namespace {

constexpr std::size_t kInputBytes = 64 * 1024;
constexpr std::uint64_t kFirstInterval = 4 * 1024 * 1024;
constexpr std::size_t kMaxRemembered = 32;  // about 40 KiB each

}  // namespace

// A z_stream points back at its owner's heap, so it is copied by inflateCopy and never moved.
struct InflateStream::State {
  z_stream stream{};
  std::uint64_t consumed = 0;  // compressed bytes
  std::uint64_t produced = 0;  // inflated bytes
  std::uint32_t crc = 0;
  bool ended = false;

  State() {
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  explicit State(const State& other)
      : consumed(other.consumed), produced(other.produced), crc(other.crc), ended(other.ended) {
    if (inflateCopy(&stream, const_cast<z_stream*>(&other.stream)) != Z_OK) throw std::bad_alloc();
  }
  State& operator=(const State&) = delete;
  ~State() { inflateEnd(&stream); }
};

InflateStream::InflateStream(const File& file, ByteRange compressed, std::uint64_t size,
                             std::uint32_t crc32, std::string subject)
    : file_(file),
      compressed_(compressed),
      size_(size),
      crc32_(crc32),
      subject_(std::move(subject)),
      state_(std::make_unique<State>()),
      interval_(std::max(kFirstInterval, size / kMaxRemembered + 1)),
      input_(std::min<std::uint64_t>(kInputBytes, compressed.size)) {}

InflateStream::~InflateStream() = default;

std::uint64_t InflateStream::Position() const { return state_->produced; }

Error InflateStream::Broken(std::string message) const {
  return Error{Errc::kMalformed, file_.Name(), fmt::format("{}: {}", subject_, message),
               compressed_.offset + state_->consumed};
}

void InflateStream::Remember() {
  const std::uint64_t last = remembered_.empty() ? 0 : remembered_.back()->produced;
  if (state_->produced < last + interval_ || remembered_.size() >= kMaxRemembered) return;
  remembered_.push_back(std::make_unique<State>(*state_));
}

Result<void> InflateStream::FillInput() {
  if (input_begin_ < input_end_) return {};
  const std::uint64_t left = compressed_.size - state_->consumed;
  if (left == 0) return Broken("the deflated bytes end too early");
  input_begin_ = 0;
  input_end_ = std::min<std::uint64_t>(left, input_.size());
  return file_.Read(compressed_.offset + state_->consumed, {input_.data(), input_end_});
}

Result<void> InflateStream::Produce(MutableByteSpan out) {
  while (!out.empty()) {
    if (state_->ended) {
      return Broken(fmt::format("inflates to {} bytes, {} were declared", state_->produced, size_));
    }
    HM_TRY(FillInput());
    const std::size_t want = std::min<std::size_t>(out.size(), 1u << 30);
    z_stream& stream = state_->stream;
    stream.next_in = reinterpret_cast<Bytef*>(input_.data() + input_begin_);
    stream.avail_in = static_cast<uInt>(input_end_ - input_begin_);
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(want);
    const int code = inflate(&stream, Z_NO_FLUSH);
    const std::size_t used = input_end_ - input_begin_ - stream.avail_in;
    const std::size_t made = want - stream.avail_out;
    input_begin_ += used;
    state_->consumed += used;
    state_->produced += made;
    state_->crc = static_cast<std::uint32_t>(
        ::crc32(state_->crc, reinterpret_cast<const Bytef*>(out.data()), static_cast<uInt>(made)));
    out = out.subspan(made);
    if (code == Z_STREAM_END) {
      state_->ended = true;
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      return Broken("the deflate stream is broken");
    }
  }
  return {};
}

Result<void> InflateStream::CheckEnd() {
  while (!state_->ended) {
    // Nothing may be left but the marks that end the stream.
    HM_TRY(FillInput());
    std::byte surplus;
    z_stream& stream = state_->stream;
    stream.next_in = reinterpret_cast<Bytef*>(input_.data() + input_begin_);
    stream.avail_in = static_cast<uInt>(input_end_ - input_begin_);
    stream.next_out = reinterpret_cast<Bytef*>(&surplus);
    stream.avail_out = 1;
    const int code = inflate(&stream, Z_NO_FLUSH);
    const std::size_t used = input_end_ - input_begin_ - stream.avail_in;
    input_begin_ += used;
    state_->consumed += used;
    if (stream.avail_out == 0) {
      return Broken(fmt::format("inflates to more than the declared {} bytes", size_));
    }
    if (code == Z_STREAM_END) {
      state_->ended = true;
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      return Broken("the deflate stream is broken");
    }
  }
  if (state_->consumed != compressed_.size) {
    return Broken(fmt::format("the deflate stream ends after {} of {} bytes", state_->consumed,
                              compressed_.size));
  }
  if (state_->crc != crc32_) {
    return Broken(fmt::format("CRC-32 is {:08x}, {:08x} was declared", state_->crc, crc32_));
  }
  return {};
}

Result<void> InflateStream::Seek(std::uint64_t offset) {
  const auto after =
      std::upper_bound(remembered_.begin(), remembered_.end(), offset,
                       [](std::uint64_t at, const auto& state) { return at < state->produced; });
  const State* best = after == remembered_.begin() ? nullptr : std::prev(after)->get();
  const std::uint64_t best_at = best == nullptr ? 0 : best->produced;
  if (offset < state_->produced || best_at > state_->produced) {
    state_ = best == nullptr ? std::make_unique<State>() : std::make_unique<State>(*best);
    input_begin_ = input_end_ = 0;
  }
  std::vector<std::byte> skipped(std::min<std::uint64_t>(offset - state_->produced, kInputBytes));
  while (state_->produced < offset) {
    const std::uint64_t size = std::min<std::uint64_t>(offset - state_->produced, skipped.size());
    HM_TRY(Produce({skipped.data(), static_cast<std::size_t>(size)}));
    Remember();
  }
  return {};
}

Result<void> InflateStream::Read(std::uint64_t offset, MutableByteSpan out) {
  HM_TRY(Seek(offset));
  while (!out.empty()) {
    const std::size_t size = std::min<std::uint64_t>(out.size(), interval_);
    HM_TRY(Produce(out.first(size)));
    out = out.subspan(size);
    Remember();
  }
  if (state_->produced == size_) HM_TRY(CheckEnd());
  return {};
}

}  // namespace hallmark
