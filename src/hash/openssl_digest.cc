#include "src/hash/openssl_digest.h"

#include <openssl/provider.h>

#include "src/base/error.h"

namespace hallmark {
namespace {

// A library context of our own: the system-wide configuration can forbid digests (FIPS mode), and
// here they serve to recognise files.
class Methods {
 public:
  Methods() : context_(OSSL_LIB_CTX_new()) {
    HM_CHECK(context_ != nullptr);
    HM_CHECK(OSSL_PROVIDER_load(context_, "default") != nullptr);
    sha384_ = Fetch("SHA2-384");
    sha512_ = Fetch("SHA2-512");
    blake2b_ = Fetch("BLAKE2B-512");
  }

  const EVP_MD* Of(Algorithm algorithm) const {
    switch (algorithm) {
      case Algorithm::kSha384:
        return sha384_;
      case Algorithm::kSha512:
        return sha512_;
      case Algorithm::kBlake2b:
        return blake2b_;
      default:
        return nullptr;
    }
  }

 private:
  const EVP_MD* Fetch(const char* name) const {
    const EVP_MD* method = EVP_MD_fetch(context_, name, nullptr);
    HM_CHECK(method != nullptr);
    return method;
  }

  OSSL_LIB_CTX* context_;
  const EVP_MD* sha384_;
  const EVP_MD* sha512_;
  const EVP_MD* blake2b_;
};

const EVP_MD* MethodOf(Algorithm algorithm) {
  static const Methods& methods = *new Methods;  // never freed: threads may outlive static order
  const EVP_MD* method = methods.Of(algorithm);
  HM_CHECK(method != nullptr);
  return method;
}

}  // namespace

OpensslDigest::OpensslDigest(Algorithm algorithm)
    : method_(MethodOf(algorithm)), context_(EVP_MD_CTX_new()) {
  HM_CHECK(context_ != nullptr);
  HM_CHECK(EVP_DigestInit_ex2(context_.get(), method_, nullptr) == 1);
}

OpensslDigest::OpensslDigest(const OpensslDigest& other)
    : method_(other.method_), context_(EVP_MD_CTX_new()) {
  HM_CHECK(context_ != nullptr);
  HM_CHECK(EVP_MD_CTX_copy_ex(context_.get(), other.context_.get()) == 1);
}

void OpensslDigest::Update(ByteSpan bytes) {
  if (bytes.empty()) return;
  HM_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

void OpensslDigest::Finish(std::byte* out) {
  HM_CHECK(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out), nullptr) == 1);
  HM_CHECK(EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) == 1);
}

}  // namespace hallmark
