// What is trusted, as text and JSON.
#pragma once

#include <string>
#include <vector>

#include "cli/terminal.h"
#include "sign/trust/origin_trust.h"
#include "src/json/json_writer.h"

namespace hallmark {

// Origins with their keys, and the newest statement of each kind.
std::string TrustText(const std::vector<OriginTrust>& origins, std::size_t width);
// What was done and noticed, the oldest first.
std::string TrustHistoryText(const OriginTrust& trust, std::size_t width);
// An object; with `history`, its events too.
void WriteTrust(const OriginTrust& trust, bool history, JsonWriter* json);

}  // namespace hallmark
