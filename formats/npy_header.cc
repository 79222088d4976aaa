#include "formats/npy_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "formats/tensor_layout.h"
#include "src/base/byte_cursor.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kMaxHeader = 10'000;  // numpy's own limit (max_header_size)
constexpr int kMaxDepth = 16;                 // of the literal that describes a structure

struct ArrayType {
  std::string_view type;  // without the byte order
  Dtype dtype;
};

// The array protocol's kinds and sizes. numpy itself has no name for the last two. V2 with a byte
// order is bfloat16: ml_dtypes and mlx write it so, and numpy writes its own void types with "|".
// f1 is ml_dtypes' float8_e5m2, the one of its types of a byte that is of kind f.
constexpr std::array kTypes = {
    ArrayType{"b1", Dtype::kBool},   ArrayType{"i1", Dtype::kI8},    ArrayType{"u1", Dtype::kU8},
    ArrayType{"i2", Dtype::kI16},    ArrayType{"u2", Dtype::kU16},   ArrayType{"i4", Dtype::kI32},
    ArrayType{"u4", Dtype::kU32},    ArrayType{"i8", Dtype::kI64},   ArrayType{"u8", Dtype::kU64},
    ArrayType{"f2", Dtype::kF16},    ArrayType{"f4", Dtype::kF32},   ArrayType{"f8", Dtype::kF64},
    ArrayType{"c8", Dtype::kC64},    ArrayType{"c16", Dtype::kC128}, ArrayType{"V2", Dtype::kBf16},
    ArrayType{"f1", Dtype::kF8E5m2},
};

// The type that `text` names whatever machine reads it.
void SetType(std::string_view text, NpyHeader& header) {
  header.type = text;
  header.may_hold_objects =
      text.find('O') != std::string_view::npos || text.find("object") != std::string_view::npos;
  if (text.size() < 3) return;
  const char order = text[0];
  const auto row = std::ranges::find(kTypes, text.substr(1), &ArrayType::type);
  if (row == kTypes.end()) return;
  const bool has_order = order == '<' || order == '>';
  const bool needs_order = InfoOf(row->dtype).component_bytes > 1;
  if (!has_order && (needs_order || order != '|')) return;
  header.dtype = row->dtype;
  header.is_big_endian = needs_order && order == '>';
}

// A strict part of what Python's ast.literal_eval takes: what numpy writes, and mlx.
class Parser {
 public:
  Parser(std::string_view text, std::uint64_t offset, NpyHeader& header)
      : text_(text), offset_(offset), header_(header) {}

  Result<void> Run() {
    bool has_type = false, has_order = false, has_shape = false;
    HM_TRY(Expect('{'));
    while (!Take('}')) {
      const std::size_t at = at_;
      const std::string_view key = HM_TRY(Text());
      HM_TRY(Expect(':'));
      bool* const seen = key == "descr"           ? &has_type
                         : key == "fortran_order" ? &has_order
                         : key == "shape"         ? &has_shape
                                                  : nullptr;
      if (seen == nullptr) {
        return Malformed(fmt::format("the key {} is none of an array's", EscapeForPeople(key)), at);
      }
      if (*seen) return Malformed(fmt::format("the key {} stands twice", key), at);
      *seen = true;
      HM_TRY(seen == &has_type ? Type() : seen == &has_order ? Order() : Dimensions());
      if (Take('}')) break;
      HM_TRY(Expect(','));
    }
    SkipSpace();
    if (at_ != text_.size()) return Malformed("more than the dictionary", at_);
    if (has_type && has_order && has_shape) return {};
    return Malformed("the dictionary lacks descr, fortran_order or shape", at_);
  }

 private:
  Error Malformed(std::string message, std::size_t at) const {
    return Error{Errc::kMalformed, "", "in the header: " + std::move(message), offset_ + at};
  }

