#include "formats/safetensors_writer.h"

#include "formats/safetensors.h"
#include "tests/support/laid_out.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::HasSubstr;

std::string TextOf(std::span<const TensorToWrite> tensors,
                   const std::map<std::string, std::string>& metadata,
                   std::span<const std::string> payloads) {
  const auto layout = LayOutSafetensors(tensors, metadata);
  if (!layout) {
    ADD_FAILURE() << layout.error().message;
    return {};
  }
  return FillLayout(*layout, payloads);
}

TEST(SafetensorsWriter, PutsWideTypesFirstAndPadsTheHeaderWithSpaces) {
  const std::vector<TensorToWrite> tensors = {
      {"b", Dtype::kU8, {}}, {"z", Dtype::kF16, {1, 1}}, {"a", Dtype::kU8, {0}}};

  const std::string text = TextOf(tensors, {}, std::vector<std::string>{"x", "yz", ""});

  std::string header = R"({"z":{"dtype":"F16","shape":[1,1],"data_offsets":[0,2]},)"
                       R"("a":{"dtype":"U8","shape":[0],"data_offsets":[2,2]},)"
                       R"("b":{"dtype":"U8","shape":[],"data_offsets":[2,3]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  EXPECT_EQ(text, Le64(header.size()) + header + "yzx");
}

TEST(SafetensorsWriter, SortsMetadataAndEscapesItAsTheReferenceDoes) {
  EXPECT_EQ(TextOf({}, {{"b", "1\"\\\n"}, {"a\x01", "é\x7f"}}, {}),
            Le64(48) + R"({"__metadata__":{"a\u0001":")"
                       "é\x7f"
                       R"(","b":"1\"\\\n"}})");
  EXPECT_EQ(TextOf({}, {}, {}), Le64(8) + "{}      ");
}

TEST(SafetensorsWriter, RefusesWhatTheFormatCannotSay) {
  const std::vector<TensorToWrite> named_as_metadata = {{"__metadata__", Dtype::kU8, {}}};
  EXPECT_EQ(LayOutSafetensors(named_as_metadata, {}).error().code, Errc::kMalformed);
  const std::vector<TensorToWrite> no_text = {{"\xff", Dtype::kU8, {}}};
  EXPECT_EQ(LayOutSafetensors(no_text, {}).error().message,
            "tensor \\xff: its name is not valid UTF-8");
  EXPECT_EQ(LayOutSafetensors({}, {{"k", "\xff"}}).error().message,
            "the metadata k is not valid UTF-8");
  EXPECT_EQ(LayOutSafetensors({}, {{"\xff", "v"}}).error().code, Errc::kMalformed);
  const std::vector<TensorToWrite> half_a_byte = {{"w", Dtype::kF4E2m1, {3}}};
  EXPECT_EQ(LayOutSafetensors(half_a_byte, {}).error().code, Errc::kMalformed);
}

TEST(SafetensorsWriter, RefusesAHeaderBeyondTheReferenceReadersLimit) {
  const std::string frame = R"({"__metadata__":{"k":""}})";
  const std::string value(100'000'000 - frame.size() + 1, 'x');

  const auto beyond = LayOutSafetensors({}, {{"k", value}});

  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().code, Errc::kUnsupported);
  EXPECT_EQ(beyond.error().message, "a header of 100000008 bytes, limit 100000000");
}

}  // namespace
}  // namespace hallmark
