// Detached signatures: a small text beside a file. One file a scheme; the registry tells them
// apart.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "sign/keys/named_key.h"

namespace hallmark {

// What a scheme must know of the signed file, each computed when it is first asked for.
struct SignedFile {
  std::string name;  // last component; empty: any name that a signature gives the file is well
  std::function<Result<Digest>(Algorithm)> digest;
  // The whole of it, for schemes that sign the bytes themselves.
  std::function<Result<std::string>()> bytes;
};
// Of a text in memory, which must outlive it.
SignedFile SignedText(std::string name, std::string_view text);

struct SignatureCheck {
  enum class State : std::uint8_t {
    kGood,        // by one of the keys
    kUnknownKey,  // made by none of them; nothing is known of it
    kBad,         // made by one of them as it says, and it does not hold
  };
  State state;
  std::string key;      // id of the key that it names, as its scheme writes it
  std::string signer;   // kGood: NamedKey::name
  std::string comment;  // signed with it, once it is proven; may hold hostile bytes
  std::string reason;   // kBad: what does not hold
};

struct SignatureScheme {
  std::string_view name;   // "minisign"
  std::string_view title;  // "minisign signature"
  bool (*sniff)(std::string_view text);
  // Errors: kMalformed, kUnsupported with the empty subject for the signature itself; those of
  // `file`.
  Result<SignatureCheck> (*check)(std::string_view text, const SignedFile& file,
                                  std::span<const NamedKey> keys);
};
std::span<const SignatureScheme> AllSignatureSchemes();
const SignatureScheme* FindSignatureScheme(std::string_view text);  // null: none of them

// A signature of more bytes is none.
inline constexpr std::size_t kMaxSignatureBytes = 65536;

}  // namespace hallmark
