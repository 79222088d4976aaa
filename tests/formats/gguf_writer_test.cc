#include "formats/gguf_writer.h"

#include <limits>

#include "tests/formats/gguf_bytes.h"
#include "tests/support/laid_out.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::HasSubstr;

MetadataEntry Number(std::string key, MetadataType type, MetadataValue value) {
  return {std::move(key), std::move(value), type};
}

Error ErrorOf(std::span<const TensorToWrite> tensors, std::span<const MetadataEntry> metadata) {
  const auto layout = LayOutGguf(tensors, metadata);
  if (layout) {
    ADD_FAILURE() << "laid out";
    return {};
  }
  return layout.error();
}
Error ErrorOf(const TensorToWrite& tensor) { return ErrorOf({{tensor}}, {}); }
Error ErrorOf(const MetadataEntry& entry) { return ErrorOf({}, {{entry}}); }

TEST(GgufWriter, PadsTheHeaderAndEveryTensor) {
  const std::vector<TensorToWrite> tensors = {
      {"a", Dtype::kF32, {2, 3}}, {"none", Dtype::kF16, {0, 5}}, {"b", Dtype::kI8, {1}}};
  const std::vector<MetadataEntry> metadata = {
      Number("general.alignment", MetadataType::kU32, std::uint64_t{64})};

  const auto layout = LayOutGguf(tensors, metadata);

  ASSERT_TRUE(Ok(layout));
  const std::string a(24, 'a');
  std::string expected =
      GgufFile{.entries = {GgufEntry("general.alignment", 4, Le32(64))},
               .tensors = {{"a", {3, 2}, 0, 0}, {"none", {5, 0}, 1, 64}, {"b", {1}, 24, 64}},
               .alignment = 64}
          .Text();
  expected += a + std::string(40, '\0') + "b" + std::string(63, '\0');
  EXPECT_EQ(FillLayout(*layout, std::vector<std::string>{a, "", "b"}), expected);
}

// ggml_n_dims; a dimension of 0 stays, for the tensor would not be empty without it.
TEST(GgufWriter, DropsOnesAtTheFrontOfAShape) {
  struct Row {
    Shape shape;
    std::vector<std::uint64_t> ne;
  };
  for (const Row& row :
       {Row{{}, {1}}, Row{{1}, {1}}, Row{{1, 1}, {1}}, Row{{1, 5}, {5}}, Row{{5, 1}, {1, 5}},
        Row{{1, 1, 1, 1, 2, 3}, {3, 2}}, Row{{0, 5}, {5, 0}}, Row{{1, 0}, {0}}}) {
    const std::vector<TensorToWrite> tensors = {{"w", Dtype::kI8, row.shape}};
    const auto layout = LayOutGguf(tensors, {});
    ASSERT_TRUE(Ok(layout));
    const std::string payload(*PayloadBytes(Dtype::kI8, row.shape), 'x');
    EXPECT_THAT(FillLayout(*layout, {{payload}}),
                testing::StartsWith(GgufFile{.tensors = {{"w", row.ne, 24, 0}}}.Header()))
        << ShapeText(row.shape);
  }
}

TEST(GgufWriter, RefusesTensorsThatLlamaCppRefuses) {
  EXPECT_EQ(ErrorOf({std::string(64, 'n'), Dtype::kF32, {1}}).code, Errc::kUnsupported);
  EXPECT_TRUE(
      Ok(LayOutGguf(std::vector<TensorToWrite>{{std::string(63, 'n'), Dtype::kF32, {1}}}, {})));
  EXPECT_EQ(ErrorOf({std::string("a\0b", 3), Dtype::kF32, {1}}).code, Errc::kUnsupported);
  EXPECT_EQ(ErrorOf({"w", Dtype::kF32, {2, 1, 1, 1, 1}}).message,
            "tensor w: 5 dimensions, llama.cpp's limit is 4");
  EXPECT_EQ(ErrorOf({"w", Dtype::kQ4_K, {256, 128}}).message,
            "tensor w: 128 values of type q4_k are not whole blocks of 256");
}

