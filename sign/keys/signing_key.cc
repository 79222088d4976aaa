#include "sign/keys/signing_key.h"

#include "sign/keys/minisign_key.h"
#include "sign/keys/openssh_key.h"
#include "sign/keys/pem_key.h"
#include "sign/keys/secret_file.h"
#include "sign/keys/signify_key.h"

namespace hallmark {

Result<SigningKey> OpenSigningKey(const std::filesystem::path& path,
                                  const PasswordSource& password) {
  const Secret text = HM_TRY(ReadSecretFile(path));
  return ParseSigningKey(text, path.string(), password);
}

Result<SigningKey> ParseSigningKey(const Secret& text, const std::string& subject,
                                   const PasswordSource& password) {
  const std::string_view view = text.Text();
  if (IsMinisignSecretKey(view)) return ParseMinisignSecretKey(view, subject, password);
  if (IsSignifySecretKey(view)) return ParseSignifySecretKey(view, subject);
  if (IsOpensshPrivateKey(view)) return ParseOpensshPrivateKey(view, subject);
  if (IsPemPrivateKey(view)) return ParsePemPrivateKey(view, subject, password);
  return Error{Errc::kMalformed, subject, "it is no secret key", std::nullopt,
               "those of minisign, signify and OpenSSH and PEM of Ed25519 and ECDSA can be read"};
}

}  // namespace hallmark
