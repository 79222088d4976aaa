#include "sign/keys/ssh_wire.h"

#include <array>

namespace hallmark {

Result<std::string_view> TakeSshString(ByteCursor& cursor) {
  const std::uint32_t size = HM_TRY(cursor.Big<std::uint32_t>());
  return cursor.TakeText(size);
}

void AppendSshString(std::string& out, std::string_view text) {
  std::array<std::byte, 4> size;
  StoreBig(size.data(), static_cast<std::uint32_t>(text.size()));
  out += AsText(size);
  out += text;
}

Result<std::string_view> TakeSshPositive(ByteCursor& cursor, std::size_t max_bytes) {
  const std::string_view number = HM_TRY(TakeSshString(cursor));
  const auto top = [&](std::size_t i) {
    return (static_cast<unsigned char>(number[i]) & 0x80) != 0;
  };
  if (number.empty() || number.size() > max_bytes || top(0) ||
      (number[0] == 0 && (number.size() == 1 || !top(1)))) {
    return cursor.Malformed("a number that is not positive, too large, or not in its one form");
  }
  return number;
}

std::string Der(unsigned char tag, std::string_view content) {
  std::string der(1, static_cast<char>(tag));
  if (content.size() >= 256) {
    der += '\x82';
    der += static_cast<char>(content.size() >> 8);
  } else if (content.size() >= 128) {
    der += '\x81';
  }
  der += static_cast<char>(content.size());
  der += content;
  return der;
}

}  // namespace hallmark
