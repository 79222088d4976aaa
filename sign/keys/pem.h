// PEM blocks (RFC 7468): DER between two lines, in base64.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"

namespace hallmark {

struct PemBlock {
  std::string label;  // "CERTIFICATE"
  std::string der;
};

// Every block of `text`, in order; what stands around them is skipped. Lines may have any length
// and any ends. Errors: kMalformed (a block without an end or whose inside is not base64, which is
// so for blocks with headers; more than 1000 blocks).
Result<std::vector<PemBlock>> ReadPem(std::string_view text, const std::string& subject);

// One block in lines of 64 digits, each with "\n", as OpenSSL writes it.
std::string WritePem(std::string_view label, std::string_view der);

}  // namespace hallmark
