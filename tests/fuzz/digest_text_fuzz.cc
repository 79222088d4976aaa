// Any text is refused as a digest, or read as one that writes itself in lower case and reads back
// as the same; a digest in hex alone is taken by exactly the algorithms of its length.
#include <string_view>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/hash/digest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto digest = Digest::Parse(text)) {
    const AlgorithmInfo& info = InfoOf(digest->GetAlgorithm());
    const std::string written = digest->ToString();
    HM_CHECK(digest->Bytes().size() == info.digest_bytes);
    HM_CHECK(written == std::string(info.name) + ":" + digest->Hex());
    HM_CHECK(AsciiLower(text).ends_with(":" + digest->Hex()));
    HM_CHECK(Digest::Parse(written) == digest);
  }
  const auto bytes = FromHex(text);
  for (const AlgorithmInfo& info : AllAlgorithms()) {
    const auto digest = Digest::FromHex(info.algorithm, text);
    HM_CHECK(digest.has_value() == (bytes && bytes->size() == info.digest_bytes));
    HM_CHECK(!digest || digest->Hex() == AsciiLower(text));
  }
  return 0;
}
