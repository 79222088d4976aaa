// What ggml, gguf-py and torch round these f32 patterns to; NaNs apart, whose bits they differ in.
#include <charconv>
#include <cstring>

#include "src/io/file.h"
#include "src/json/json_reader.h"
#include "src/kernels/round.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

std::vector<std::uint32_t> Patterns(const JsonValue& rounding, std::string_view key) {
  std::vector<std::uint32_t> patterns;
  for (const JsonValue& item : rounding.Find(key)->Items()) {
    const std::string_view text = *item.AsString();
    std::uint32_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value, 16);
    patterns.push_back(value);
  }
  return patterns;
}

TEST(RoundVectors, AreWhatTheOthersRoundTo) {
  const auto file = OpenFile(std::filesystem::path(HALLMARK_FIXTURES) / "expected.json");
  ASSERT_TRUE(file);
  const auto text = ReadWholeFile(**file, 64 << 20);
  ASSERT_TRUE(text);
  const auto document = JsonDocument::Parse(*text, "expected.json");
  ASSERT_TRUE(document);
  const JsonValue rounding = *document->Root().Find("rounding");
  const std::vector<std::uint32_t> values = Patterns(rounding, "f32_bits");
  for (const auto& [key, to] :
       {std::pair{"ggml_f16", Dtype::kF16}, std::pair{"ggml_bf16", Dtype::kBf16},
        std::pair{"ggufpy_f16", Dtype::kF16}, std::pair{"ggufpy_bf16", Dtype::kBf16}}) {
    const std::vector<std::uint32_t> expected = Patterns(rounding, key);
    ASSERT_EQ(expected.size(), values.size());
    std::vector<std::uint16_t> rounded(values.size());
    RoundTo(Dtype::kF32, to, std::as_bytes(std::span(values)),
            std::as_writable_bytes(std::span(rounded)));
    for (std::size_t i = 0; i < values.size(); ++i) {
      if ((values[i] & 0x7fffffff) > 0x7f800000) continue;
      EXPECT_EQ(rounded[i], expected[i]) << key << std::hex << " of " << values[i];
    }
  }
}

}  // namespace
}  // namespace hallmark
