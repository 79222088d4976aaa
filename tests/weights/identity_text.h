// Digests and identities as texts, to be compared with vectors and with each other.
#pragma once

#include <string>
#include <utility>

#include "src/base/text.h"
#include "tests/weights/fake_model.h"
#include "weights/identity.h"

namespace hallmark {

// "bf16: 9432…", as docs/identity.md writes it; an error's message if there is none.
inline std::string DigestText(std::string bytes, Dtype dtype, const Shape& shape,
                              unsigned threads = 2) {
  const auto digest = DigestTensor(*TestFile(bytes), dtype, shape, {.threads = threads});
  if (!digest) return digest.error().message;
  return std::string(DtypeName(digest->dtype)) + ": " + ToHex(digest->digest);
}

inline std::string IdentityText(const Result<Model>& model, unsigned threads = 2) {
  if (!model) return "error: " + model.error().message;
  const auto identity = ComputeIdentity(*model, {.threads = threads});
  return identity ? identity->ToString() : "error: " + identity.error().message;
}

inline std::string IdentityText(const std::filesystem::path& path) {
  return IdentityText(Model::Open(path, {}));
}

}  // namespace hallmark
