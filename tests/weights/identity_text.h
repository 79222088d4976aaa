// Digests and identities as texts, to be compared with vectors and with each other.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "src/base/text.h"
#include "tests/weights/fake_model.h"
#include "weights/identity.h"

namespace hallmark {

class MemorySource final : public BlockSource {
 public:
  explicit MemorySource(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t Size() const override { return bytes_.size(); }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    if (offset + out.size() > bytes_.size()) return Error{Errc::kIo, "memory", "beyond the end"};
    std::ranges::copy(AsBytes(bytes_).subspan(offset, out.size()), out.begin());
    return {};
  }

 private:
  std::string bytes_;
};

// "bf16: 9432…", as docs/identity.md writes it; an error's message if there is none.
inline std::string DigestText(std::string bytes, Dtype dtype, const Shape& shape,
                              unsigned threads = 2) {
  const auto digest =
      DigestTensor(MemorySource(std::move(bytes)), dtype, shape, {.threads = threads});
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
