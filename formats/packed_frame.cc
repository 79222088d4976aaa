#include "formats/packed_frame.h"

#define ZSTD_STATIC_LINKING_ONLY  // for ZSTD_c_literalCompressionMode, an exported parameter
#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <numeric>

#include "src/base/byte_cursor.h"
#include "src/hash/xxh64.h"
#include "src/kernels/planes.h"

namespace hallmark {
namespace {

constexpr std::uint8_t kHasBase = 0x80;
constexpr std::uint16_t kIsNumber = 0x8000;
constexpr std::size_t kMaxFields = 127;

struct FreeCompressor {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
struct FreeDecompressor {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};
using Compressor = std::unique_ptr<ZSTD_CCtx, FreeCompressor>;
using Decompressor = std::unique_ptr<ZSTD_DCtx, FreeDecompressor>;

void Set(ZSTD_CCtx* context, ZSTD_cParameter parameter, int value) {
  HM_CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)));
}

// For text and for numbers without structure.
Compressor GeneralCompressor() {
  Compressor compressor(ZSTD_createCCtx());
  HM_CHECK(compressor != nullptr);
  Set(compressor.get(), ZSTD_c_compressionLevel, 3);
  return compressor;
}

// For planes of weights, in which no byte depends on those before it: an entropy coder is all that
// helps, and every match found by chance costs time and size. So zstd hardly looks for any, and
// codes literals always.
Compressor PlaneCompressor() {
  Compressor compressor(ZSTD_createCCtx());
  HM_CHECK(compressor != nullptr);
  Set(compressor.get(), ZSTD_c_compressionLevel, -1);
  Set(compressor.get(), ZSTD_c_strategy, ZSTD_fast);
  Set(compressor.get(), ZSTD_c_literalCompressionMode, ZSTD_ps_enable);
  Set(compressor.get(), ZSTD_c_targetLength, 131072);
  Set(compressor.get(), ZSTD_c_minMatch, 7);
  Set(compressor.get(), ZSTD_c_windowLog, 17);
  Set(compressor.get(), ZSTD_c_hashLog, 12);
  return compressor;
}

// What a thread keeps between frames.
struct Workspace {
  Compressor general = GeneralCompressor();
  Compressor planes = PlaneCompressor();
  Decompressor decompressor{ZSTD_createDCtx()};
  std::vector<std::byte> plane_bytes;  // all planes of a piece, one after the other
  std::vector<std::byte> field_bytes;  // of a field of all elements
  std::vector<std::byte> compressed;   // a plane
  std::vector<std::byte> base_bytes;
  std::vector<std::byte> changed;  // a piece as the difference to its base
};
Workspace& OfThisThread() {
  thread_local Workspace workspace;
  return workspace;
}

// `size` bytes of `buffer`, which only ever grows.
MutableByteSpan Room(std::vector<std::byte>& buffer, std::uint64_t size) {
  if (buffer.size() < size) buffer.resize(size);
  return {buffer.data(), static_cast<std::size_t>(size)};
}

// Whether a sample of the bytes comes so close to 8 bits of entropy a byte that no coder would
// gain.
bool LooksIncompressible(ByteSpan bytes) {
  constexpr std::size_t kRuns = 32, kRun = 256;
  constexpr double kBits = 7.9;  // chance alone takes 0.02 from a sample of random bytes
  if (bytes.size() < 2 * kRuns * kRun) return false;
  std::array<std::uint32_t, 256> counts{};
  for (std::size_t run = 0; run < kRuns; ++run) {
    for (const std::byte byte : bytes.subspan(bytes.size() / kRuns * run, kRun)) {
      ++counts[std::to_integer<std::size_t>(byte)];
    }
  }
  double bits = 0;
  for (const std::uint32_t count : counts) {
    if (count != 0) bits -= count * std::log2(static_cast<double>(count) / (kRuns * kRun));
  }
  return bits / (kRuns * kRun) > kBits;
}

std::size_t PlanesOf(const PlaneField& field) { return field.is_number ? field.width : 1; }

template <typename T>
void Append(std::vector<std::byte>* out, T value) {
  out->resize(out->size() + sizeof(T));
  StoreLittle(out->data() + out->size() - sizeof(T), value);
}

// Copies `width` bytes of each element from `in_step` apart to `out_step` apart.
void CopyField(const std::byte* in, std::size_t in_step, std::byte* out, std::size_t out_step,
               std::size_t width, std::size_t elements) {
  for (std::size_t i = 0; i < elements; ++i) {
    std::memcpy(out + i * out_step, in + i * in_step, width);
  }
}

