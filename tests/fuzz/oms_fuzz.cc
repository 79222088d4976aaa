// The statement in a model signature: the input stands in an envelope that is right, so that the
// fuzzer need not find base64 first. And base64 as such: what can be read has one spelling.
#include "src/base/base64.h"
#include "tests/fuzz/source_properties.h"

namespace {

std::string Encode(std::string_view bytes) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t b = 0; b < 3; ++b) {
      bits = bits << 8 | (i + b < bytes.size() ? static_cast<unsigned char>(bytes[i + b]) : 0u);
    }
    for (std::size_t d = 0; d < 4; ++d) {
      text += i + d <= bytes.size() ? kAlphabet[bits >> (18 - 6 * d) & 63] : '=';
    }
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  const std::string_view text = FuzzText(data, size);
  const std::string encoded = Encode(text);
  HM_CHECK(FromBase64(encoded) == text);
  if (const auto bytes = FromBase64(text)) HM_CHECK(Encode(*bytes) == text);
  const std::string bundle =
      R"({"dsseEnvelope":{"payloadType":"application/vnd.in-toto+json","payload":")" + encoded +
      "\"}}";
  CheckSource(ParseSource(bundle, "model.sig"), "model.sig");
  return 0;
}
