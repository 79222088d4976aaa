// Any text as a file of public keys: refused with a reason, or keys that are what they say they are
// once more when they are written as PEM.
#include "sign/detached/public_key_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto keys = ParsePublicKeys(text, "keys", 1704067200);
  if (!keys) {
    HM_CHECK(!keys.error().message.empty());
    return 0;
  }
  HM_CHECK(!keys->keys.empty());
  for (const NamedKey& key : keys->keys) {
    HM_CHECK(!key.name.empty());
    HM_CHECK(key.number.empty() || key.number.size() == 8);
    const auto again = PublicKey::FromPem(key.key.Pem(), "");
    HM_CHECK(again && *again == key.key && again->Type() == key.key.Type());
    HM_CHECK(!key.key.Verify(AsBytes("message"), AsBytes(text)));
  }
  return 0;
}
