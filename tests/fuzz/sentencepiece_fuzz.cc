// Any bytes as tokenizer.model, alone.
#include "tests/fuzz/tokenizer_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  hallmark::CheckTokenizer({{"tokenizer.model", text}});
  return 0;
}
