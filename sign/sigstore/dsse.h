// Dead Simple Signing Envelope, version 1: a payload with its type, and signatures over both.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"
#include "src/json/json_reader.h"

namespace hallmark {

struct DsseEnvelope {
  std::string payload;  // decoded
  std::string payload_type;
  std::vector<std::string> signatures;  // decoded; at least one
};

// Of its JSON object. Base64 is strict and standard. Errors: kMalformed, naming the member.
Result<DsseEnvelope> ParseDsseEnvelope(const JsonValue& object, const std::string& subject);

// What is signed: "DSSEv1", and type and payload with their lengths.
std::string DssePreAuthEncoding(std::string_view payload_type, std::string_view payload);

inline constexpr std::string_view kInTotoPayloadType = "application/vnd.in-toto+json";

}  // namespace hallmark
