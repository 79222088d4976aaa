// A public key with a name.
#pragma once

#include <string>

#include "sign/keys/public_key.h"

namespace hallmark {

// A public key that was named or stored as trusted, as its file gives it.
struct NamedKey {
  std::string name;  // for people: what the file or the store calls it; may hold hostile bytes
  PublicKey key;
  // minisign's and signify's number of the key, 8 bytes; empty where its file has none.
  std::string number = {};
};

}  // namespace hallmark
