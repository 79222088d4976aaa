#include "formats/safetensors.h"

#include <fmt/format.h>

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::HasSubstr;

std::string FileText(std::string_view header, std::size_t data_bytes) {
  return Le64(header.size()) + std::string(header) + std::string(data_bytes, 'x');
}

// The error of opening a file with this header and this much data behind it.
Error ErrorOf(std::string_view header, std::size_t data_bytes) {
  const auto file = TestFile(FileText(header, data_bytes), "bad.safetensors");
  const auto reader = OpenSafetensors(*file);
  if (reader) {
    ADD_FAILURE() << "opened: " << header;
    return {};
  }
  EXPECT_EQ(reader.error().subject, "bad.safetensors");
  return reader.error();
}

// A file that ends early is the commonest damage a mirror does.
TEST(Safetensors, RefusesAHeaderLengthPastTheEnd) {
  const auto file = TestFile(Le64(99) + "{}", "cut.safetensors");

  const auto reader = OpenSafetensors(*file);

  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, Errc::kMalformed);
  EXPECT_EQ(reader.error().offset, 0u);
  EXPECT_EQ(reader.error().message, "header length 99 exceeds the 2 bytes that follow it");
  EXPECT_THAT(reader.error().hint, HasSubstr("truncated"));
}

TEST(Safetensors, RefusesHeaderLengthsThatLie) {
  for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{3},
                                     std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
    const auto file = TestFile(Le64(length) + "{}", "x");
    const auto reader = OpenSafetensors(*file);
    ASSERT_FALSE(reader) << length;
    EXPECT_EQ(reader.error().code, Errc::kMalformed) << length;
  }
}

TEST(Safetensors, RefusesAHeaderOverTheLimit) {
  // The limit is told before anything is read: the file seems long without holding bytes.
  class LongFile final : public File {
   public:
    std::uint64_t Size() const override { return std::uint64_t{1} << 40; }
    const std::string& Name() const override { return name_; }
    FileStamp Stamp() const override { return {}; }
    Result<void> CheckUnchanged() const override { return {}; }
    Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
      EXPECT_EQ(offset, 0u);
      EXPECT_EQ(out.size(), 8u);
      StoreLittle<std::uint64_t>(out.data(), 100'000'001);
      return {};
    }

   private:
    std::string name_ = "long.safetensors";
  } file;

  const auto reader = OpenSafetensors(file);

  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().message, "header length 100000001, limit 100000000");
}

TEST(Safetensors, OpensAHeaderWithoutTensors) {
  for (const std::string_view header : {"{}", "{}      ", R"({"__metadata__":{"a":"b"}})"}) {
    const auto file = TestFile(FileText(header, 0));
    const auto reader = OpenSafetensors(*file);
    ASSERT_TRUE(Ok(reader)) << header;
    EXPECT_TRUE((*reader)->Tensors().empty());
  }
}

TEST(Safetensors, KeepsMetadataInOrder) {
  const auto file = TestFile(FileText(R"({"__metadata__":{"z":"1","a":"é"}})", 0));

  const auto reader = OpenSafetensors(*file);

  ASSERT_TRUE(Ok(reader));
  const auto metadata = (*reader)->Metadata();
  ASSERT_EQ(metadata.size(), 2u);
  EXPECT_EQ(metadata[0].key, "z");
  EXPECT_EQ(metadata[0].value, MetadataValue("1"));
  EXPECT_EQ(metadata[0].type, MetadataType::kString);
  EXPECT_EQ(metadata[1].key, "a");
  EXPECT_EQ(metadata[1].value, MetadataValue("é"));
}

TEST(Safetensors, ListsTensorsInTheOrderOfTheirData) {
  const auto file =
      TestFile(FileText(R"({"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},)"
                        R"("a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},)"
                        R"("none":{"dtype":"F32","shape":[0,7],"data_offsets":[1,1]}})",
                        3));

  const auto reader = OpenSafetensors(*file);

  ASSERT_TRUE(Ok(reader));
  ASSERT_EQ((*reader)->Tensors().size(), 3u);
  EXPECT_EQ((*reader)->Tensors()[0].name, "a");
  EXPECT_EQ((*reader)->Tensors()[1].name, "none");
  EXPECT_EQ((*reader)->Tensors()[2].name, "b");
}

