#include "sign/keys/pkcs11_signer.h"

#include <fmt/format.h>
#include <libp11.h>
#include <openssl/ui.h>

#include <optional>
#include <span>
#include <string>
#include <utility>

#include "sign/keys/openssl_signer.h"
#include "sign/keys/pkcs11_uri.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

bool Fits(const std::optional<std::string>& wanted, const char* given) {
  return !wanted || *wanted == (given != nullptr ? given : "");
}

bool FitsToken(const Pkcs11Uri& uri, const PKCS11_TOKEN& token) {
  return Fits(uri.token, token.label) && Fits(uri.serial, token.serialnr) &&
         Fits(uri.manufacturer, token.manufacturer) && Fits(uri.model, token.model);
}

bool FitsKey(const Pkcs11Uri& uri, const PKCS11_KEY& key) {
  const std::string_view id(reinterpret_cast<const char*>(key.id), key.id_len);
  return Fits(uri.object, key.label) && (!uri.id || *uri.id == id);
}

// Some keys want the PIN again for each signature: libp11 asks for it through OpenSSL.
int GivePin(UI* ui, UI_STRING* question) {
  const auto* pin = static_cast<const std::optional<Secret>*>(UI_get0_user_data(ui));
  if (UI_get_string_type(question) != UIT_PROMPT) return 1;
  if (pin == nullptr || !*pin) return 0;
  return UI_set_result(ui, question, (*pin)->Text().data()) == 0 ? 1 : 0;
}

// The module, its slots and the PIN; all that a key on a token needs to live.
class Session {
 public:
  explicit Session(std::string module) : module_(std::move(module)) {}
  ~Session() {
    if (slots_ != nullptr) PKCS11_release_all_slots(context_.get(), slots_, slot_count_);
    if (loaded_) PKCS11_CTX_unload(context_.get());
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Result<void> Load() {
    std::error_code error;
    if (!fs::exists(module_, error)) return Problem(Errc::kNotFound, "there is no such module");
    loaded_ = context_ && PKCS11_CTX_load(context_.get(), module_.c_str()) == 0;
    if (!loaded_) return Problem(Errc::kIo, "it is no PKCS #11 module that can be loaded");
    if (PKCS11_enumerate_slots(context_.get(), &slots_, &slot_count_) != 0) {
      return Problem(Errc::kIo, "the module does not tell its slots");
    }
    UI_method_set_reader(pin_dialogue_.get(), GivePin);
    PKCS11_set_ui_method(context_.get(), pin_dialogue_.get(), &pin_);
    return {};
  }

  Result<PKCS11_SLOT*> FindToken(const Pkcs11Uri& uri) {
    PKCS11_SLOT* found = nullptr;
    for (PKCS11_SLOT& slot : std::span(slots_, slot_count_)) {
      if (slot.token == nullptr || slot.token->initialized == 0 || !FitsToken(uri, *slot.token)) {
        continue;
      }
      if (found != nullptr) return Problem(Errc::kUsage, "more than one token fits the URI");
      found = &slot;
    }
    if (found == nullptr) return Problem(Errc::kNotFound, "no token fits the URI");
    return found;
  }

  Result<void> LogIn(PKCS11_SLOT* slot, const PasswordSource& pin) {
    const PKCS11_TOKEN& token = *slot->token;
    if (token.userPinLocked != 0) return Problem(Errc::kUsage, "the token's PIN is locked");
    if (PKCS11_open_session(slot, 0) != 0) return Problem(Errc::kIo, "the token does not answer");
    if (token.loginRequired == 0) return {};
    const Secret given =
        HM_TRY(pin(fmt::format("the PIN of the token {}", EscapeForPeople(Text(token.label)))));
    pin_ = JoinSecrets({given.Bytes(), Secret(1).Bytes()});  // a NUL ends it
    if (PKCS11_login(slot, 0, pin_->Text().data()) == 0) return {};
    return Error{Errc::kUsage, module_, "the token refuses the PIN", std::nullopt,
                 "it counts wrong ones, and locks itself after a few"};
  }

  Result<PKCS11_KEY*> FindKey(PKCS11_SLOT* slot, const Pkcs11Uri& uri) {
    PKCS11_KEY* keys = nullptr;
    unsigned int count = 0;
    if (PKCS11_enumerate_keys(slot->token, &keys, &count) != 0) {
      return Problem(Errc::kIo, "the token does not tell its keys");
    }
    PKCS11_KEY* found = nullptr;
    for (PKCS11_KEY& key : std::span(keys, count)) {
      if (key.isPrivate == 0 || !FitsKey(uri, key)) continue;
      if (found != nullptr) return Problem(Errc::kUsage, "more than one key fits the URI");
      found = &key;
    }
    if (found == nullptr) return Problem(Errc::kNotFound, "no private key fits the URI");
    return found;
  }

  Error Problem(Errc code, std::string message) const {
    return {code, module_, std::move(message)};
  }

 private:
  static std::string_view Text(const char* text) { return text != nullptr ? text : ""; }

  std::string module_;
  OpensslPtr<PKCS11_CTX, PKCS11_CTX_free> context_{PKCS11_CTX_new()};
  OpensslPtr<UI_METHOD, UI_destroy_method> pin_dialogue_{UI_create_method("hallmark")};
  std::optional<Secret> pin_;
  bool loaded_ = false;
  PKCS11_SLOT* slots_ = nullptr;
  unsigned int slot_count_ = 0;
};

class TokenSigner final : public Signer {
 public:
  TokenSigner(std::unique_ptr<Session> session, PrivateKeyPtr key, PublicKey public_key)
      : session_(std::move(session)), key_(std::move(key)), public_key_(std::move(public_key)) {}

  const PublicKey& Public() const override { return public_key_; }
  Result<std::string> Sign(ByteSpan message) const override {
    auto signature = SignEcdsa(key_.get(), public_key_, message);
    if (!signature) return session_->Problem(Errc::kIo, signature.error().message);
    return signature;
  }

 private:
  std::unique_ptr<Session> session_;  // goes last
  PrivateKeyPtr key_;
  PublicKey public_key_;
};

}  // namespace

Result<std::unique_ptr<Signer>> OpenPkcs11Key(std::string_view uri, const fs::path& module,
                                              const PasswordSource& pin) {
  const OpensslErrors errors;
  const Pkcs11Uri wanted = HM_TRY(ParsePkcs11Uri(uri));
  auto session = std::make_unique<Session>(module.string());
  HM_TRY(session->Load());
  PKCS11_SLOT* const slot = HM_TRY(session->FindToken(wanted));
  HM_TRY(session->LogIn(slot, pin));
  PKCS11_KEY* const found = HM_TRY(session->FindKey(slot, wanted));
  if (PKCS11_get_key_type(found) != EVP_PKEY_EC) {
    return session->Problem(Errc::kUnsupported, "the key is not one of ECDSA");
  }
  PrivateKeyPtr key(PKCS11_get_private_key(found));
  if (!key) return session->Problem(Errc::kUnsupported, "the key cannot be used");
  auto public_key = HM_TRY(PublicHalf(key.get(), module.string()));
  return std::make_unique<TokenSigner>(std::move(session), std::move(key), std::move(public_key));
}

}  // namespace hallmark
