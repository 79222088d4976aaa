// X.509 certificates: what signs for an identity. OpenSSL reads them and builds chains.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sign/keys/public_key.h"
#include "src/base/error.h"

struct x509_st;  // OpenSSL's X509

namespace hallmark {

// Immutable; cheap to copy, safe to share between threads.
class Certificate {
 public:
  static Result<Certificate> FromDer(ByteSpan der, std::string subject);  // nothing may follow it
  // All the certificates of a PEM file, in its order; at least one.
  static Result<std::vector<Certificate>> FromPem(std::string_view pem, const std::string& subject);

  Result<PublicKey> Key() const;
  std::string Der() const;
  std::string SubjectName() const;  // RFC 2253, for people
  bool IsSelfIssued() const;
  bool IsAuthority() const;  // CA:TRUE, and may sign certificates
  // May sign data: digitalSignature in its key usage where it has one, and codeSigning in its
  // extended key usage where it has one.
  bool MaySign() const;
  bool HasCodeSigning() const;  // the extended usage is there and has codeSigning
  // Subject alternative names that are URIs or email addresses.
  std::vector<std::string> Identities() const;
  // Fulcio's issuer of the identity: 1.3.6.1.4.1.57264.1.8, else .1.1.
  std::optional<std::string> OidcIssuer() const;
  std::int64_t NotBefore() const;  // unix seconds
  std::int64_t NotAfter() const;   // the last second

  x509_st* Get() const { return certificate_.get(); }  // for this folder; owned by this

 private:
  friend Result<std::vector<Certificate>> BuildChain(const Certificate&,
                                                     std::span<const Certificate>,
                                                     std::span<const Certificate>, std::int64_t);
  explicit Certificate(std::shared_ptr<x509_st> certificate)
      : certificate_(std::move(certificate)) {}
  std::shared_ptr<x509_st> certificate_;
};

// The chain from `leaf` up to one of `roots`, both ends included, built at `time` (unix seconds)
// with `intermediates`, which are not trusted; roots are, even where they are not self-signed (a
// leaf that is one of them is its own chain). All above the leaf are IsAuthority().
// Errors: kUntrusted, saying at which certificate and why.
Result<std::vector<Certificate>> BuildChain(const Certificate& leaf,
                                            std::span<const Certificate> intermediates,
                                            std::span<const Certificate> roots, std::int64_t time);

}  // namespace hallmark