TEST(Safetensors, KnowsEveryDtype) {
  // Name, the elements of a tensor, its bytes: from the reference implementation's bit sizes.
  struct Row {
    std::string_view name;
    int elements;
    std::size_t bytes;
    Dtype dtype;
  };
  for (const Row& row : {Row{"BOOL", 3, 3, Dtype::kBool},
                         Row{"F4", 6, 3, Dtype::kF4E2m1},
                         Row{"F6_E2M3", 8, 6, Dtype::kF6E2m3},
                         Row{"F6_E3M2", 4, 3, Dtype::kF6E3m2},
                         Row{"U8", 3, 3, Dtype::kU8},
                         Row{"I8", 3, 3, Dtype::kI8},
                         Row{"F8_E5M2", 3, 3, Dtype::kF8E5m2},
                         Row{"F8_E4M3", 3, 3, Dtype::kF8E4m3},
                         Row{"F8_E8M0", 3, 3, Dtype::kF8E8m0},
                         Row{"F8_E4M3FNUZ", 3, 3, Dtype::kF8E4m3fnuz},
                         Row{"F8_E5M2FNUZ", 3, 3, Dtype::kF8E5m2fnuz},
                         Row{"I16", 3, 6, Dtype::kI16},
                         Row{"U16", 3, 6, Dtype::kU16},
                         Row{"F16", 3, 6, Dtype::kF16},
                         Row{"BF16", 3, 6, Dtype::kBf16},
                         Row{"I32", 3, 12, Dtype::kI32},
                         Row{"U32", 3, 12, Dtype::kU32},
                         Row{"F32", 3, 12, Dtype::kF32},
                         Row{"C64", 3, 24, Dtype::kC64},
                         Row{"F64", 3, 24, Dtype::kF64},
                         Row{"I64", 3, 24, Dtype::kI64},
                         Row{"U64", 3, 24, Dtype::kU64}}) {
    const auto file = TestFile(
        FileText(fmt::format(R"({{"t":{{"dtype":"{}","shape":[{}],"data_offsets":[0,{}]}}}})",
                             row.name, row.elements, row.bytes),
                 row.bytes));
    const auto reader = OpenSafetensors(*file);
    ASSERT_TRUE(Ok(reader)) << row.name;
    EXPECT_EQ((*reader)->Tensors()[0].dtype, row.dtype) << row.name;
  }
}

TEST(Safetensors, RefusesDtypesItDoesNotKnow) {
  const Error error = ErrorOf(R"({"t":{"dtype":"Q4","shape":[1],"data_offsets":[0,1]}})", 1);

  EXPECT_EQ(error.code, Errc::kUnsupported);
  EXPECT_EQ(error.message, "tensor t: its dtype Q4 is not known");
  EXPECT_EQ(error.offset, 9u);
}

TEST(Safetensors, RefusesBrokenDescriptions) {
  for (const std::string_view tensor :
       {"1",
        "[]",
        "{}",
        R"({"dtype":"U8","shape":[1]})",
        R"({"dtype":"U8","data_offsets":[0,1]})",
        R"({"shape":[1],"data_offsets":[0,1]})",
        R"({"dtype":8,"shape":[1],"data_offsets":[0,1]})",
        R"({"dtype":"U8","shape":1,"data_offsets":[0,1]})",
        R"({"dtype":"U8","shape":[-1],"data_offsets":[0,1]})",
        R"({"dtype":"U8","shape":[1.0],"data_offsets":[0,1]})",
        R"({"dtype":"U8","shape":["1"],"data_offsets":[0,1]})",
        R"({"dtype":"U8","shape":[1],"data_offsets":[0]})",
        R"({"dtype":"U8","shape":[1],"data_offsets":[0,1,1]})",
        R"({"dtype":"U8","shape":[1],"data_offsets":[1,0]})",
        R"({"dtype":"U8","shape":[1],"data_offsets":[0,2]})",
        R"({"dtype":"U8","shape":[1],"data_offsets":[0,18446744073709551615]})",
        R"({"dtype":"U8","shape":[1],"data_offsets":[0,18446744073709551616]})",
        R"({"dtype":"U8","shape":[2],"data_offsets":[0,1]})",
        R"({"dtype":"F4","shape":[1],"data_offsets":[0,1]})",
        R"({"dtype":"F6_E2M3","shape":[1],"data_offsets":[0,1]})",
        R"({"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,1]})",
        R"({"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]})",
        R"({"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]})"}) {
    const Error error = ErrorOf(fmt::format(R"({{"t":{}}})", tensor), 1);
    EXPECT_EQ(error.code, Errc::kMalformed) << tensor;
    EXPECT_TRUE(error.offset.has_value()) << tensor;
  }
}

