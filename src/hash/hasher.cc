#include "src/hash/hasher.h"

#include <blake3.h>
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

#include "src/base/error.h"
#include "src/hash/block_hasher.h"
#include "src/hash/openssl_digest.h"
#include "src/hash/tree.h"
#include "src/hash/xxh64.h"

namespace hallmark {
namespace {

// SHA-384, SHA-512 (FIPS 180-4), BLAKE2b-512 (RFC 7693).
class OpensslHasher final : public Hasher {
 public:
  explicit OpensslHasher(Algorithm algorithm) : algorithm_(algorithm), digest_(algorithm) {}

  void Update(ByteSpan bytes) override { digest_.Update(bytes); }

  Digest Finish() override {
    std::array<std::byte, 64> out;
    digest_.Finish(out.data());
    return Digest(algorithm_, ByteSpan(out).first(InfoOf(algorithm_).digest_bytes));
  }

  std::unique_ptr<Hasher> Clone() const override { return std::make_unique<OpensslHasher>(*this); }

 private:
  Algorithm algorithm_;
  OpensslDigest digest_;
};

class Blake3Hasher final : public Hasher {
 public:
  Blake3Hasher() { blake3_hasher_init(&state_); }

  void Update(ByteSpan bytes) override {
    blake3_hasher_update(&state_, bytes.data(), bytes.size());
  }

  Digest Finish() override {
    std::array<std::byte, BLAKE3_OUT_LEN> out;
    blake3_hasher_finalize(&state_, reinterpret_cast<std::uint8_t*>(out.data()), out.size());
    return Digest(Algorithm::kBlake3, out);
  }

  std::unique_ptr<Hasher> Clone() const override { return std::make_unique<Blake3Hasher>(*this); }

 private:
  blake3_hasher state_;
};

// ISO-HDLC: the CRC-32 of zip, gzip and cksfv.
class Crc32Hasher final : public Hasher {
 public:
  void Update(ByteSpan bytes) override {
    if (bytes.empty()) return;  // zlib takes a null pointer for a request to reset
    crc_ = crc32_z(crc_, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  }

  Digest Finish() override {
    std::array<std::byte, 4> out;
    StoreBig(out.data(), static_cast<std::uint32_t>(crc_));
    return Digest(Algorithm::kCrc32, out);
  }

  std::unique_ptr<Hasher> Clone() const override { return std::make_unique<Crc32Hasher>(*this); }

 private:
  uLong crc_ = crc32_z(0, nullptr, 0);
};

class Xxh64Hasher final : public Hasher {
 public:
  void Update(ByteSpan bytes) override { stream_.Update(bytes); }

  Digest Finish() override {
    std::array<std::byte, 8> out;
    StoreBig(out.data(), stream_.Finish());
    return Digest(Algorithm::kXxh64, out);
  }

  std::unique_ptr<Hasher> Clone() const override { return std::make_unique<Xxh64Hasher>(*this); }

 private:
  Xxh64 stream_;
};

// git's object format: "blob", a space, the size in decimal, a NUL, the bytes.
std::unique_ptr<Hasher> MakeGitBlobHasher(std::uint64_t size) {
  auto hasher = std::make_unique<BlockHasher>(Algorithm::kGitBlob, BlockFunction::kSha1);
  const std::string header = fmt::format("blob {}", size);
  hasher->Update(ByteSpan(reinterpret_cast<const std::byte*>(header.c_str()), header.size() + 1));
  return hasher;
}

class AutoV1Hasher final : public Hasher {
 public:
  void Update(ByteSpan bytes) override {
    const std::uint64_t skipped =
        std::min<std::uint64_t>(bytes.size(), kBegin - std::min(at_, kBegin));
    const std::uint64_t end = std::min<std::uint64_t>(bytes.size(), kEnd - std::min(at_, kEnd));
    if (skipped < end) sha256_.Update(bytes.subspan(skipped, end - skipped));
    at_ += bytes.size();
  }
  Digest Finish() override { return sha256_.Finish(); }

  std::unique_ptr<Hasher> Clone() const override { return std::make_unique<AutoV1Hasher>(*this); }

 private:
  static constexpr std::uint64_t kBegin = 0x100000, kEnd = 0x110000;

  std::uint64_t at_ = 0;
  BlockHasher sha256_{Algorithm::kAutoV1, BlockFunction::kSha256};
};

class AutoV3Hasher final : public Hasher {
 public:
  void Update(ByteSpan bytes) override {
    while (length_seen_ < kLengthBytes && !bytes.empty()) {
      to_skip_ |= static_cast<std::uint64_t>(bytes.front()) << 8 * length_seen_++;
      bytes = bytes.subspan(1);
    }
    const std::uint64_t skipped = std::min<std::uint64_t>(bytes.size(), to_skip_);
    if (length_seen_ == kLengthBytes) to_skip_ -= skipped;
    sha256_.Update(bytes.subspan(skipped));
  }
  Digest Finish() override { return sha256_.Finish(); }

  std::unique_ptr<Hasher> Clone() const override { return std::make_unique<AutoV3Hasher>(*this); }

 private:
  static constexpr unsigned kLengthBytes = 8;

  unsigned length_seen_ = 0;
  std::uint64_t to_skip_ = 0;  // of the header, once its length was seen
  BlockHasher sha256_{Algorithm::kAutoV3, BlockFunction::kSha256};
};

class TreeRootHasher final : public Hasher {
 public:
  void Update(ByteSpan bytes) override { tree_.Update(bytes); }
  Digest Finish() override { return tree_.Finish().root; }

  std::unique_ptr<Hasher> Clone() const override { return std::make_unique<TreeRootHasher>(*this); }

 private:
  TreeHasher tree_;
};

}  // namespace

std::unique_ptr<Hasher> MakeHasher(Algorithm algorithm, std::optional<std::uint64_t> size) {
  switch (algorithm) {
    case Algorithm::kMd5:
    case Algorithm::kSha1:
    case Algorithm::kSha256:
    case Algorithm::kAutoV2:
      return std::make_unique<BlockHasher>(algorithm, *BlockFunctionOf(algorithm));
    case Algorithm::kSha384:
    case Algorithm::kSha512:
    case Algorithm::kBlake2b:
      return std::make_unique<OpensslHasher>(algorithm);
    case Algorithm::kBlake3:
      return std::make_unique<Blake3Hasher>();
    case Algorithm::kCrc32:
      return std::make_unique<Crc32Hasher>();
    case Algorithm::kXxh64:
      return std::make_unique<Xxh64Hasher>();
    case Algorithm::kGitBlob:
      HM_CHECK(size.has_value());
      return MakeGitBlobHasher(*size);
    case Algorithm::kAutoV1:
      return std::make_unique<AutoV1Hasher>();
    case Algorithm::kAutoV3:
      return std::make_unique<AutoV3Hasher>();
    case Algorithm::kTree:
      return std::make_unique<TreeRootHasher>();
  }
  ReportBug("a known algorithm", __FILE__, __LINE__);
}

Digest HashBytes(Algorithm algorithm, ByteSpan bytes) {
  const auto hasher = MakeHasher(algorithm, bytes.size());
  hasher->Update(bytes);
  return hasher->Finish();
}

}  // namespace hallmark