  void SkipSpace() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }
  bool Take(char c) {
    SkipSpace();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  Result<void> Expect(char c) {
    if (Take(c)) return {};
    return Malformed(fmt::format("{} is missing", c), at_);
  }
  bool TakeWord(std::string_view word) {
    SkipSpace();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  // Without escapes, which no key or type needs.
  Result<std::string_view> Text() {
    SkipSpace();
    const std::size_t begin = at_ + 1;
    if (at_ == text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) {
      return Malformed("a text is missing", at_);
    }
    const std::size_t end = text_.find(text_[at_], begin);
    const std::string_view inside = text_.substr(begin, end - begin);
    if (end == std::string_view::npos || inside.find_first_of("\\\n") != std::string_view::npos) {
      return Malformed("a text that does not end, or has escapes", at_);
    }
    at_ = end + 1;
    return inside;
  }

  // Without a sign. Python 2 wrote an L behind long ones, which numpy drops up to version 2.
  Result<std::uint64_t> Number() {
    SkipSpace();
    std::uint64_t value = 0;
    const char* const begin = text_.data() + at_;
    const auto [end, failure] = std::from_chars(begin, text_.data() + text_.size(), value);
    const bool has_zeros = end - begin > 1 && *begin == '0';
    if (failure != std::errc() || has_zeros) {
      return Malformed("a number from 0 to 2^64 - 1 is missing", at_);
    }
    at_ += static_cast<std::size_t>(end - begin);
    if (header_.version < 3) TakeWord("L");
    return value;
  }

  // A text names a type; a list or tuple of more describes a structure.
  Result<void> Type() {
    SkipSpace();
    const std::size_t begin = at_;
    if (at_ < text_.size() && (text_[at_] == '[' || text_[at_] == '(')) {
      HM_TRY(SkipLiteral(0));
      SetType(text_.substr(begin, at_ - begin), header_);
      return {};
    }
    SetType(HM_TRY(Text()), header_);
    return {};
  }

  Result<void> SkipLiteral(int depth) {
    if (depth > kMaxDepth) return Malformed("a type nested too deep", at_);
    for (const auto& [open, close] : {std::pair('[', ']'), std::pair('(', ')')}) {
      if (!Take(open)) continue;
      while (!Take(close)) {
        HM_TRY(SkipLiteral(depth + 1));
        if (Take(close)) break;
        HM_TRY(Expect(','));
      }
      return {};
    }
    SkipSpace();
    if (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      HM_TRY(Number());
    } else {
      HM_TRY(Text());
    }
    return {};
  }

  Result<void> Order() {
    header_.is_fortran = TakeWord("True");
    if (header_.is_fortran || TakeWord("False")) return {};
    return Malformed("fortran_order is neither True nor False", at_);
  }

  Result<void> Dimensions() {
    const std::size_t begin = at_;
    HM_TRY(Expect('('));
    bool has_comma = true;
    while (!Take(')')) {
      if (!has_comma) return Malformed(", is missing", at_);
      if (header_.shape.size() == kNpyMostDimensions) {
        return Malformed(fmt::format("more than {} dimensions", kNpyMostDimensions), begin);
      }
      header_.shape.push_back(HM_TRY(Number()));
      has_comma = Take(',');
    }
    if (header_.shape.size() == 1 && !has_comma) return Malformed("the shape is no tuple", begin);
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint64_t offset_;  // of the text
  NpyHeader& header_;
};

}  // namespace

bool NpyHeader::HoldsTexts() const {
  std::string_view rest = type;
  if (!rest.empty() && std::string_view("<>|=").find(rest[0]) != std::string_view::npos) {
    rest.remove_prefix(1);
  }
  return (rest.starts_with('S') || rest.starts_with('U')) &&
         rest.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

Result<NpyHeader> ReadNpyHeader(const BlockSource& array) {
  // Version and length behind the magic: two bytes and a u16, from version 2 on a u32.
  std::array<std::byte, 12> start{};
  const std::uint64_t have = std::min<std::uint64_t>(array.Size(), start.size());
  HM_TRY(array.Read(0, MutableByteSpan(start).first(have)));
  if (!AsText(ByteSpan(start)).starts_with(kNpyMagic)) {
    return Error{Errc::kMalformed, "", "this is no numpy array: it does not begin with \\x93NUMPY",
                 0};
  }
  NpyHeader header;
  ByteCursor cursor(ByteSpan(start).first(have), "");
  HM_TRY(cursor.Skip(kNpyMagic.size()));
  header.version = HM_TRY(cursor.U8());
  const unsigned minor = HM_TRY(cursor.U8());
  if (header.version < 1 || header.version > 3 || minor != 0) {
    return Error{
        Errc::kUnsupported, "",
        fmt::format("version {}.{} of numpy's format, known are 1.0 to 3.0", header.version, minor),
        kNpyMagic.size()};
  }
  std::uint64_t length = 0;
  if (header.version == 1) {
    length = HM_TRY(cursor.U16());
  } else {
    length = HM_TRY(cursor.U32());
  }
  const std::uint64_t at = cursor.Offset();
  if (length > array.Size() - at) {
    return Error{Errc::kMalformed, "",
                 fmt::format("header length {} exceeds the {} bytes that follow it", length,
                             array.Size() - at),
                 8, kTruncatedHint};
  }
  if (length > kMaxHeader) {
    return Error{Errc::kUnsupported, "",
                 fmt::format("header length {}, limit {}", length, kMaxHeader), 8};
  }
  std::string text(length, '\0');
  HM_TRY(array.Read(at, {reinterpret_cast<std::byte*>(text.data()), text.size()}));
  HM_TRY(Parser(text, at, header).Run());
  header.data_offset = at + length;
  return header;
}

std::optional<std::string> NpyTypeOf(Dtype dtype) {
  const auto row = std::ranges::find(kTypes, dtype, &ArrayType::dtype);
  if (row == kTypes.end() || dtype == Dtype::kF8E5m2) return std::nullopt;
  return fmt::format("{}{}", InfoOf(dtype).component_bytes > 1 ? '<' : '|', row->type);
}

std::string WhyNoDtype(const NpyHeader& header) {
  const std::string_view type = header.type;
  if (type == "|O") return "an array of Python objects, which is a pickle";
  if (type.starts_with('[') || type.starts_with('(')) {
    return "an array of structures: " + QuoteName(type);
  }
  if (type == "<V1" || type == ">V1") {
    return "'<V1' is what numpy writes for any of ml_dtypes' types of one byte: which, is not said";
  }
  if (type == "|V2" || type == "|V1") {
    return fmt::format(
        "'{}' is bytes without a meaning; bfloat16 or float8 that were loaded and saved "
        "without ml_dtypes end so",
        type);
  }
  return fmt::format("elements of type {}", QuoteName(type));
}

}  // namespace hallmark