// The planes of a piece, one after the other.
ByteSpan SplitPiece(const PlaneLayout& layout, ByteSpan bytes, Workspace& workspace) {
  if (layout.empty() || (layout.size() == 1 && !layout[0].is_number)) return bytes;
  const MutableByteSpan planes = Room(workspace.plane_bytes, bytes.size());
  const std::size_t unit = ElementBytes(layout);
  const std::size_t elements = bytes.size() / unit;
  std::size_t at = 0, from = 0;
  for (const PlaneField& field : layout) {
    const MutableByteSpan of_field = planes.subspan(at, elements * field.width);
    if (!field.is_number) {
      CopyField(bytes.data() + from, unit, of_field.data(), field.width, field.width, elements);
    } else {
      ByteSpan numbers = bytes;
      if (layout.size() > 1) {
        const MutableByteSpan gathered = Room(workspace.field_bytes, of_field.size());
        CopyField(bytes.data() + from, unit, gathered.data(), field.width, field.width, elements);
        numbers = gathered;
      }
      std::array<MutableByteSpan, 8> split;
      for (std::size_t p = 0; p < field.width; ++p) {
        split[p] = of_field.subspan(p * elements, elements);
      }
      SplitNumbers(numbers, std::span(split).first(field.width));
    }
    at += of_field.size();
    from += field.width;
  }
  return planes;
}

// Appends the plane, compressed where that makes it smaller. Returns its stored size.
std::uint32_t AppendPlane(ByteSpan plane, ZSTD_CCtx* compressor, Workspace& workspace,
                          std::vector<std::byte>* stored) {
  if (!LooksIncompressible(plane)) {
    const MutableByteSpan room = Room(workspace.compressed, ZSTD_compressBound(plane.size()));
    const std::size_t size =
        ZSTD_compress2(compressor, room.data(), room.size(), plane.data(), plane.size());
    HM_CHECK(!ZSTD_isError(size));
    if (size < plane.size()) plane = room.first(size);
  }
  stored->insert(stored->end(), plane.begin(), plane.end());
  return static_cast<std::uint32_t>(plane.size());
}

void EncodePiece(const FramePiece& piece, ByteSpan bytes, Workspace& workspace,
                 std::vector<std::byte>* stored) {
  Append(stored, piece.size);
  Append(stored, static_cast<std::uint8_t>(piece.layout.size() | (piece.base ? kHasBase : 0)));
  for (const PlaneField& field : piece.layout) {
    Append(stored, static_cast<std::uint16_t>(field.width | (field.is_number ? kIsNumber : 0)));
  }
  if (piece.base) {
    Append(stored, piece.base->file);
    Append(stored, piece.base->offset);
  }
  const ByteSpan planes = SplitPiece(piece.layout, bytes, workspace);
  const bool is_general = piece.layout.empty() || piece.base;
  ZSTD_CCtx* const compressor = (is_general ? workspace.general : workspace.planes).get();
  const auto append = [&](ByteSpan plane) {
    const std::size_t size_at = stored->size();
    Append(stored, std::uint32_t{0});
    const std::uint32_t size = AppendPlane(plane, compressor, workspace, stored);
    StoreLittle(stored->data() + size_at, size);
  };
  if (piece.layout.empty()) return append(planes);
  const std::size_t elements = bytes.size() / ElementBytes(piece.layout);
  std::size_t at = 0;
  for (const PlaneField& field : piece.layout) {
    const std::size_t size = elements * field.width / PlanesOf(field);
    for (std::size_t p = 0; p < PlanesOf(field); ++p) {
      append(planes.subspan(at, size));
      at += size;
    }
  }
}

// Takes pieces from a frame until it is used up.
class FrameDecoder {
 public:
  FrameDecoder(ByteSpan stored, const std::string& subject, std::uint64_t offset,
               const ReadBase& read_base)
      : cursor_(stored, subject, offset), read_base_(read_base), workspace_(OfThisThread()) {}

  Result<void> Decode(MutableByteSpan out) {
    while (!out.empty()) {
      const FramePiece piece = HM_TRY(ReadPiece(out.size()));
      const MutableByteSpan bytes = out.first(piece.size);
      HM_TRY(ReadPlanes(piece.layout, bytes));
      if (piece.base) {
        const MutableByteSpan base = Room(workspace_.base_bytes, bytes.size());
        HM_TRY(read_base_(*piece.base, base));
        XorBytes(bytes, base);
      }
      out = out.subspan(piece.size);
    }
    if (cursor_.AtEnd()) return {};
    return cursor_.Malformed(
        fmt::format("{} bytes of a frame belong to no piece of it", cursor_.Remaining()));
  }

 private:
  Result<FramePiece> ReadPiece(std::size_t limit) {
    const std::uint64_t at = cursor_.Offset();
    FramePiece piece;
    piece.size = HM_TRY(cursor_.U32());
    if (piece.size == 0 || piece.size > limit) {
      return cursor_.MalformedAt(
          at, fmt::format("a piece of {} bytes where {} are left of a frame", piece.size, limit));
    }
    const std::uint8_t fields = HM_TRY(cursor_.U8());
    for (int i = 0; i < (fields & ~kHasBase); ++i) {
      const std::uint16_t field = HM_TRY(cursor_.U16());
      piece.layout.push_back(
          {(field & kIsNumber) != 0, static_cast<std::uint16_t>(field & ~kIsNumber)});
      const PlaneField& last = piece.layout.back();
      const bool known =
          last.is_number ? last.width == 2 || last.width == 4 || last.width == 8 : last.width != 0;
      if (!known) return cursor_.MalformedAt(at, "a field of an impossible width");
    }
    if (piece.size % ElementBytes(piece.layout) != 0) {
      return cursor_.MalformedAt(at, fmt::format("a piece of {} bytes with elements of {}",
                                                 piece.size, ElementBytes(piece.layout)));
    }
    if ((fields & kHasBase) != 0) {
      piece.base = BasePlace{HM_TRY(cursor_.U32()), HM_TRY(cursor_.U64())};
    }
    return piece;
  }

