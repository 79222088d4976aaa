#include "cli/signature_rules.h"

#include <fmt/format.h>

#include "cli/places.h"
#include "cli/signing.h"
#include "sign/detached/public_key_file.h"
#include "src/io/file.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kMaxFile = 16 << 20;  // bytes of keys, certificates or trusted roots

Result<std::string> ReadText(const std::string& path) {
  const std::unique_ptr<File> file = HM_TRY(OpenFile(path));
  return ReadWholeFile(*file, kMaxFile);
}

// Which certificates count, if any are asked for.
Result<std::optional<OmsCertificatePolicy>> CertificatesAskedFor(std::string_view verb,
                                                                 const Arguments& arguments) {
  CertificateRule rule{.identity = arguments.Text("--certificate-identity"),
                       .subject = arguments.Text("--certificate-subject")};
  if (arguments.Given("--certificate-key")) {
    rule.key = Digest::Parse(arguments.Text("--certificate-key"));
    if (!rule.key || rule.key->GetAlgorithm() != Algorithm::kSha256) {
      return Error{Errc::kUsage, std::string(verb), "--certificate-key: expected sha256:hex"};
    }
  }
  const bool has_rule = !rule.identity.empty() || !rule.subject.empty() || rule.key;
  if (!arguments.Given("--certificate-root")) {
    if (!rule.subject.empty() || rule.key) {
      return Error{Errc::kUsage, std::string(verb),
                   "--certificate-root is missing: whose certificates count"};
    }
    return std::optional<OmsCertificatePolicy>();
  }
  if (!has_rule) {
    return Error{Errc::kUsage, std::string(verb),
                 "a root alone believes everybody who has a certificate of it", std::nullopt,
                 "say who it must be: --certificate-identity, --certificate-subject or "
                 "--certificate-key"};
  }
  OmsCertificatePolicy policy{{}, std::move(rule)};
  for (const std::string& path : arguments.Values("--certificate-root")) {
    for (Certificate& root : HM_TRY(Certificate::FromPem(HM_TRY(ReadText(path)), path))) {
      policy.roots.push_back(std::move(root));
    }
  }
  return std::optional(std::move(policy));
}

// Whom of Sigstore's, if somebody is asked for.
Result<std::optional<SignerIdentity>> IdentityAskedFor(std::string_view verb,
                                                       const Arguments& arguments) {
  const std::string identity = arguments.Text("--certificate-identity");
  const std::string issuer = arguments.Text("--certificate-oidc-issuer");
  if (arguments.Given("--certificate-root")) {
    if (issuer.empty()) return std::optional<SignerIdentity>();
    return Error{Errc::kUsage, std::string(verb),
                 "--certificate-oidc-issuer is for Sigstore, not for a --certificate-root"};
  }
  if (identity.empty() && issuer.empty()) return std::optional<SignerIdentity>();
  if (!identity.empty() && !issuer.empty()) return std::optional(SignerIdentity{identity, issuer});
  return Error{Errc::kUsage, std::string(verb),
               "Sigstore's signers are known by --certificate-identity and "
               "--certificate-oidc-issuer together"};
}

}  // namespace

std::vector<Option> SignatureOptions() {
  return {
      {.name = "--key",
       .kind = ValueKind::kPath,
       .value = "FILE",
       .help = "the source must be signed by this public key: of minisign, signify, OpenSSH, PEM "
               "or a note; several: by one of them",
       .repeatable = true},
      OriginOption("the source must be signed by whom you trust for this origin"),
      {.name = "--require-signature",
       .help = "the source must be signed by somebody whom you trust"},
      {.name = "--signature",
       .kind = ValueKind::kPath,
       .value = "FILE",
       .help = "the signature of the source (default: NAME.sig or NAME.minisig beside it)",
       .repeatable = true},
      {.name = "--at-rest",
       .help = "what was accepted before counts, though it is expired or superseded"},
      {.name = "--allow-rollback",
       .kind = ValueKind::kText,
       .value = "REASON",
       .help = "let a statement through that is older than one seen before, and keep the reason"},
      {.name = "--certificate-root",
       .kind = ValueKind::kPath,
       .value = "FILE",
       .help = "believe certificates of this authority, in PEM",
       .repeatable = true},
      {.name = "--certificate-identity",
       .kind = ValueKind::kText,
       .value = "TEXT",
       .help = "the certificate must be of this URI or email address"},
      {.name = "--certificate-oidc-issuer",
       .kind = ValueKind::kText,
       .value = "URL",
       .help = "Sigstore: and this provider must have vouched for that identity"},
      {.name = "--trusted-root",
       .kind = ValueKind::kPath,
       .value = "FILE",
       .help = "Sigstore: another instance's trusted_root.json (default: the public instance's)"},
      {.name = "--builder",
       .kind = ValueKind::kText,
       .value = "URI",
       .help = "a provenance must be of this builder",
       .repeatable = true},
      {.name = "--certificate-subject",
       .kind = ValueKind::kText,
       .value = "TEXT",
       .help = "the certificate must be of this subject, as RFC 2253 writes it"},
      {.name = "--certificate-key",
       .kind = ValueKind::kText,
       .value = "SHA256",
       .help = "the certificate must be of the key with this fingerprint"},
      {.name = "--accept-legacy",
       .help = "also model signatures as versions before 1.0 of model_signing wrote them"},
  };
}

Result<SignatureRules> SignatureRulesAskedFor(std::string_view verb, const Arguments& arguments,
                                              Session& session) {
  SignatureRules rules{.store = UserTrust(), .now = Now()};
  for (const std::string& path : arguments.Values("--key")) {
    NamedKeys keys =
        HM_TRY(ParsePublicKeys(HM_TRY(ReadText(path)), path, static_cast<std::int64_t>(rules.now)));
    for (const std::string& line : keys.left_out) session.Note(fmt::format("{}: {}", path, line));
    if (keys.keys.size() == 1) keys.keys[0].name = path;  // as the user knows it
    for (NamedKey& key : keys.keys) rules.keys.push_back(std::move(key));
  }
  rules.certificates = HM_TRY(CertificatesAskedFor(verb, arguments));
  rules.identity = HM_TRY(IdentityAskedFor(verb, arguments));
  if (arguments.Given("--trusted-root")) {
    const std::string path = arguments.Text("--trusted-root");
    rules.sigstore_root =
        std::make_shared<const TrustedRoot>(HM_TRY(ParseTrustedRoot(HM_TRY(ReadText(path)), path)));
  }
  if (rules.certificates && rules.sigstore_root) {
    rules.certificates->timestamp_authorities = rules.sigstore_root->timestamp_authorities;
  }
  rules.builders = arguments.Values("--builder");
  rules.origin = HM_TRY(OriginAskedFor(verb, arguments));
  for (const std::string& path : arguments.Values("--signature")) rules.files.push_back(path);
  rules.trust.at_rest = arguments.Given("--at-rest");
  rules.trust.allow_rollback = arguments.Text("--allow-rollback");
  rules.accept_legacy = arguments.Given("--accept-legacy");
  rules.required = arguments.Given("--require-signature") || !rules.keys.empty() ||
                   rules.certificates || rules.identity || !rules.builders.empty() ||
                   !rules.origin.empty() || !rules.files.empty();
  return rules;
}

}  // namespace hallmark
