// Whose signatures count for lists: keys of this run, or those that are trusted for an origin.
#pragma once

#include <string>
#include <vector>

#include "sign/keys/named_key.h"
#include "verify/signatures/endorse.h"

namespace hallmark {

// A key that may sign any list.
struct TrustedSigner {
  NamedKey key;
  std::string origin = {};  // that it is trusted for; empty: named for this run
};

// The keys of `rules`; where nobody is named there, those of the store: not of a root that is
// expired, asks for several keys or for witnesses, for one signature says nothing of these. Errors:
// as TrustStore::List.
Result<std::vector<TrustedSigner>> FindTrustedSigners(const SignatureRules& rules);

}  // namespace hallmark
