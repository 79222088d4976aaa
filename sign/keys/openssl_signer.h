// Keys that OpenSSL holds.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>

#include <memory>

#include "sign/keys/openssl_handles.h"
#include "sign/keys/signer.h"

namespace hallmark {

using PrivateKeyPtr = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using BioPtr = OpensslPtr<BIO, BIO_free>;

// The public half. Errors: kUnsupported (of another algorithm or curve).
Result<PublicKey> PublicHalf(EVP_PKEY* key, const std::string& subject);

// Signs with `key`, which is on one of the curves of `public_key`. Errors: kIo, as of a token.
Result<std::string> SignEcdsa(EVP_PKEY* key, const PublicKey& public_key, ByteSpan message);

// Errors: kUnsupported (of another algorithm or curve); kMalformed (its halves are of two keys).
Result<std::unique_ptr<Signer>> OpensslSigner(PrivateKeyPtr key, const std::string& subject);

}  // namespace hallmark
