#include "verify/signatures/signers.h"

#include <utility>

namespace hallmark {

Result<std::vector<TrustedSigner>> FindTrustedSigners(const SignatureRules& rules) {
  std::vector<TrustedSigner> signers;
  for (const NamedKey& key : rules.keys) signers.push_back({key});
  if (rules.NameSomebody()) return signers;
  for (const OriginTrust& trust : HM_TRY(rules.store.List())) {
    const TrustRoot& root = trust.Root();
    if (!rules.origin.empty() && trust.Origin() != rules.origin) continue;
    const bool is_expired = root.expires && *root.expires <= rules.now;
    if (root.threshold > 1 || root.witness_threshold > 0 || is_expired) continue;
    for (NamedKey& key : trust.Keys()) signers.push_back({std::move(key), trust.Origin()});
  }
  return signers;
}

}  // namespace hallmark
