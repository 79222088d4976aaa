#include "formats/foreign.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "formats/zip.h"

namespace hallmark {
namespace {

using namespace std::string_view_literals;

constexpr const char* kUnpackHint = "unpack it and give the files inside";
constexpr const char* kConvertHint = "convert it to safetensors with the tool that made it";

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  std::string_view what;
  std::string_view hint;
};

// The first that fits wins, so longer ones stand first.
constexpr std::array kMagics = {
    Magic{0, "\x1f\x8b"sv, "a gzip archive", kUnpackHint},
    Magic{0, "\x28\xb5\x2f\xfd"sv, "a Zstandard archive", kUnpackHint},
    Magic{0,
          "\xfd"
          "7zXZ\0"sv,
          "an xz archive", kUnpackHint},
    Magic{0, "7z\xbc\xaf\x27\x1c"sv, "a 7z archive", kUnpackHint},
    Magic{4, "1AY&SY"sv, "a bzip2 archive", kUnpackHint},
    Magic{0, "\x04\x22\x4d\x18"sv, "an LZ4 archive", kUnpackHint},
    Magic{0, "Rar!\x1a\x07"sv, "a RAR archive", kUnpackHint},
    Magic{257, "ustar"sv, "a tar archive", kUnpackHint},
    Magic{0, "PK\x05\x06"sv, "an empty zip archive", ""},
    Magic{0, "%PDF-"sv, "a PDF document", ""},
    Magic{0,
          "\x7f"
          "ELF"sv,
          "an ELF program", ""},
    Magic{0, "MZ\x90\0"sv, "a Windows program", ""},
    Magic{0, "\xcf\xfa\xed\xfe"sv, "a macOS program", ""},
    Magic{0, "\x89PNG\r\n\x1a\n"sv, "a PNG image", ""},
    Magic{0, "\xff\xd8\xff"sv, "a JPEG image", ""},
    Magic{0, "SQLite format 3\0"sv, "an SQLite database", ""},
    Magic{0, "PAR1"sv, "a Parquet file", ""},
    Magic{4, "TFL3"sv, "a TensorFlow Lite model", kConvertHint},
    Magic{0, "\x89HDF\r\n\x1a\n"sv, "an HDF5 file (Keras keeps weights in those)", kConvertHint},
    Magic{0, "algg"sv, "a legacy GGML LoRA adapter (ggla)", "give the model it adapts"},
    Magic{0, "nsgg"sv, "a llama.cpp session (ggsn)", "give the model it was made with"},
};

std::uint8_t ByteAt(const FileHead& head, std::size_t index) {
  return std::to_integer<std::uint8_t>(head.bytes[index]);
}

ForeignKind RecogniseZeros(const FileHead& head) {
  if (!std::all_of(head.bytes.begin(), head.bytes.end(),
                   [](std::byte byte) { return byte == std::byte{0}; })) {
    return {};
  }
  return {fmt::format("nothing but zeros in its first {} bytes", head.bytes.size()),
          "the space was reserved, but the download has not filled it; finish or repeat it",
          Errc::kMalformed};
}

// Zip archives that no reader took.
ForeignKind RecogniseZip(const FileHead& head) {
  if (!SniffZip(head.bytes)) return {};
  return {"a zip archive", kUnpackHint};
}

// aria2 1.37, "Control file (*.aria2) format": version, extension, info hash, then piece length,
// total length, upload length and the bit field, big-endian in version 1.
ForeignKind RecogniseAria2(const FileHead& head) {
  static constexpr std::size_t kInfoHashLength = 6;
  static constexpr std::size_t kInfoHash = 10;
  if (head.bytes.size() < kInfoHash) return {};
  const auto version = LoadBig<std::uint16_t>(head.bytes.data());
  const auto extension = LoadBig<std::uint32_t>(head.bytes.data() + 2);
  if (version > 1 || extension > 1) return {};
  const bool big = version == 1;
  const std::byte* length_at = head.bytes.data() + kInfoHashLength;
  const auto hash = big ? LoadBig<std::uint32_t>(length_at) : LoadLittle<std::uint32_t>(length_at);
  if (hash != 0 && hash != 20) return {};
  if (head.bytes.size() < kInfoHash + hash + 24) return {};
  const std::byte* at = head.bytes.data() + kInfoHash + hash;
  const auto piece = big ? LoadBig<std::uint32_t>(at) : LoadLittle<std::uint32_t>(at);
  const auto total = big ? LoadBig<std::uint64_t>(at + 4) : LoadLittle<std::uint64_t>(at + 4);
  const auto field = big ? LoadBig<std::uint32_t>(at + 20) : LoadLittle<std::uint32_t>(at + 20);
  if (piece == 0 || total == 0) return {};
  const std::uint64_t pieces = total / piece + (total % piece != 0);
  if (field != pieces / 8 + (pieces % 8 != 0)) return {};
  return {fmt::format("aria2's control file of an unfinished download of {} bytes", total),
          "the weights are in the file of the same name without .aria2; let aria2 finish it"};
}

// Bencoding: a dictionary whose first key is a length-prefixed word (BEP 3).
ForeignKind RecogniseTorrent(const FileHead& head) {
  const std::string_view text = AsText(head.bytes);
  if (!text.starts_with('d')) return {};
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon < 2 || colon > 3) return {};
  if (text.find_first_not_of("0123456789", 1) != colon) return {};
  for (const std::string_view key : {"8:announce", "13:announce-list", "4:info", "5:nodes",
                                     "10:created by", "13:creation date", "7:comment"}) {
    if (text.substr(1).starts_with(key)) {
      return {"a torrent file", "give the files it downloads, and the torrent as --against"};
    }
  }
  return {};
}

