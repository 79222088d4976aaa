#include "sign/detached/signature_scheme.h"

#include <array>
#include <utility>

#include "sign/detached/minisign.h"
#include "sign/detached/signify.h"
#include "sign/detached/sshsig.h"
#include "src/hash/hasher.h"

namespace hallmark {
namespace {

constexpr std::array<SignatureScheme, 3> kSchemes = {{
    {"minisign", "minisign signature", IsMinisignSignature, CheckMinisign},
    {"signify", "signify signature", IsSignifySignature, CheckSignify},
    {"ssh", "SSH signature", IsSshSignature, CheckSsh},
}};

}  // namespace

SignedFile SignedText(std::string name, std::string_view text) {
  return {
      std::move(name),
      [text](Algorithm algorithm) -> Result<Digest> { return HashBytes(algorithm, AsBytes(text)); },
      [text]() -> Result<std::string> { return std::string(text); }};
}

std::span<const SignatureScheme> AllSignatureSchemes() { return kSchemes; }

const SignatureScheme* FindSignatureScheme(std::string_view text) {
  if (text.size() > kMaxSignatureBytes) return nullptr;
  for (const SignatureScheme& scheme : kSchemes) {
    if (scheme.sniff(text)) return &scheme;
  }
  return nullptr;
}

}  // namespace hallmark
