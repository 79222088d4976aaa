#include "verify/sources/bencode.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace hallmark {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxValues = 2'000'000;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<BencodeValue> ParseAll() {
    BencodeValue value = HM_TRY(ParseValue(0));
    if (at_ != text_.size()) return Malformed("bytes after the end");
    return value;
  }

 private:
  Error Malformed(std::string_view message) const {
    return {Errc::kMalformed, "", fmt::format("bencode: {}", message), at_};
  }

  Result<BencodeValue> ParseValue(int depth) {
    if (depth > kMaxDepth) return Malformed(fmt::format("nested deeper than {}", kMaxDepth));
    if (++values_ > kMaxValues) {
      return Error{Errc::kUnsupported, "", fmt::format("bencode: more than {} values", kMaxValues),
                   at_};
    }
    if (at_ == text_.size()) return Malformed("cut short");
    BencodeValue value;
    value.offset = at_;
    switch (text_[at_]) {
      case 'i':
        ++at_;
        value.kind = BencodeValue::Kind::kInteger;
        value.integer = HM_TRY(TakeInteger('e'));
        return value;
      case 'l':
      case 'd':
        value.kind =
            text_[at_++] == 'l' ? BencodeValue::Kind::kList : BencodeValue::Kind::kDictionary;
        HM_TRY(ParseItems(depth, value));
        return value;
      default:
        value.kind = BencodeValue::Kind::kText;
        value.text = HM_TRY(TakeText());
        return value;
    }
  }

  Result<void> ParseItems(int depth, BencodeValue& parent) {
    while (at_ < text_.size() && text_[at_] != 'e') {
      std::string_view key;
      if (parent.kind == BencodeValue::Kind::kDictionary) {
        key = HM_TRY(TakeText());
        if (!parent.items.empty() && key <= parent.items.back().key) {
          return Malformed("keys out of order, or one twice");
        }
      }
      parent.items.push_back(HM_TRY(ParseValue(depth + 1)));
      parent.items.back().key = key;
    }
    if (at_ == text_.size()) return Malformed("cut short");
    ++at_;
    return {};
  }

  // Digits up to `end`, which is consumed: no leading zero, no "-0", no plus sign.
  Result<std::int64_t> TakeInteger(char end) {
    const std::string_view rest = text_.substr(at_, 21);
    std::int64_t value = 0;
    const auto [stop, code] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    const std::string_view digits = rest.substr(0, static_cast<std::size_t>(stop - rest.data()));
    const bool plain = digits == "0" || (!digits.starts_with('0') && !digits.starts_with("-0"));
    if (code != std::errc() || !plain || digits.size() == rest.size() ||
        rest[digits.size()] != end) {
      return Malformed("not a number in its shortest form");
    }
    at_ += digits.size() + 1;
    return value;
  }

  Result<std::string_view> TakeText() {
    const std::int64_t size = HM_TRY(TakeInteger(':'));
    if (size < 0 || static_cast<std::uint64_t>(size) > text_.size() - at_) {
      return Malformed(fmt::format("a text of {} bytes, {} are left", size, text_.size() - at_));
    }
    const std::string_view text = text_.substr(at_, static_cast<std::size_t>(size));
    at_ += text.size();
    return text;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t values_ = 0;
};

}  // namespace

const BencodeValue* BencodeValue::Find(std::string_view wanted, Kind of_kind) const {
  if (kind != Kind::kDictionary) return nullptr;
  const auto found = std::ranges::lower_bound(items, wanted, {}, &BencodeValue::key);
  if (found == items.end() || found->key != wanted || found->kind != of_kind) return nullptr;
  return &*found;
}

Result<BencodeValue> ParseBencode(std::string_view text) { return Parser(text).ParseAll(); }

}  // namespace hallmark