// Reads one field of a protocol buffer at `at`: its key byte must be `key` and its length must fit
// in one byte. Returns its content and moves `at` behind it.
std::optional<std::string_view> ShortField(std::string_view text, std::size_t& at, char key) {
  if (at + 2 > text.size() || text[at] != key) return std::nullopt;
  const auto length = static_cast<unsigned char>(text[at + 1]);
  if (length >= 0x80 || length > text.size() - at - 2) return std::nullopt;
  const std::string_view content = text.substr(at + 2, length);
  at += 2 + length;
  return content;
}

// ModelProto of sentencepiece_model.proto: pieces = 1 {piece = 1, score = 2 (float)}.
ForeignKind RecogniseSentencePiece(const FileHead& head) {
  const std::string_view text = AsText(head.bytes);
  std::size_t at = 0;
  for (int piece = 0; piece < 3; ++piece) {
    const auto content = ShortField(text, at, '\x0a');
    if (!content) return {};
    std::size_t inner = 0;
    if (!ShortField(*content, inner, '\x0a')) return {};
    if (inner >= content->size() || (*content)[inner] != '\x15') return {};
  }
  return {"a SentencePiece tokenizer", "give the weights that lie beside it"};
}

ForeignKind RecognisePickle(const FileHead& head) {
  if (head.bytes.size() < 3 || ByteAt(head, 0) != 0x80) return {};
  if (ByteAt(head, 1) < 2 || ByteAt(head, 1) > 5) return {};
  return {"a Python pickle that is no PyTorch checkpoint",
          "do not load it: unpickling runs whatever code it names"};
}

}  // namespace

ForeignKind RecogniseForeign(const FileHead& head) {
  if (head.size == 0) {
    return {"an empty file", "download it again", Errc::kMalformed};
  }
  for (const Magic& magic : kMagics) {
    if (magic.offset > head.bytes.size()) continue;
    if (AsText(head.bytes).substr(magic.offset).starts_with(magic.bytes)) {
      return {std::string(magic.what), std::string(magic.hint)};
    }
  }
  for (const auto recognise : {RecogniseZeros, RecogniseZip, RecogniseAria2, RecogniseTorrent,
                               RecogniseSentencePiece, RecognisePickle, RecogniseForeignText}) {
    if (ForeignKind kind = recognise(head); !kind.what.empty()) return kind;
  }
  return {};
}

}  // namespace hallmark
