// Telling formats apart, and what is said of files that are none: names and hints stay one line of
// printable text, and the registry opens what it sniffed or says why not.
#include "formats/foreign.h"

#include "formats/registry.h"
#include "src/base/text.h"
#include "tests/fuzz/reader_properties.h"

namespace hallmark {
namespace {

void CheckPrintable(std::string_view text) {
  HM_CHECK(IsValidUtf8(text));
  HM_CHECK(std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }));
}

}  // namespace
}  // namespace hallmark

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  const std::vector<std::byte> bytes = FuzzBytes(data, size);
  const ForeignKind kind = RecogniseForeign(
      {ByteSpan(bytes).first(std::min<std::size_t>(bytes.size(), kHeadBytes)), bytes.size()});
  CheckPrintable(kind.what);
  CheckPrintable(kind.hint);
  return CheckOpening(data, size, OpenContainer, false);
}
