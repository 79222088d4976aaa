// Torrents: hostile bencode, and what is made of it.
#include "tests/fuzz/source_properties.h"
#include "verify/sources/bencode.h"

namespace {

// Canonical form has one spelling for each value: keys rise, and every text lies in the input.
void CheckValue(const hallmark::BencodeValue& value, std::string_view text) {
  HM_CHECK(value.offset < text.size());
  const auto inside = [&](std::string_view part) {
    return part.empty() ||
           (part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size());
  };
  HM_CHECK(inside(value.text) && inside(value.key));
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (value.kind == hallmark::BencodeValue::Kind::kDictionary && i > 0) {
      HM_CHECK(value.items[i - 1].key < value.items[i].key);
      HM_CHECK(value.Find(value.items[i].key, value.items[i].kind) == &value.items[i]);
    }
    CheckValue(value.items[i], text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  const std::string_view text = FuzzText(data, size);
  CheckSource(ParseSource(text, "model.torrent"), "model.torrent");
  if (const auto value = ParseBencode(text)) CheckValue(*value, text);
  return 0;
}
