#include "src/hash/digest.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::array kTable = {
    AlgorithmInfo{Algorithm::kMd5, "md5", 16, false},
    AlgorithmInfo{Algorithm::kSha1, "sha1", 20, false},
    AlgorithmInfo{Algorithm::kSha256, "sha256", 32, true},
    AlgorithmInfo{Algorithm::kSha384, "sha384", 48, true},
    AlgorithmInfo{Algorithm::kSha512, "sha512", 64, true},
    AlgorithmInfo{Algorithm::kBlake2b, "blake2b", 64, true},
    AlgorithmInfo{Algorithm::kBlake3, "blake3", 32, true},
    AlgorithmInfo{Algorithm::kCrc32, "crc32", 4, false},
    AlgorithmInfo{Algorithm::kXxh64, "xxh64", 8, false},
    AlgorithmInfo{Algorithm::kGitBlob, "git-blob", 20, false},
    AlgorithmInfo{Algorithm::kTree, "tree", 32, true},
    AlgorithmInfo{Algorithm::kAutoV1, "autov1", 4, false},
    AlgorithmInfo{Algorithm::kAutoV2, "autov2", 5, false},
    AlgorithmInfo{Algorithm::kAutoV3, "autov3", 6, false},
};

constexpr bool TableFollowsEnum() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<std::size_t>(kTable[i].algorithm) != i) return false;
  }
  return true;
}
static_assert(TableFollowsEnum());

struct Spelling {
  std::string_view name;
  Algorithm algorithm;
};

// Lower case. openssl dgst prints SHA2-256 and BLAKE2B-512, others write SHA-256. A bare "crc" is
// left out on purpose: coreutils' cksum means another polynomial by it.
// clang-format off
constexpr std::array kOtherSpellings = {
    Spelling{"md-5", Algorithm::kMd5},
    Spelling{"sha-1", Algorithm::kSha1},
    Spelling{"sha-256", Algorithm::kSha256},
    Spelling{"sha2-256", Algorithm::kSha256},
    Spelling{"sha-384", Algorithm::kSha384},
    Spelling{"sha2-384", Algorithm::kSha384},
    Spelling{"sha-512", Algorithm::kSha512},
    Spelling{"sha2-512", Algorithm::kSha512},
    Spelling{"blake2b-512", Algorithm::kBlake2b},
    Spelling{"blake2b512", Algorithm::kBlake2b},
    Spelling{"crc-32", Algorithm::kCrc32},
};
// clang-format on

}  // namespace

bool CoversWholeFile(Algorithm algorithm) {
  return algorithm != Algorithm::kAutoV1 && algorithm != Algorithm::kAutoV3;
}

std::span<const AlgorithmInfo> AllAlgorithms() { return kTable; }

const AlgorithmInfo& InfoOf(Algorithm algorithm) {
  const auto index = static_cast<std::size_t>(algorithm);
  HM_CHECK(index < kTable.size());
  return kTable[index];
}

std::optional<Algorithm> AlgorithmByName(std::string_view name) {
  const std::string lower = AsciiLower(name);
  for (const AlgorithmInfo& info : kTable) {
    if (info.name == lower) return info.algorithm;
  }
  for (const Spelling& spelling : kOtherSpellings) {
    if (spelling.name == lower) return spelling.algorithm;
  }
  return std::nullopt;
}

Digest::Digest(Algorithm algorithm, ByteSpan bytes)
    : algorithm_(algorithm), size_(static_cast<std::uint8_t>(bytes.size())) {
  HM_CHECK(bytes.size() == InfoOf(algorithm).digest_bytes && bytes.size() <= bytes_.size());
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

std::optional<Digest> Digest::FromHex(Algorithm algorithm, std::string_view hex) {
  if (hex.size() != std::size_t{2} * InfoOf(algorithm).digest_bytes) return std::nullopt;
  const auto bytes = hallmark::FromHex(hex);
  if (!bytes) return std::nullopt;
  return Digest(algorithm, *bytes);
}

std::optional<Digest> Digest::Parse(std::string_view algo_colon_hex) {
  const std::size_t colon = algo_colon_hex.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto algorithm = AlgorithmByName(algo_colon_hex.substr(0, colon));
  if (!algorithm) return std::nullopt;
  return FromHex(*algorithm, algo_colon_hex.substr(colon + 1));
}

std::string Digest::Hex() const { return ToHex(Bytes()); }

std::string Digest::ToString() const {
  std::string text(InfoOf(algorithm_).name);
  text += ':';
  text += Hex();
  return text;
}

}  // namespace hallmark