  // A plane of out.size() bytes: where it lies, or put into `out`.
  Result<ByteSpan> ReadPlane(MutableByteSpan out) {
    const std::uint64_t at = cursor_.Offset();
    const std::uint32_t size = HM_TRY(cursor_.U32());
    if (size > out.size()) {
      return cursor_.MalformedAt(
          at, fmt::format("a plane of {} bytes is stored in {}", out.size(), size));
    }
    const ByteSpan stored = HM_TRY(cursor_.Take(size));
    if (size == out.size()) return stored;
    const std::size_t made = ZSTD_decompressDCtx(workspace_.decompressor.get(), out.data(),
                                                 out.size(), stored.data(), stored.size());
    if (ZSTD_isError(made)) {
      return cursor_.MalformedAt(
          at, fmt::format("a plane's zstd frame is broken: {}", ZSTD_getErrorName(made)));
    }
    if (made != out.size()) {
      return cursor_.MalformedAt(
          at, fmt::format("a plane of {} bytes decompresses to {}", out.size(), made));
    }
    return out;
  }

  // A plane that is to stand in `out`.
  Result<void> ReadPlaneInto(MutableByteSpan out) {
    const ByteSpan plane = HM_TRY(ReadPlane(out));
    if (plane.data() != out.data()) std::memcpy(out.data(), plane.data(), out.size());
    return {};
  }

  Result<void> ReadPlanes(const PlaneLayout& layout, MutableByteSpan out) {
    if (layout.empty() || (layout.size() == 1 && !layout[0].is_number)) return ReadPlaneInto(out);
    const std::size_t unit = ElementBytes(layout);
    const std::size_t elements = out.size() / unit;
    std::size_t to = 0;
    for (const PlaneField& field : layout) {
      const MutableByteSpan room = Room(workspace_.plane_bytes, elements * field.width);
      if (!field.is_number) {
        const ByteSpan plane = HM_TRY(ReadPlane(room));
        CopyField(plane.data(), field.width, out.data() + to, unit, field.width, elements);
      } else {
        std::array<ByteSpan, 8> planes;
        for (std::size_t p = 0; p < field.width; ++p) {
          planes[p] = HM_TRY(ReadPlane(room.subspan(p * elements, elements)));
        }
        MutableByteSpan numbers = out;
        if (layout.size() > 1) numbers = Room(workspace_.field_bytes, elements * field.width);
        JoinNumbers(std::span(planes).first(field.width), numbers);
        if (layout.size() > 1) {
          CopyField(numbers.data(), field.width, out.data() + to, unit, field.width, elements);
        }
      }
      to += field.width;
    }
    return {};
  }

  ByteCursor cursor_;
  const ReadBase& read_base_;
  Workspace& workspace_;
};

}  // namespace

std::uint64_t ElementBytes(const PlaneLayout& layout) {
  if (layout.empty()) return 1;
  return std::accumulate(
      layout.begin(), layout.end(), std::uint64_t{0},
      [](std::uint64_t sum, const PlaneField& field) { return sum + field.width; });
}

Result<void> EncodeFrame(std::span<const FramePiece> pieces, ByteSpan bytes,
                         const ReadBase& read_base, std::vector<std::byte>* stored) {
  Workspace& workspace = OfThisThread();
  for (const FramePiece& piece : pieces) {
    HM_CHECK(piece.layout.size() <= kMaxFields && piece.size != 0 && piece.size <= bytes.size());
    HM_CHECK(piece.size % ElementBytes(piece.layout) == 0);
    ByteSpan content = bytes.first(piece.size);
    if (piece.base) {
      const MutableByteSpan base = Room(workspace.base_bytes, piece.size);
      HM_TRY(read_base(*piece.base, base));
      const MutableByteSpan changed = Room(workspace.changed, piece.size);
      std::ranges::copy(content, changed.begin());
      XorBytes(changed, base);
      content = changed;
    }
    EncodePiece(piece, content, workspace, stored);
    bytes = bytes.subspan(piece.size);
  }
  HM_CHECK(bytes.empty());
  return {};
}

Result<void> DecodeFrame(ByteSpan stored, const std::string& subject, std::uint64_t offset,
                         const ReadBase& read_base, MutableByteSpan out) {
  return FrameDecoder(stored, subject, offset, read_base).Decode(out);
}

std::uint64_t FrameCheck(ByteSpan bytes) {
  Xxh64 check;
  check.Update(bytes);
  return check.Finish();
}

}  // namespace hallmark
