#include "sign/detached/numbered_signature.h"

#include <fmt/format.h>

#include <algorithm>

#include "sign/keys/commented_base64.h"
#include "src/base/base64.h"

namespace hallmark {
namespace {

constexpr std::size_t kSignatureBytes = 64;
constexpr std::size_t kBytes = 2 + kKeyNumberBytes + kSignatureBytes;

}  // namespace

Result<NumberedSignature> ParseNumberedSignature(std::string_view base64) {
  const auto bytes = FromBase64(base64);
  if (!bytes) return Error{Errc::kMalformed, "", "the signature is not base64"};
  if (bytes->size() != kBytes) {
    return Error{Errc::kMalformed, "",
                 fmt::format("the signature has {} bytes, not {}", bytes->size(), kBytes)};
  }
  return NumberedSignature{bytes->substr(0, 2), bytes->substr(2, kKeyNumberBytes),
                           bytes->substr(2 + kKeyNumberBytes)};
}

std::string WriteNumberedSignature(const NumberedSignature& signature) {
  return ToBase64(signature.algorithm + signature.number + signature.signature);
}

Result<void> CheckNumberedKey(const SigningKey& key) {
  if (key.signer->Public().Type() == KeyType::kEd25519 && key.number.size() == kKeyNumberBytes) {
    return {};
  }
  return Error{Errc::kUsage, "", "minisign and signify sign by Ed25519 keys of their own form only",
               std::nullopt, "hallmark keygen makes such a key"};
}

std::vector<const NamedKey*> KeysFor(const NumberedSignature& signature,
                                     std::span<const NamedKey> keys) {
  std::vector<const NamedKey*> candidates;
  for (const NamedKey& key : keys) {
    if (key.key.Type() == KeyType::kEd25519 &&
        (key.number.empty() || key.number == signature.number)) {
      candidates.push_back(&key);
    }
  }
  return candidates;
}

const NamedKey* MakerOf(const NumberedSignature& signature, ByteSpan message,
                        std::span<const NamedKey* const> candidates) {
  const auto found = std::ranges::find_if(candidates, [&](const NamedKey* key) {
    return key->key.Verify(message, AsBytes(signature.signature));
  });
  return found == candidates.end() ? nullptr : *found;
}

SignatureCheck NotMadeBy(const NumberedSignature& signature,
                         std::span<const NamedKey* const> candidates) {
  SignatureCheck check{SignatureCheck::State::kUnknownKey, KeyNumberText(signature.number)};
  if (std::ranges::any_of(candidates, [](const NamedKey* key) { return !key->number.empty(); })) {
    check.state = SignatureCheck::State::kBad;
    check.reason = "the signature is not of this file: either was changed";
  }
  return check;
}

}  // namespace hallmark
