#include "sign/sigstore/merkle.h"

#include <string>
#include <vector>

#include "src/base/text.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

std::string Bytes(std::string_view hex) { return std::string(AsText(*FromHex(hex))); }

// The entries, roots and audit paths of Certificate Transparency's reference tests.
const std::vector<std::string> kEntries = {"",
                                           "00",
                                           "10",
                                           "2021",
                                           "3031",
                                           "40414243",
                                           "5051525354555657",
                                           "606162636465666768696a6b6c6d6e6f"};
const std::string kRoots[] = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                              "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                              "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                              "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                              "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                              "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                              "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                              "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
struct Path {
  std::uint64_t index, size;
  std::vector<std::string> hashes;
};
const Path kPaths[] = {
    {0, 1, {}},
    {0,
     8,
     {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
    {5,
     8,
     {"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
    {2, 3, {"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}},
    {1,
     5,
     {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
};

bool Holds(const Path& path, std::uint64_t index, std::uint64_t size, std::string_view root,
           std::size_t entry) {
  std::vector<std::string> hashes;
  for (const std::string& hash : path.hashes) hashes.push_back(Bytes(hash));
  return IsIncluded(Bytes(kEntries[entry]), index, size, hashes, Bytes(root));
}

TEST(Merkle, ReferencePathsHold) {
  for (const Path& path : kPaths) {
    SCOPED_TRACE(path.index);
    EXPECT_TRUE(Holds(path, path.index, path.size, kRoots[path.size - 1], path.index));
  }
}

TEST(Merkle, ReferencePathsHoldForNoOtherEntryOrPlace) {
  for (const Path& path : kPaths) {
    for (std::uint64_t index = 0; index <= path.size; ++index) {
      for (std::size_t entry = 0; entry < kEntries.size(); ++entry) {
        if (index == path.index && entry == path.index) continue;
        EXPECT_FALSE(Holds(path, index, path.size, kRoots[path.size - 1], entry))
            << path.index << " of " << path.size << " as " << index;
      }
    }
  }
}

TEST(Merkle, RefusesPathsOfOtherLength) {
  Path path = kPaths[1];
  path.hashes.pop_back();
  EXPECT_FALSE(Holds(path, 0, 8, kRoots[7], 0));
  path = kPaths[1];
  path.hashes.push_back(kRoots[0]);
  EXPECT_FALSE(Holds(path, 0, 8, kRoots[7], 0));
  EXPECT_FALSE(IsIncluded("", UINT64_MAX, UINT64_MAX, {}, Bytes(kRoots[0])));
}

}  // namespace
}  // namespace hallmark
