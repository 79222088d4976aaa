// Bytes that nobody else should see: kept out of swap where the system allows it, and wiped.
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace hallmark {

// Owns guarded memory of a fixed size (libsodium's sodium_malloc). Movable, never copied by
// accident.
class Secret {
 public:
  explicit Secret(std::size_t size);  // zeros
  static Secret Copy(ByteSpan bytes);
  static Secret Random(std::size_t size);
  // RFC 4648, section 4, in its one canonical form; characters of `ignored`, which ends with a NUL,
  // may stand anywhere. nullopt for any other text.
  static std::optional<Secret> FromBase64(std::string_view text, const char* ignored = "");
  Secret(Secret&&) noexcept = default;
  Secret& operator=(Secret&&) noexcept = default;

  std::size_t Size() const { return size_; }
  ByteSpan Bytes() const { return {bytes_.get(), size_}; }
  MutableByteSpan Bytes() { return {bytes_.get(), size_}; }
  std::string_view Text() const { return AsText(Bytes()); }
  Secret ToBase64() const;

 private:
  struct Wipe {
    void operator()(std::byte* bytes) const;
  };
  std::unique_ptr<std::byte[], Wipe> bytes_;
  std::size_t size_;
};

// All parts, one after another.
Secret JoinSecrets(std::initializer_list<ByteSpan> parts);

// Asks for a password; `what` says of what: "the password of release.key". Errors: those of whom
// it asks, kUsage where nobody can be asked.
using PasswordSource = std::function<Result<Secret>(std::string_view what)>;

// Overwrites what a library left in ordinary memory.
void WipeMemory(MutableByteSpan bytes);

}  // namespace hallmark
