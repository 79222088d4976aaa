// Any text is either refused as a receipt, with a reason, or one that is written to the same bytes
// again, and whose request names an output that stays in its folder.
#include "transform/receipt.h"

#include <string>
#include <string_view>

#include "transform/convert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<Receipt> receipt = ParseReceipt(text, "fuzz.json");
  if (!receipt) {
    HM_CHECK(receipt.error().subject == "fuzz.json" && !receipt.error().message.empty());
    return 0;
  }
  const std::string written = WriteReceipt(*receipt);
  const Result<Receipt> again = ParseReceipt(written, "fuzz.json");
  HM_CHECK(again.has_value());
  HM_CHECK(WriteReceipt(*again) == written);
  const auto request = ConvertRequest::FromParameters(receipt->request);
  if (request) {
    HM_CHECK(request->name.find('/') == std::string::npos && request->name != "..");
  }
  return 0;
}
