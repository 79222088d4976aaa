// Checksum lists as other tools write them, byte for byte: coreutils' two forms and Meta's.
#pragma once

#include <cstdint>
#include <span>
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

// hashdeep's list of version 1.0: its header, and "SIZE,HEX,…,name" with one digest a column, in
// the order of `algorithms` (of which it knows md5, sha1 and sha256). It has no escapes: a name
// that holds a line break cannot be written, and gives no line.
std::string HashdeepHeader(std::span<const Algorithm> algorithms);
std::string HashdeepLine(std::uint64_t size, std::span<const Digest> digests, std::string_view name,
                         NameForm form);

// "sha256    HEX  name:tensor", or without ":tensor" for the data of all tensors: llama-gguf-hash.
std::string GgufHashLine(const Digest& digest, std::string_view name, std::string_view tensor,
                         NameForm form);

}  // namespace hallmark
