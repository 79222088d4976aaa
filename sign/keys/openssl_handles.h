// OpenSSL's objects, owned; for this folder.
#pragma once

#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/ts.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "src/base/bytes.h"

namespace hallmark {

template <auto kFree>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
template <typename T, auto kFree>
using OpensslPtr = std::unique_ptr<T, OpensslFree<kFree>>;

// The certificates in it are owned by others.
inline void FreeCertificateList(STACK_OF(X509) * list) { sk_X509_free(list); }
using CertificateList = OpensslPtr<STACK_OF(X509), FreeCertificateList>;

// What OpenSSL says of a refusal is left in a queue of the thread, which nobody reads.
class OpensslErrors {
 public:
  OpensslErrors() = default;
  ~OpensslErrors() { ERR_clear_error(); }
  OpensslErrors(const OpensslErrors&) = delete;
  OpensslErrors& operator=(const OpensslErrors&) = delete;
};

inline const unsigned char* OpensslBytes(ByteSpan bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// What i2d_... wrote; takes it. Empty if `size` says that it failed.
inline std::string TakeOpensslBytes(unsigned char* bytes, int size) {
  std::string taken;
  if (size > 0) taken.assign(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return taken;
}

}  // namespace hallmark
