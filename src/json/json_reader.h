// The one strict JSON reader (RFC 8259 over UTF-8): duplicate keys are refused, depth and size
// are capped, trailing bytes are an error. simdjson does the parsing and is seen only in the .cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace hallmark {

struct JsonMember;

// A value inside a JsonDocument, which must outlive it; cheap to copy, safe to share.
class JsonValue {
 public:
  enum class Kind { kNull, kBool, kInteger, kFloat, kString, kArray, kObject };

  Kind GetKind() const;
  bool IsObject() const { return GetKind() == Kind::kObject; }
  bool IsArray() const { return GetKind() == Kind::kArray; }

  // nullopt when the value is of another kind or out of range.
  std::optional<bool> AsBool() const;
  std::optional<std::uint64_t> AsU64() const;
  std::optional<double> AsDouble() const;  // integers too
  std::optional<std::string_view> AsString() const;

  // In document order; empty for other kinds.
  std::vector<JsonValue> Items() const;
  std::vector<JsonMember> Members() const;
  std::optional<JsonValue> Find(std::string_view key) const;

 private:
  friend class JsonDocument;
  friend struct JsonAccess;
  alignas(8) std::array<std::byte, 16> raw_;  // a simdjson::dom::element
};

struct JsonMember {
  std::string_view key;
  JsonValue value;
};

struct JsonLimits {
  std::uint64_t max_bytes = 100'000'000;
  std::size_t max_depth = 64;
};

// Owns a parsed text. Movable; values stay valid when it moves. Immutable after parsing.
class JsonDocument {
 public:
  // `subject` and `base` (offset of text[0] in subject) are for messages. A leading UTF-8 byte
  // order mark is skipped.
  // Errors: kMalformed (syntax, duplicate key, bad UTF-8, too deep), kUnsupported (too large).
  static Result<JsonDocument> Parse(std::string_view text, std::string subject,
                                    std::uint64_t base = 0, JsonLimits limits = {});
  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  ~JsonDocument();

  JsonValue Root() const { return root_; }
  const std::string& Subject() const { return subject_; }

 private:
  struct Parsed;
  JsonDocument();

  std::unique_ptr<Parsed> parsed_;
  std::string subject_;
  JsonValue root_;
};

}  // namespace hallmark
