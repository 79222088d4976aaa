// Any bytes are refused, or read as ranks that are written as they are read.
#include "tests/fuzz/tokenizer_properties.h"
#include "transform/tokenizer_merges.h"
#include "transform/tokenizer_tiktoken.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  const std::string text(reinterpret_cast<const char*>(data), size);
  CheckTokenizer({{"tokenizer.model", text}});
  const auto ranks = ReadTiktoken(text, "fuzz");
  if (!ranks) return 0;
  Tokenizer tokenizer;
  tokenizer.kind = TokenizerKind::kBytePairs;
  for (const std::string& bytes : *ranks) tokenizer.tokens.push_back({ToByteAlphabet(bytes)});
  const auto written = WriteTiktoken(tokenizer);
  HM_CHECK(written.has_value());
  const std::string again(reinterpret_cast<const char*>(written->data()), written->size());
  HM_CHECK(ReadTiktoken(again, "again") == *ranks);
  return 0;
}
