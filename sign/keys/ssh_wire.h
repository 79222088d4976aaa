// How SSH writes strings and numbers (RFC 4251, section 5).
#pragma once

#include <string>
#include <string_view>

#include "src/base/byte_cursor.h"

namespace hallmark {

// A string: its length as a big-endian u32, then its bytes. Views what the cursor looks at.
Result<std::string_view> TakeSshString(ByteCursor& cursor);
void AppendSshString(std::string& out, std::string_view text);

// An mpint above 0 of at most `max_bytes`, in its one form: as two's complement, without needless
// leading zeros; the content of an ASN.1 INTEGER.
Result<std::string_view> TakeSshPositive(ByteCursor& cursor, std::size_t max_bytes);

// Type, length and content in DER (X.690); `content` has at most 65535 bytes.
std::string Der(unsigned char tag, std::string_view content);
inline constexpr unsigned char kDerInteger = 0x02, kDerBitString = 0x03, kDerSequence = 0x30;

}  // namespace hallmark
