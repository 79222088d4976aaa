// Any bytes as a Sigstore bundle: refused with a reason, or read; and what was read is not
// believed, since nobody whom the public root trusts has signed it. Each part is also checked by
// itself, as the checks before it would seldom let it through.
#include "sign/sigstore/bundle.h"

#include <string_view>

#include "sign/sigstore/certificate_transparency.h"
#include "sign/sigstore/checkpoint.h"
#include "sign/sigstore/log_body.h"
#include "sign/sigstore/timestamp.h"
#include "sign/sigstore/verify_bundle.h"
#include "src/hash/hasher.h"

namespace hallmark {
namespace {

constexpr std::int64_t kNow = 1767225600;

template <typename T>
void MustRefuse(const Result<T>& result) {
  HM_CHECK(!result && !result.error().message.empty());
}

Result<Digest> DigestOfNothing(Algorithm algorithm) { return HashBytes(algorithm, {}); }

void CheckCertificates(const CertificateChain& chain, const TrustedRoot& root) {
  HM_CHECK(!chain.certificates.empty());
  for (const std::string& der : chain.certificates) {
    const auto certificate = Certificate::FromDer(AsBytes(der), "");
    if (!certificate) continue;
    (void)certificate->Identities();
    (void)certificate->OidcIssuer();
    (void)certificate->Key();
    MustRefuse(VerifyCertificateTimestamp(*certificate, *certificate, root.certificate_logs));
  }
}

void CheckParts(const SigstoreBundle& bundle, const TrustedRoot& root) {
  if (const auto* chain = std::get_if<CertificateChain>(&bundle.material)) {
    CheckCertificates(*chain, root);
  }
  for (const std::string& timestamp : bundle.timestamps) {
    MustRefuse(VerifyTimestamp(AsBytes(timestamp), AsBytes("nothing"), root.timestamp_authorities));
  }
  const auto* envelope = std::get_if<DsseEnvelope>(&bundle.content);
  const SignedContent content = {*root.logs[0].public_key, envelope, "nothing", DigestOfNothing};
  for (const LogEntry& entry : bundle.log_entries) {
    (void)CheckLogBody(entry, content);  // compares, and looks at no signature
    if (entry.proof) (void)VerifyCheckpoint(entry.proof->checkpoint, root.logs[0]);
  }
}

}  // namespace
}  // namespace hallmark

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto bundle = ParseSigstoreBundle(text, "bundle");
  if (!bundle) {
    HM_CHECK(!bundle.error().message.empty());
    return 0;
  }
  const TrustedRoot& root = SigstorePublicRoot();
  CheckParts(*bundle, root);
  const SigstorePolicy policy = {SignerIdentity{"fuzzer@example.org", "https://accounts.example"},
                                 kNow};
  MustRefuse(VerifyFileBundle(*bundle, root, policy, DigestOfNothing));
  return 0;
}
