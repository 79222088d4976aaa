#include "sign/oms/oms_key.h"

#include <fmt/format.h>

#include "src/hash/hasher.h"

namespace hallmark {

Result<void> CheckOmsKey(const PublicKey& key, const std::string& subject) {
  switch (key.Type()) {
    case KeyType::kP256:
    case KeyType::kP384:
    case KeyType::kP521:
      return {};
    case KeyType::kEd25519:
    case KeyType::kRsa:
      break;
  }
  return Error{Errc::kUnsupported, subject,
               fmt::format("got a key of type {}, model signatures have p256, p384 and p521",
                           KeyTypeName(key.Type()))};
}

std::string OmsKeyHint(const PublicKey& key) {
  return HashBytes(Algorithm::kSha256, AsBytes(key.Pem())).Hex();
}

}  // namespace hallmark
