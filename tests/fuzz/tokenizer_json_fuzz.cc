// Any bytes as tokenizer.json, and as what stands beside a real one.
#include "tests/fuzz/tokenizer_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string kJson =
      R"({"decoder":{"type":"ByteLevel"},"pre_tokenizer":{"type":"ByteLevel",)"
      R"("add_prefix_space":false},"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},)"
      R"("merges":["a b"]},"added_tokens":[{"id":3,"content":"<s>","special":true}]})";
  const std::string text(reinterpret_cast<const char*>(data), size);
  hallmark::CheckTokenizer({{"tokenizer.json", text}});
  hallmark::CheckTokenizer({{"tokenizer.json", kJson}, {"tokenizer_config.json", text}});
  hallmark::CheckTokenizer({{"tokenizer.json", kJson}, {"config.json", text}});
  return 0;
}
