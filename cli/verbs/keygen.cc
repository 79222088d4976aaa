// hallmark keygen: a key to sign with.
#include <fmt/format.h>

#include <optional>

#include "cli/report/json.h"
#include "cli/session.h"
#include "cli/signing.h"
#include "cli/verbs/verbs.h"
#include "sign/detached/public_key_file.h"
#include "sign/keys/minisign_key.h"
#include "sign/keys/pem_key.h"
#include "sign/keys/secret_file.h"
#include "sign/keys/signing_key.h"
#include "sign/notes/note.h"
#include "src/base/text.h"
#include "src/io/atomic_file.h"

namespace hallmark {
namespace {

struct KeyTexts {
  Secret secret;
  std::string open;  // of the public key's file
};

Result<KeyTexts> MakeEd25519(const Secret* password) {
  const MinisignKey key = GenerateMinisignKey();
  Secret secret = HM_TRY(WriteMinisignSecretKey(key, password));
  const std::unique_ptr<Signer> signer = Ed25519Signer(key.seed);
  return KeyTexts{std::move(secret), WriteMinisignPublicKey(signer->Public(), key.number)};
}

Result<KeyTexts> MakeEc(KeyType type, const Secret* password) {
  Secret secret = HM_TRY(GenerateEcKeyPem(type, password));
  const auto again = [&](std::string_view) -> Result<Secret> {
    HM_CHECK(password != nullptr);
    return Secret::Copy(password->Bytes());
  };
  const SigningKey key = HM_TRY(ParseSigningKey(secret, "the new key", again));
  return KeyTexts{std::move(secret), key.signer->Public().Pem()};
}

KeyType TypeNamed(std::string_view name) {
  for (const KeyType type : {KeyType::kP256, KeyType::kP384, KeyType::kP521}) {
    if (KeyTypeName(type) == name) return type;
  }
  return KeyType::kEd25519;
}

Result<ExitCode> Run(const Arguments& arguments, Session& session) {
  const std::string output = arguments.Text("--output");
  if (output.empty()) {
    return Error{Errc::kUsage, "keygen", "--output is missing: where the key goes", std::nullopt,
                 "-o release writes release.key and release.pub"};
  }
  const std::string secret_path = output + ".key";
  const std::string public_path = output + ".pub";
  for (const std::string& path : {secret_path, public_path}) {
    if (CheckTarget(path, false)) continue;
    return Error{Errc::kUsage, path, "it exists already, and keys are never replaced", std::nullopt,
                 "choose another name"};
  }
  const bool has_password = arguments.Given("--password-file") || arguments.Given("--password-fd");
  if (arguments.Given("--no-password") && has_password) {
    return Error{Errc::kUsage, "keygen", "--no-password does not go with a password"};
  }
  std::optional<Secret> password;
  if (!arguments.Given("--no-password")) {
    const PasswordSource source = HM_TRY(PasswordAskedFor(arguments, true));
    password = HM_TRY(source("a password for " + secret_path));
    if (password->Size() == 0) {
      return Error{Errc::kUsage, "keygen", "the password is empty", std::nullopt,
                   "--no-password makes a key without one"};
    }
  }
  const KeyType type = TypeNamed(arguments.Text("--type"));
  const Secret* const secret_of = password ? &*password : nullptr;
  const KeyTexts texts =
      HM_TRY(type == KeyType::kEd25519 ? MakeEd25519(secret_of) : MakeEc(type, secret_of));
  HM_TRY(WriteSecretFile(secret_path, texts.secret));
  HM_TRY(WriteFileAtomically(public_path, texts.open, false));
  const NamedKey key = HM_TRY(ParsePublicKey(texts.open, public_path));
  if (arguments.Given("--json")) {
    JsonWriter json = BeginReport("keygen", "ok", ExitCode::kOk);
    json.Member("type", KeyTypeName(type))
        .Member("secret_key", secret_path)
        .Member("public_key", public_path)
        .Member("fingerprint", key.key.Fingerprint().ToString());
    HM_TRY(session.Print(EndReport(&json)));
    return ExitCode::kOk;
  }
  HM_TRY(
      session.Print(fmt::format("{}: secret, keep it{}\n{}: for everybody\nfingerprint: {}\n",
                                EscapeForPeople(secret_path), password ? " and its password" : "",
                                EscapeForPeople(public_path), key.key.Fingerprint().ToString())));
  return ExitCode::kOk;
}

}  // namespace

Verb KeygenVerb() {
  return {
      .name = "keygen",
      .summary = "make a key to sign with",
      .description =
          "Writes NAME.key, which only you may read, and NAME.pub. Keys of type ed25519 are "
          "minisign's files: minisign signs with them and checks with them, and they sign "
          "statements, signify and SSH signatures too. OMS signatures need a key of type p256, "
          "p384 or p521, in PEM.\n\n"
          "The password is asked for at the terminal. A lost key cannot be replaced by anybody; "
          "whoever trusts it has to be told of the next one.",
      .options = {OutputOption("write NAME.key and NAME.pub"),
                  {.name = "--type",
                   .kind = ValueKind::kChoice,
                   .value = "TYPE",
                   .help = "kind of key",
                   .choices = {"ed25519", "p256", "p384", "p521"},
                   .fallback = "ed25519"},
                  {.name = "--no-password", .help = "the key's file is all that is needed to sign"},
                  PasswordOptions()[0],
                  PasswordOptions()[1],
                  JsonOption()},
      .examples = {{"hallmark keygen -o release", "a key with a password"},
                   {"hallmark keygen -o ci --no-password", "for a machine that signs by itself"},
                   {"hallmark keygen -o oms --type p256", "for OMS signatures"}},
      .exits = WithCommonExits({{ExitCode::kOk, "made"}}),
      .run = Run,
  };
}

}  // namespace hallmark
