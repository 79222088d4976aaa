#include "formats/protobuf.h"

#include <fmt/format.h>

namespace hallmark {

Result<std::uint64_t> ReadVarint(ByteCursor& cursor) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = HM_TRY(cursor.U8());
    if (shift == 63 && byte > 1) break;
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
  return cursor.Malformed("a number of more than 64 bits");
}

Result<ProtobufField> ProtobufMessage::Next() {
  HM_TRY(cursor_.Skip(next_ - cursor_.Offset()));
  ProtobufField field;
  field.offset = next_;
  const std::uint64_t key = HM_TRY(ReadVarint(cursor_));
  const std::uint64_t number = key >> 3;
  if (number == 0 || number >= std::uint64_t{1} << 29) {
    return cursor_.MalformedAt(next_, fmt::format("{} is no field number", number));
  }
  field.number = static_cast<std::uint32_t>(number);
  std::uint64_t size = 0;
  switch (key & 7) {
    case 0:
      field.type = WireType::kVarint;
      field.value = HM_TRY(ReadVarint(cursor_));
      break;
    case 1:
      field.type = WireType::kFixed64;
      size = 8;
      break;
    case 2:
      field.type = WireType::kBytes;
      size = HM_TRY(ReadVarint(cursor_));
      break;
    case 5:
      field.type = WireType::kFixed32;
      size = 4;
      break;
    case 3:
    case 4:
      return Error{Errc::kUnsupported, cursor_.Subject(), "a group, which no writer uses any more",
                   next_};
    default:
      return cursor_.MalformedAt(next_, fmt::format("{} is no wire type", key & 7));
  }
  const std::uint64_t begin = cursor_.Offset();
  if (begin > end_ || size > end_ - begin) {
    Error error =
        cursor_.MalformedAt(next_, fmt::format("a field of {} bytes, its message has {} left", size,
                                               begin > end_ ? 0 : end_ - begin));
    error.hint = "the file looks truncated; compare its size with the official listing";
    return error;
  }
  field.content = {begin, size};
  next_ = begin + size;
  return field;
}

Result<void> ProtobufMessage::Once(const ProtobufField& field, WireType type,
                                   std::string_view what) {
  if (field.type != type) return Malformed(field, fmt::format("{} is of another wire type", what));
  const std::uint64_t bit = std::uint64_t{1} << field.number;
  if ((seen_ & bit) != 0) return Malformed(field, fmt::format("{} stands twice", what));
  seen_ |= bit;
  return {};
}

Result<std::string> ProtobufMessage::Text(const ProtobufField& field, std::uint64_t limit,
                                          std::string_view what) {
  if (field.type != WireType::kBytes) {
    return Malformed(field, fmt::format("{} is of another wire type", what));
  }
  if (field.content.size > limit) {
    return Malformed(field,
                     fmt::format("{} of {} bytes, limit {}", what, field.content.size, limit));
  }
  return std::string(HM_TRY(cursor_.TakeText(field.content.size)));
}

}  // namespace hallmark
