// The wire format of protocol buffers (protobuf.dev, "Encoding"), read field by field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "src/base/byte_cursor.h"

namespace hallmark {

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct ProtobufField {
  std::uint32_t number = 0;
  WireType type = WireType::kVarint;
  std::uint64_t value = 0;   // of a varint
  ByteRange content;         // of all others: where the value lies
  std::uint64_t offset = 0;  // of the key
};

// Seven bits a byte, least significant first. kMalformed beyond 64 bits.
Result<std::uint64_t> ReadVarint(ByteCursor& cursor);

// Walks over the fields of the message that begins at the cursor. What a caller leaves of a field's
// content is skipped; nested messages are read by a ProtobufMessage of their own on the same
// cursor.
class ProtobufMessage {
 public:
  // `end`: absolute, where the message ends.
  ProtobufMessage(ByteCursor& cursor, std::uint64_t end)
      : cursor_(cursor), next_(cursor.Offset()), end_(end) {}

  bool AtEnd() const { return next_ == end_; }
  // The next field, not AtEnd; the cursor is then at its content. kMalformed: a number or type that
  // is none, a field that ends beyond the message. Groups, long deprecated, are kUnsupported.
  Result<ProtobufField> Next();

  // For a field below 64 that may stand once: readers that follow the rules of proto3 would take
  // the last of several, or merge them. kMalformed if it is of another type or stood before.
  Result<void> Once(const ProtobufField& field, WireType type, std::string_view what);
  // Its content, with the cursor there; kMalformed beyond `limit` bytes or if it is no text.
  Result<std::string> Text(const ProtobufField& field, std::uint64_t limit, std::string_view what);
  bool Saw(std::uint32_t number) const { return (seen_ >> number & 1) != 0; }  // by Once
  Error Malformed(const ProtobufField& field, std::string message) const {
    return cursor_.MalformedAt(field.offset, std::move(message));
  }

 private:
  ByteCursor& cursor_;
  std::uint64_t next_;  // where the next field begins
  std::uint64_t end_;
  std::uint64_t seen_ = 0;  // a bit a number
};

}  // namespace hallmark
