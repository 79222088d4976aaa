// Digests that know their algorithm, and what each algorithm is worth.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "src/base/bytes.h"

namespace hallmark {

enum class Algorithm : std::uint8_t {
  kMd5,
  kSha1,
  kSha256,
  kSha384,
  kSha512,
  kBlake2b,  // BLAKE2b-512
  kBlake3,   // 256 bits
  kCrc32,    // ISO-HDLC, big-endian as lists print it
  kXxh64,    // seed 0, big-endian as lists print it
  kGitBlob,  // git's name of a file: SHA-1 over "blob SIZE", a NUL and the bytes
  kTree,     // BEP 52 root: SHA-256 over 16 KiB blocks
  // Short names that hosts of image models give files: the first digits of a SHA-256.
  kAutoV1,  // 8 digits, of the 64 KiB from 1 MiB on
  kAutoV2,  // 10 digits, of the file
  kAutoV3,  // 12 digits, of what follows the header of a safetensors file
};

struct AlgorithmInfo {
  Algorithm algorithm;
  std::string_view name;  // "sha256"; stable, used in "algo:hex"
  std::uint32_t digest_bytes;
  bool resists_attackers;  // false: guards against accidents only
};

// False for autov1 and autov3: they are of a part of a file, name it and prove nothing of the rest.
bool CoversWholeFile(Algorithm algorithm);

std::span<const AlgorithmInfo> AllAlgorithms();  // in enum order
const AlgorithmInfo& InfoOf(Algorithm algorithm);
// Also the spellings of other tools: "SHA2-256", "SHA-256", "blake2b-512", "BLAKE2b"; any case.
std::optional<Algorithm> AlgorithmByName(std::string_view name);

class Digest {
 public:
  // `bytes` has exactly the algorithm's digest_bytes.
  Digest(Algorithm algorithm, ByteSpan bytes);
  // nullopt unless `hex` (either case) has the right length.
  static std::optional<Digest> FromHex(Algorithm algorithm, std::string_view hex);
  static std::optional<Digest> Parse(std::string_view algo_colon_hex);

  Algorithm GetAlgorithm() const { return algorithm_; }
  ByteSpan Bytes() const { return {bytes_.data(), size_}; }
  std::string Hex() const;       // lower case
  std::string ToString() const;  // "sha256:…"

  friend bool operator==(const Digest&, const Digest&) = default;
  friend auto operator<=>(const Digest&, const Digest&) = default;

 private:
  Algorithm algorithm_;
  std::uint8_t size_;
  std::array<std::byte, 64> bytes_{};
};

}  // namespace hallmark
