// How reports say what was not read for them, but remembered by --cached.
#pragma once

#include <string>

#include "src/hash/digest_cache.h"
#include "src/json/json_writer.h"

namespace hallmark {

// "; 2 files not read now, 1.2 MB, remembered from as early as 2025-01-31T12:00:00Z"; empty for
// none.
std::string RememberedText(const RememberedTotal& remembered);
// "files_remembered", "bytes_remembered", "oldest_remembered"; nothing for none.
void WriteRemembered(const RememberedTotal& remembered, JsonWriter* json);

}  // namespace hallmark
