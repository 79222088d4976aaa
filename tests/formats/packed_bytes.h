// Packed files by hand, as docs/formats/packed.md draws them.
#pragma once

#include <string>
#include <vector>

#include "src/hash/hasher.h"
#include "tests/support/test_support.h"

namespace hallmark {

inline std::string Xxh64Of(std::string_view bytes) {
  const Digest digest = HashBytes(Algorithm::kXxh64, AsBytes(bytes));
  return Le64(LoadBig<std::uint64_t>(digest.Bytes().data()));
}

// A frame of one piece without structure, stored as it is.
inline std::string StoredFrame(std::string_view bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  return Le32(size) + std::string(1, '\0') + Le32(size) + std::string(bytes);
}

struct HandMember {
  std::string path;
  std::string bytes;  // at most one frame
  std::string frame = StoredFrame(bytes);
  std::uint64_t size = bytes.size();
  std::string root = std::string(AsText(HashBytes(Algorithm::kTree, AsBytes(bytes)).Bytes()));
};

struct HandPacked {
  std::vector<HandMember> members;
  std::string header = std::string("\x89HMZ\r\n\x1a\n") + Le32(1) + Le32(0);
  std::string bases = Le32(0);
  std::string behind_index = {};
  std::uint64_t index_off_by = 0;

  static std::string File(std::string_view path, std::uint64_t size, std::string_view root) {
    return Le16(static_cast<std::uint16_t>(path.size())) + std::string(path) + Le64(size) +
           std::string(root);
  }

  std::string Bytes() const {
    std::string file = header;
    std::string index = bases + Le32(static_cast<std::uint32_t>(members.size()));
    for (const HandMember& member : members) {
      index += File(member.path, member.size, member.root);
      if (member.frame.empty()) continue;
      index += Le32(static_cast<std::uint32_t>(member.frame.size())) + Xxh64Of(member.frame);
      file += member.frame;
    }
    index += behind_index;
    const std::uint64_t offset = file.size() + index_off_by;
    return file + index + Le64(offset) + Le64(index.size()) + Xxh64Of(index) + "\x89HMZend\n";
  }
};

}  // namespace hallmark
