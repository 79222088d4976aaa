// in-toto statements: what an envelope's payload says it is about.
#pragma once

#include "sign/sigstore/dsse.h"
#include "src/base/error.h"
#include "src/hash/digest.h"

namespace hallmark {

// kUntrusted unless the payload is an in-toto statement that has this SHA-256 among its subjects'
// digests; names are not looked at. Errors also: as ParseInTotoStatement.
Result<void> CheckStatementSubject(const DsseEnvelope& envelope, const Digest& sha256);

}  // namespace hallmark
