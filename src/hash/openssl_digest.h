// OpenSSL's digests, fetched once and independent of the machine's configuration.
#pragma once

#include <openssl/evp.h>

#include <memory>

#include "src/base/bytes.h"
#include "src/hash/digest.h"

namespace hallmark {

// One running digest. Not thread-safe.
class OpensslDigest {
 public:
  // sha384, sha512 or blake2b; block_hasher.h has the others.
  explicit OpensslDigest(Algorithm algorithm);
  OpensslDigest(const OpensslDigest& other);  // goes on by itself
  OpensslDigest& operator=(const OpensslDigest&) = delete;
  void Update(ByteSpan bytes);
  // Writes the digest to `out`, which has room for it, and starts anew.
  void Finish(std::byte* out);

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  const EVP_MD* method_;  // lives as long as the program
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace hallmark