TEST(Safetensors, RefusesBrokenHeaders) {
  for (const std::string_view header : std::initializer_list<std::string_view>{
           "[]", "1", " {}", "\xEF\xBB\xBF{}", std::string_view("{}\0", 3), "{} {}", "{",
           R"({"__metadata__":1})", R"({"__metadata__":{"a":1}})", R"({"__metadata__":null})",
           R"({"__metadata__":{"a":null}})", R"({"__metadata__":{"a":"1","a":"1"}})",
           R"({"\ud800":{"dtype":"U8"}})", R"({"__metadata__":{},"__metadata__":{}})"}) {
    EXPECT_EQ(ErrorOf(header, 0).code, Errc::kMalformed) << header;
  }
}

TEST(Safetensors, RefusesTwoTensorsOfOneName) {
  const Error error = ErrorOf(R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                              R"("\u0074":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                              2);

  EXPECT_EQ(error.code, Errc::kMalformed);
  EXPECT_THAT(error.message, HasSubstr("twice"));
}

TEST(Safetensors, RefusesOverlap) {
  const Error error = ErrorOf(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                              R"("b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
                              3);

  EXPECT_THAT(error.message, HasSubstr("a and b overlap"));
  EXPECT_TRUE(error.offset.has_value());
  // One range for two tensors is the plainest overlap.
  EXPECT_THAT(ErrorOf(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                      R"("b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
                      2)
                  .message,
              HasSubstr("overlap"));
  EXPECT_THAT(ErrorOf(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                      R"("b":{"dtype":"U8","shape":[0],"data_offsets":[1,1]}})",
                      2)
                  .message,
              HasSubstr("overlap"));
}

TEST(Safetensors, RefusesBytesThatBelongToNoTensor) {
  const std::string tensor = R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})";

  const Error before = ErrorOf(tensor, 3);
  EXPECT_EQ(before.message, "1 bytes before tensor a belong to no tensor");
  EXPECT_EQ(before.offset, 8 + tensor.size());

  const Error after = ErrorOf(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 3);
  EXPECT_EQ(after.message, "1 bytes after the last tensor belong to no tensor");
  EXPECT_EQ(ErrorOf("{}", 1).code, Errc::kMalformed);
}

TEST(Safetensors, NamesTheTensorThatIsCutOff) {
  const Error error = ErrorOf(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                              R"("b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
                              3);

  EXPECT_EQ(error.message, "tensor b: its data ends at 4, but only 3 bytes follow the header");
  EXPECT_EQ(error.offset, 61u);  // where the header describes b
  EXPECT_THAT(error.hint, HasSubstr("truncated"));
}

TEST(Safetensors, TellsOfUnknownFieldsAndOddAlignment) {
  const auto file = TestFile(
      FileText(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"quant":{"bits":4}},)"
               R"("b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})",
               5));

  const auto reader = OpenSafetensors(*file);

  ASSERT_TRUE(Ok(reader));
  ASSERT_EQ((*reader)->Findings().size(), 2u);
  EXPECT_EQ((*reader)->Findings()[0].code, "unknown-tensor-field");
  EXPECT_EQ((*reader)->Findings()[0].severity, Severity::kWarning);
  EXPECT_EQ((*reader)->Findings()[1].code, "unaligned-tensor");
  EXPECT_EQ((*reader)->Findings()[1].severity, Severity::kNote);
}

TEST(Safetensors, ShortensLongNamesInMessages) {
  const Error error = ErrorOf(fmt::format(R"({{"{}":1}})", std::string(5000, 'n')), 0);

  EXPECT_LT(error.message.size(), 300u);
  EXPECT_THAT(error.message, HasSubstr("(5000 bytes)"));
}

}  // namespace
}  // namespace hallmark
