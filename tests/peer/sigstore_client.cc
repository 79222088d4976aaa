// A client of sigstore-conformance, the test suite of Sigstore's verifiers: its command line and
// nothing more. Exit 0: verified; 1: not, and the reason on stderr; 2: usage.
// usage: sigstore_client verify-bundle [--staging] --bundle FILE (--certificate-identity TEXT
//        --certificate-oidc-issuer URL | --key PEM) [--trusted-root FILE] FILE_OR_sha256:HEX
// $SIGSTORE_STAGING_ROOT names the trusted root of --staging.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <string>

#include "sign/sigstore/bundle.h"
#include "sign/sigstore/trusted_root.h"
#include "sign/sigstore/verify_bundle.h"
#include "src/hash/hasher.h"
#include "src/io/file.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kMaxBytes = 100'000'000;

using Options = std::map<std::string, std::string>;

Result<std::string> ReadText(const std::string& path) {
  const std::unique_ptr<File> file = HM_TRY(OpenFile(path));
  return ReadWholeFile(*file, kMaxBytes);
}

// The artifact is the option "".
Result<Options> ReadOptions(int argc, char** argv) {
  const Error usage{Errc::kUsage, "", "usage: sigstore_client verify-bundle OPTIONS FILE"};
  if (argc < 3 || std::string_view(argv[1]) != "verify-bundle") return usage;
  Options options;
  for (int i = 2; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--staging") {
      options[name] = "";
    } else if (!name.starts_with("--")) {
      options[""] = name;
    } else if (i + 1 == argc) {
      return usage;
    } else {
      options[name] = argv[++i];
    }
  }
  if (!options.contains("") || !options.contains("--bundle")) return usage;
  return options;
}

Result<TrustedRoot> ReadRoot(const Options& options) {
  std::string path;
  if (options.contains("--trusted-root")) {
    path = options.at("--trusted-root");
  } else if (options.contains("--staging")) {
    const char* staging = std::getenv("SIGSTORE_STAGING_ROOT");
    path = staging == nullptr ? "" : staging;
  } else {
    return SigstorePublicRoot();
  }
  const std::string text = HM_TRY(ReadText(path));
  return ParseTrustedRoot(text, path);
}

Result<SigstorePolicy> ReadPolicy(const Options& options) {
  const std::int64_t now = std::time(nullptr);
  if (options.contains("--key")) {
    const std::string path = options.at("--key");
    const std::string pem = HM_TRY(ReadText(path));
    PublicKey key = HM_TRY(PublicKey::FromPem(pem, path));
    return SigstorePolicy{std::move(key), now};
  }
  const auto text = [&](const char* name) {
    return options.contains(name) ? options.at(name) : std::string();
  };
  return SigstorePolicy{
      SignerIdentity{text("--certificate-identity"), text("--certificate-oidc-issuer")}, now};
}

Result<FileDigest> ReadArtifact(const std::string& name) {
  if (name.starts_with("sha256:")) {
    const auto digest = Digest::Parse(name);
    if (!digest) return Error{Errc::kUsage, name, "no digest"};
    return FileDigest([digest](Algorithm algorithm) -> Result<Digest> {
      if (algorithm == Algorithm::kSha256) return *digest;
      return Error{Errc::kUnsupported, "", "only the SHA-256 of the file is known"};
    });
  }
  std::string text = HM_TRY(ReadText(name));
  return FileDigest([text = std::move(text)](Algorithm algorithm) -> Result<Digest> {
    return HashBytes(algorithm, AsBytes(text));
  });
}

Result<void> Run(int argc, char** argv) {
  const Options options = HM_TRY(ReadOptions(argc, argv));
  const TrustedRoot root = HM_TRY(ReadRoot(options));
  const SigstorePolicy policy = HM_TRY(ReadPolicy(options));
  const FileDigest artifact = HM_TRY(ReadArtifact(options.at("")));
  const std::string& path = options.at("--bundle");
  const std::string text = HM_TRY(ReadText(path));
  const SigstoreBundle bundle = HM_TRY(ParseSigstoreBundle(text, path));
  HM_TRY(VerifyFileBundle(bundle, root, policy, artifact));
  return {};
}

}  // namespace
}  // namespace hallmark

int main(int argc, char** argv) {
  const auto result = hallmark::Run(argc, argv);
  if (result) return 0;
  const hallmark::Error& error = result.error();
  fmt::print(stderr, "{}{}{}\n", error.subject, error.subject.empty() ? "" : ": ", error.message);
  return error.code == hallmark::Errc::kUsage ? 2 : 1;
}
