#include "sign/keys/secret.h"

#include <sodium.h>

#include <algorithm>

namespace hallmark {
namespace {

std::byte* Allocate(std::size_t size) {
  static const int ready = sodium_init();
  HM_CHECK(ready >= 0);
  // Locks the pages where the system allows it; where not, the bytes are guarded all the same.
  void* const bytes = sodium_malloc(size);
  HM_CHECK(bytes != nullptr);
  sodium_memzero(bytes, size);
  return static_cast<std::byte*>(bytes);
}

}  // namespace

Secret::Secret(std::size_t size) : bytes_(Allocate(size)), size_(size) {}

void Secret::Wipe::operator()(std::byte* bytes) const { sodium_free(bytes); }

Secret Secret::Copy(ByteSpan bytes) { return JoinSecrets({bytes}); }

Secret Secret::Random(std::size_t size) {
  Secret secret(size);
  randombytes_buf(secret.Bytes().data(), size);
  return secret;
}

std::optional<Secret> Secret::FromBase64(std::string_view text, const char* ignored) {
  Secret room(text.size() / 4 * 3 + 3);
  std::size_t size = 0;
  // In libsodium, which neither branches on the digits nor leaves copies behind.
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(room.Bytes().data()), room.Size(),
                        text.data(), text.size(), ignored, &size, nullptr,
                        sodium_base64_VARIANT_ORIGINAL) != 0) {
    return std::nullopt;
  }
  return Copy(room.Bytes().first(size));
}

Secret Secret::ToBase64() const {
  // With the NUL that libsodium writes behind it.
  Secret text(sodium_base64_encoded_len(size_, sodium_base64_VARIANT_ORIGINAL));
  sodium_bin2base64(reinterpret_cast<char*>(text.Bytes().data()), text.Size(),
                    reinterpret_cast<const unsigned char*>(bytes_.get()), size_,
                    sodium_base64_VARIANT_ORIGINAL);
  return Copy(text.Bytes().first(text.Size() - 1));
}

Secret JoinSecrets(std::initializer_list<ByteSpan> parts) {
  std::size_t size = 0;
  for (const ByteSpan part : parts) size += part.size();
  Secret joined(size);
  std::byte* at = joined.Bytes().data();
  for (const ByteSpan part : parts) at = std::ranges::copy(part, at).out;
  return joined;
}

void WipeMemory(MutableByteSpan bytes) { sodium_memzero(bytes.data(), bytes.size()); }

}  // namespace hallmark
