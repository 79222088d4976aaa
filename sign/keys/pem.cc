#include "sign/keys/pem.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "src/base/base64.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxBlocks = 1000;
constexpr std::size_t kColumns = 64;
constexpr std::string_view kBegin = "-----BEGIN ", kEnd = "-----END ", kDashes = "-----";

std::string WithoutSpace(std::string_view text) {
  std::string digits(text);
  std::erase_if(digits, [](char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; });
  return digits;
}

}  // namespace

Result<std::vector<PemBlock>> ReadPem(std::string_view text, const std::string& subject) {
  std::vector<PemBlock> blocks;
  for (std::size_t at = text.find(kBegin); at != std::string_view::npos;
       at = text.find(kBegin, at)) {
    const auto malformed = [&](std::string_view what) {
      return Error{Errc::kMalformed, subject, fmt::format("a PEM block {}", what), at};
    };
    if (blocks.size() == kMaxBlocks) return malformed("too many");
    const std::string_view line = text.substr(at, text.find_first_of("\r\n", at) - at);
    if (line.size() < kBegin.size() + kDashes.size() || !line.ends_with(kDashes)) {
      return malformed("whose first line is broken");
    }
    const std::string label(line.substr(kBegin.size(), line.size() - kBegin.size() - 5));
    const std::string last = fmt::format("{}{}{}", kEnd, label, kDashes);
    const std::size_t begin = at + line.size();
    const std::size_t end = text.find(last, begin);
    if (end == std::string_view::npos) return malformed("without an end");
    const auto der = FromBase64(WithoutSpace(text.substr(begin, end - begin)));
    if (!der) return malformed("that is not base64");
    blocks.push_back({label, *der});
    at = end + last.size();
  }
  return blocks;
}

std::string WritePem(std::string_view label, std::string_view der) {
  std::string text = fmt::format("{}{}{}\n", kBegin, label, kDashes);
  const std::string digits = ToBase64(der);
  for (std::size_t at = 0; at < digits.size(); at += kColumns) {
    text.append(digits, at, kColumns).push_back('\n');
  }
  return text + fmt::format("{}{}{}\n", kEnd, label, kDashes);
}

}  // namespace hallmark