TEST(GgufWriter, RefusesMetadataThatCannotBeSaid) {
  EXPECT_EQ(ErrorOf(Number("", MetadataType::kBool, true)).message, "a metadata key is empty");
  EXPECT_EQ(ErrorOf(Number(std::string(65'536, 'k'), MetadataType::kBool, true)).code,
            Errc::kMalformed);
  EXPECT_EQ(ErrorOf(Number("k", MetadataType::kUntyped, std::string("v"))).code,
            Errc::kUnsupported);
  const std::vector<MetadataEntry> twice = {Number("k", MetadataType::kBool, true),
                                            Number("k", MetadataType::kBool, true)};
  EXPECT_EQ(ErrorOf({}, twice).message, "the metadata key k stands twice");

  const auto inner = std::make_shared<MetadataArray>(MetadataType::kU8);
  const auto outer = std::make_shared<MetadataArray>(MetadataType::kArray);
  outer->AppendArray(inner);
  EXPECT_EQ(ErrorOf(Number("k", MetadataType::kArray, outer)).message,
            "metadata k: llama.cpp takes no arrays of arrays");
}

TEST(GgufWriter, RefusesValuesThatTheirTypeCannotHold) {
  for (const MetadataEntry& entry :
       {Number("k", MetadataType::kU8, std::uint64_t{256}),
        Number("k", MetadataType::kU16, std::uint64_t{65'536}),
        Number("k", MetadataType::kU32, std::uint64_t{1} << 32),
        Number("k", MetadataType::kI8, std::int64_t{-129}),
        Number("k", MetadataType::kI16, std::int64_t{32'768}),
        Number("k", MetadataType::kI32, std::int64_t{1} << 31),
        Number("k", MetadataType::kU32, std::int64_t{1}),
        Number("k", MetadataType::kI32, std::uint64_t{1}), Number("k", MetadataType::kF32, 1e39),
        Number("k", MetadataType::kF32, std::uint64_t{1}),
        Number("k", MetadataType::kF64, std::string("1")),
        Number("k", MetadataType::kBool, std::uint64_t{1}),
        Number("k", MetadataType::kString, true), Number("k", MetadataType::kArray, true)}) {
    const Error error = ErrorOf(entry);
    EXPECT_EQ(error.code, Errc::kMalformed) << MetadataTypeName(entry.type);
    EXPECT_THAT(error.message, HasSubstr("metadata k: its value does not fit its type"));
  }
  EXPECT_TRUE(Ok(LayOutGguf(
      {}, std::vector{Number("k", MetadataType::kF32, -std::numeric_limits<double>::infinity())})));
}

TEST(GgufWriter, RefusesAlignmentsWithoutMeaning) {
  for (const std::uint64_t alignment : {0, 48, 1 << 21}) {
    EXPECT_EQ(ErrorOf(Number("general.alignment", MetadataType::kU32, alignment)).code,
              Errc::kMalformed)
        << alignment;
  }
  EXPECT_EQ(ErrorOf(Number("general.alignment", MetadataType::kU64, std::uint64_t{32})).message,
            "general.alignment is of type u64, u32 is needed");
}

// Each tensor of a byte takes a mebibyte of it.
TEST(GgufWriter, RefusesPaddingBeyondMeasure) {
  std::vector<TensorToWrite> tensors;
  for (int i = 0; i < 300; ++i) tensors.push_back({std::to_string(i), Dtype::kI8, {1}});
  const std::vector<MetadataEntry> metadata = {
      Number("general.alignment", MetadataType::kU32, std::uint64_t{1} << 20)};

  const Error error = ErrorOf(tensors, metadata);

  EXPECT_EQ(error.code, Errc::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("bytes of header and padding, limit 268435456"));
}

}  // namespace
}  // namespace hallmark
