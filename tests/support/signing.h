// Keys and signed statements of tests.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sign/trust/trust_root.h"

namespace hallmark {

// The Ed25519 key whose seed is 32 times this byte.
std::unique_ptr<Signer> TestSigner(unsigned char fill);
NamedKey TestKey(unsigned char fill);  // its public half, called "key-FILL"

// `statement` signed by the keys of these bytes, as the text of a signature's file.
std::string SignedNoteText(const StatementText& statement, const std::vector<unsigned char>& keys);
// A root with the keys of these bytes, signed by `signers`.
SignedRoot TestRoot(const std::string& origin, std::uint64_t version, std::uint64_t threshold,
                    const std::vector<unsigned char>& keys,
                    const std::vector<unsigned char>& signers,
                    std::optional<std::uint64_t> expires = std::nullopt);

}  // namespace hallmark
