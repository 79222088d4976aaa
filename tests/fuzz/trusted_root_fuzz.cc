// Any bytes as a trusted root: refused with a reason, or one whose logs have ids and whose
// authorities have certificates, each of which can be looked at.
#include "sign/sigstore/trusted_root.h"

#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto root = ParseTrustedRoot(text, "root");
  if (!root) {
    HM_CHECK(!root.error().message.empty());
    return 0;
  }
  for (const auto* logs : {&root->logs, &root->certificate_logs}) {
    for (const TransparencyLog& log : *logs) {
      HM_CHECK(log.id.size() == 32 && log.checkpoint_id.size() >= 4);
      HM_CHECK(!log.public_key || !log.public_key->Spki().empty());
    }
  }
  for (const auto* authorities : {&root->certificate_authorities, &root->timestamp_authorities}) {
    for (const Authority& authority : *authorities) {
      HM_CHECK(!authority.chain.empty());
      for (const Certificate& certificate : authority.chain) {
        HM_CHECK(!certificate.Der().empty());
        (void)certificate.SubjectName();
        (void)certificate.Identities();
        (void)certificate.OidcIssuer();
        (void)certificate.Key();
        (void)certificate.MaySign();
        (void)certificate.NotAfter();
      }
      (void)BuildChain(authority.chain[0], authority.Intermediates(), authority.Root(),
                       authority.valid.start);
    }
  }
  return 0;
}
