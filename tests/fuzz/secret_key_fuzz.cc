// Any text as a file of a secret key, where nobody gives a password: refused with a reason, or a
// key whose signatures are its own.
#include "sign/keys/signing_key.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  const Secret text = Secret::Copy({reinterpret_cast<const std::byte*>(data), size});
  const auto key = ParseSigningKey(text, "key", [](std::string_view what) {
    return Result<Secret>(Error{Errc::kUsage, std::string(what), "nobody is there"});
  });
  if (!key) {
    HM_CHECK(!key.error().message.empty());
    return 0;
  }
  HM_CHECK(key->number.empty() || key->number.size() == 8);
  const auto signature = key->signer->Sign(AsBytes("message"));
  HM_CHECK(signature && key->signer->Public().Verify(AsBytes("message"), AsBytes(*signature)));
  return 0;
}
