// Checksum lists as other tools write them, byte for byte: coreutils' two forms and Meta's.
#pragma once

#include <string>
#include <string_view>

#include "src/hash/digest.h"

namespace hallmark {

// How a name is written: as its bytes are, for lists that tools read back, or with everything
// escaped that could upset a terminal.
enum class NameForm { kBytes, kForTerminal };

// "HEX  name", or "\HEX  name" with \n, \r and \\ escaped in the name (coreutils 9).
std::string GnuLine(const Digest& digest, std::string_view name, NameForm form);
// "SHA256 (name) = HEX", escaped likewise.
std::string BsdLine(const Digest& digest, std::string_view name, NameForm form);

}  // namespace hallmark
