// Any bytes as a root, and as what is kept of an origin: refused with a reason, or read and written
// again as the same.
#include <cstdint>
#include <string>

#include "sign/trust/origin_trust.h"

namespace hallmark {
namespace {

void Check(std::string_view text) {
  if (const auto root = ParseTrustRoot(text, "fuzz"); root) {
    HM_CHECK(root->threshold >= 1 && root->threshold <= root->keys.size());
    const std::string written = WriteTrustRoot(*root);
    const auto again = ParseTrustRoot(written, "fuzz");
    HM_CHECK(again.has_value() && WriteTrustRoot(*again) == written);
  }
  const auto trust = OriginTrust::Parse(text, "fuzz");
  if (!trust) {
    HM_CHECK(!trust.error().message.empty());
    return;
  }
  const std::string written = trust->Write();
  const auto again = OriginTrust::Parse(written, "fuzz");
  HM_CHECK(again.has_value() && again->Write() == written);
}

}  // namespace
}  // namespace hallmark

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hallmark::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
