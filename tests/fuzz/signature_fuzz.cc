// Any text as a signature, with the keys of the seeds as known keys: of a file that nobody signed
// it is never good. As a trusted comment it is refused, or signed and read back as it was.
#include <array>
#include <vector>

#include "sign/detached/minisign.h"
#include "sign/detached/public_key_file.h"
#include "sign/detached/signify.h"

namespace {

using namespace hallmark;

constexpr std::array<std::string_view, 5> kKeys = {
    "RWSU7OELUTSz6iCVdZ9akGvyHvs9UzZZCuLq73QNxfVhUdcyxukY8UO4",
    "RWROrRPlTC+7GN6ynuNPsSLg5iGy8iLsHjOTO6R4pyikGp0Rr1qV/9H3",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMw4Ox1NL7MoWYa5y3+OE16ksXwylUxhKtOk0JFHj85D ed25519"
    "@example.org",
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBI4i61pp1NmMuZYH"
    "Z3toCPDveCBRNNdvHaHIhH91xs53k3cEINjciVWk3Cuml6D20JSpHTePuKFxyTtvwF7WGfI= ecdsa@example.o"
    "rg",
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC5nI4ObTPACDWI42LobE4X9OQSencwxAyY7PHAQcOCeCpZ2QRT"
    "r/0/hnSNaMuqx96xi2yCgPiTvgfIJsiCEI4qpeI7GujTNN8uv6GtbtAZ2o5Pc7shChMWjm0TkoqWtcrnJtUDiHJs"
    "WK5SS7fWN8TpqmnKDrRBDzDTBmJ2iqqHtDNsPX+/U7DR7ohc8EAZl/xhBa1ILIjL/lYUPdfo7q0J5xGwHiCnXL+t"
    "Y2pr6oDQkjK6FP+MxxMKsnu5wcrql+4e0gA7/jfTtG49iJ7eVDORFko6YB1C6UGwp6QZsKcsoTcNi1mCGGSl4Axh"
    "PZi+50Zl1dFbPJ/P/3HicKlJgCyiONQxKZNF98I6o6yj4kLXMtey0+xWb0uFO6qxDjQ0rafgQUGSn2kMFiRp+D+m"
    "t0VWTzpPEmi/JsmE/2woeYZAwt90ERqClZd5WScAmIQfUOaQuOCPAIoq38CTncq4PoemPHsw1WIscHR6EyD4Gn4X"
    "KxcFyHJqEedBFZ9kO4zC1Y8= rsa@example.org",
};

const std::vector<NamedKey>& Keys() {
  static const std::vector<NamedKey> keys = [] {
    std::vector<NamedKey> parsed;
    for (const std::string_view key : kKeys) parsed.push_back(ParsePublicKey(key, "").value());
    return parsed;
  }();
  return keys;
}

const SigningKey& Key() {
  static const SigningKey key = {Ed25519Signer(Secret(32)), "12345678"};
  return key;
}

void CheckSchemes(std::string_view text) {
  const SignedFile file = SignedText("a", "nobody signed this");
  for (const SignatureScheme& scheme : AllSignatureSchemes()) {
    const auto check = scheme.check(text, file, Keys());
    if (!check) {
      HM_CHECK(!check.error().message.empty());
      continue;
    }
    HM_CHECK(check->state != SignatureCheck::State::kGood);
    HM_CHECK(check->comment.empty() && check->signer.empty());
    HM_CHECK((check->state == SignatureCheck::State::kBad) == !check->reason.empty());
  }
}

void CheckComment(std::string_view text) {
  const SignedFile file = SignedText("", "weights");
  const std::vector<NamedKey> keys = {{"me", Key().signer->Public(), Key().number}};
  const auto signature = SignMinisign(Key(), file, {.trusted_comment = std::string(text)});
  if (!signature) return;
  const auto check = CheckMinisign(*signature, file, keys);
  HM_CHECK(check && check->comment == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckSchemes(text);
  CheckComment(text);
  if (const auto embedded = ParseEmbeddedSignify(text, "")) {
    HM_CHECK(WriteEmbeddedSignify(embedded->signature, embedded->message) == text);
  }
  return 0;
}
