// Metalinks, as XML that a server sent.
#include "tests/fuzz/source_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  CheckSource(ParseSource(FuzzText(data, size), "model.meta4"), "model.meta4");
  return 0;
}
