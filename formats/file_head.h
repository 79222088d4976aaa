// The start of a file: what sniffing looks at.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/io/file.h"

namespace hallmark {

inline constexpr std::uint64_t kHeadBytes = 4096;

struct FileHead {
  ByteSpan bytes;      // the first min(size, kHeadBytes) bytes
  std::uint64_t size;  // of the whole file
};

// The bytes a FileHead of `file` looks at.
inline Result<std::vector<std::byte>> ReadHead(const File& file) {
  std::vector<std::byte> bytes(std::min(file.Size(), kHeadBytes));
  HM_TRY(file.Read(0, bytes));
  return bytes;
}

// Whether the head begins with these bytes.
inline bool HeadStartsWith(const FileHead& head, std::string_view magic) {
  return AsText(head.bytes).starts_with(magic);
}

}  // namespace hallmark
