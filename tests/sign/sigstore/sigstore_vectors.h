// The files of tests/vectors/sign/sigstore, which make.py wrote.
#pragma once

#include <string>

#include "sign/sigstore/bundle.h"
#include "sign/sigstore/certificate.h"
#include "sign/sigstore/trusted_root.h"
#include "src/io/file.h"
#include "tests/support/test_support.h"

namespace hallmark {

inline std::string ReadSigstoreVector(const std::string& name) {
  const auto file = OpenFile(FixturePath("../sign/sigstore/" + name));
  return file ? ReadWholeFile(**file, 1 << 20).value_or("") : "";
}

inline Result<SigstoreBundle> ReadSigstoreBundle(const std::string& name) {
  return ParseSigstoreBundle(ReadSigstoreVector("bundles/" + name + ".json"), name);
}

inline Result<TrustedRoot> ReadTrustedRoot(const std::string& name) {
  return ParseTrustedRoot(ReadSigstoreVector("roots/" + name + ".json"), name);
}

// The signer's certificate.
inline Result<Certificate> ReadSigstoreLeaf(const std::string& bundle_name) {
  const SigstoreBundle bundle = HM_TRY(ReadSigstoreBundle(bundle_name));
  return Certificate::FromDer(
      AsBytes(std::get<CertificateChain>(bundle.material).certificates.at(0)), bundle_name);
}

}  // namespace hallmark
