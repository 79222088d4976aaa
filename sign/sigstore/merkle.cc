#include "sign/sigstore/merkle.h"

#include "src/hash/hasher.h"

namespace hallmark {
namespace {

std::string Sha256(char prefix, std::string_view first, std::string_view second) {
  const auto hasher = MakeHasher(Algorithm::kSha256);
  hasher->Update(AsBytes({&prefix, 1}));
  hasher->Update(AsBytes(first));
  hasher->Update(AsBytes(second));
  return std::string(AsText(hasher->Finish().Bytes()));
}

}  // namespace

bool IsIncluded(std::string_view leaf, std::uint64_t index, std::uint64_t size,
                std::span<const std::string> hashes, std::string_view root) {
  if (index >= size) return false;
  std::string hash = Sha256('\x00', leaf, "");
  std::uint64_t node = index, last = size - 1;  // of one level, counted from its left
  for (const std::string& sibling : hashes) {
    if (last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      hash = Sha256('\x01', sibling, hash);
      // The last node of a level has no sibling there until it is a right child.
      while ((node & 1) == 0 && node != 0) node >>= 1, last >>= 1;
    } else {
      hash = Sha256('\x01', hash, sibling);
    }
    node >>= 1, last >>= 1;
  }
  return last == 0 && hash == root;
}

}  // namespace hallmark
