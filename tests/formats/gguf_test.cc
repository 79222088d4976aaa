#include "formats/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tests/formats/gguf_bytes.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::HasSubstr;

constexpr std::uint32_t kU32 = 4, kBool = 7, kString = 8, kArray = 9;
constexpr std::uint32_t kF32 = 0, kQ4_0 = 2, kI8 = 24;  // tensor types

// A number as a big-endian machine writes it.
std::string Big(std::string little) {
  std::reverse(little.begin(), little.end());
  return little;
}

std::string Zeros(std::size_t count) { return std::string(count, '\0'); }

Error ErrorOf(std::string_view text) {
  const auto file = TestFile(text, "bad.gguf");
  const auto reader = OpenGguf(*file);
  if (reader) {
    ADD_FAILURE() << "opened";
    return {};
  }
  EXPECT_EQ(reader.error().subject, "bad.gguf");
  return reader.error();
}
Error ErrorOf(const GgufFile& file) { return ErrorOf(file.Text()); }

const MetadataEntry& EntryOf(const ModelReader& reader, std::string_view key) {
  for (const MetadataEntry& entry : reader.Metadata()) {
    if (entry.key == key) return entry;
  }
  ADD_FAILURE() << "no key " << key;
  static const MetadataEntry none;
  return none;
}

TEST(Gguf, OpensAFileWithoutTensors) {
  for (const std::size_t padding : {0, 7, 8}) {
    const auto file = TestFile("GGUF" + Le32(3) + Le64(0) + Le64(0) + Zeros(padding));
    const auto reader = OpenGguf(*file);
    ASSERT_TRUE(Ok(reader)) << padding;
    EXPECT_EQ((*reader)->FormatDetail(), "GGUF v3, alignment 32");
  }
  EXPECT_EQ(ErrorOf("GGUF" + Le32(3) + Le64(0) + Le64(0) + Zeros(9)).code, Errc::kMalformed);
  EXPECT_EQ(ErrorOf("GGUF" + Le32(3) + Le64(0) + Le64(0) + "x").code, Errc::kMalformed);
}

TEST(Gguf, NamesVersionsItDoesNotRead) {
  for (const std::string& version : {Le32(4), Big(Le32(4))}) {
    const Error error = ErrorOf("GGUF" + version + Zeros(16));
    EXPECT_EQ(error.code, Errc::kUnsupported);
    EXPECT_EQ(error.message, "this is GGUF version 4, versions 1 to 3 are read");
    EXPECT_EQ(error.offset, 4u);
  }
  EXPECT_EQ(ErrorOf("GGUF" + Le32(0) + Zeros(16)).code, Errc::kMalformed);
}

// Counts, lengths and dimensions are u32 there.
TEST(Gguf, ReadsVersion1) {
  const auto file = TestFile(ReadFixture("gguf/v1.gguf"));
  const auto reader = OpenGguf(*file);

  ASSERT_TRUE(Ok(reader));
  EXPECT_EQ((*reader)->FormatDetail(), "GGUF v1, alignment 32");
  EXPECT_EQ(EntryOf(**reader, "general.architecture").value, MetadataValue(std::string("llama")));
  const auto array = std::get<std::shared_ptr<const MetadataArray>>(EntryOf(**reader, "arr").value);
  ASSERT_EQ(array->Size(), 2u);
  EXPECT_EQ(array->TextAt(1), "bc");

  const Error lies = ErrorOf("GGUF" + Le32(1) + Le32(0xffffffff) + Le32(0) + Zeros(32));
  EXPECT_THAT(lies.message, HasSubstr("4294967295 tensors cannot fit"));
}

TEST(Gguf, ReadsBigEndian) {
  const auto file = TestFile(ReadFixture("gguf/bigendian-v3.gguf"));
  const auto reader = OpenGguf(*file);

  ASSERT_TRUE(Ok(reader));
  EXPECT_EQ((*reader)->FormatDetail(), "GGUF v3, big-endian, alignment 32");
  EXPECT_EQ(EntryOf(**reader, "kv.u32").value, MetadataValue(std::uint64_t{7}));
  EXPECT_EQ(EntryOf(**reader, "kv.s").value, MetadataValue(std::string("big")));
  const auto array =
      std::get<std::shared_ptr<const MetadataArray>>(EntryOf(**reader, "kv.a").value);
  ASSERT_EQ(array->Size(), 3u);
  EXPECT_EQ(array->At(2), MetadataValue(std::int64_t{3}));
  EXPECT_EQ(AsText(array->Bytes()), Le32(1) + Le32(2) + Le32(3));
  for (const TensorInfo& tensor : (*reader)->Tensors()) EXPECT_FALSE(tensor.verbatim);
}

// One tensor of one block in a big-endian file whose alignment is the default.
std::string BigEndianTensor(std::uint32_t type, std::uint64_t values, std::string data) {
  std::string text = "GGUF" + Big(Le32(3)) + Big(Le64(1)) + Big(Le64(0));
  text += Big(Le64(1)) + "t" + Big(Le32(1)) + Big(Le64(values)) + Big(Le32(type)) + Big(Le64(0));
  text.resize((text.size() + 31) / 32 * 32);
  data.resize((data.size() + 31) / 32 * 32);
  return text + data;
}

TEST(Gguf, TurnsTheNumbersOfBigEndianBlocksRound) {
  // Q8_0: an f16 scale, then bytes. Three blocks, read from the middle of the first one on.
  const std::string big = "\x12\x34" + std::string(32, 'q'), little = "\x34\x12" + big.substr(2);
  const auto file = TestFile(BigEndianTensor(8, 96, big + big + big));
  const auto reader = OpenGguf(*file);

  ASSERT_TRUE(Ok(reader));
  const std::string all = little + little + little;
  for (const std::size_t from : {0, 1, 2, 33, 34, 35, 67, 101}) {
    for (const std::size_t size : {1, 2, 34, 68, 102}) {
      if (from + size > all.size()) continue;
      std::vector<std::byte> out(size);
      ASSERT_TRUE(Ok((*reader)->ReadTensor(0, from, out)));
      EXPECT_EQ(AsText(out), all.substr(from, size)) << from << " " << size;
    }
  }

  EXPECT_TRUE(OpenGguf(*TestFile(BigEndianTensor(kI8, 1, "x"))).value()->Tensors()[0].verbatim);
  const Error error = ErrorOf(BigEndianTensor(16, 256, std::string(66, 'x')));  // IQ2_XXS
  EXPECT_EQ(error.code, Errc::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("of type iq2_xxs is not settled"));
}

TEST(Gguf, KeepsEveryMetadataTypeExactly) {
  using namespace std::string_literals;
  const std::string u64_max(8, '\xff');
  const GgufFile source{
      .entries = {GgufEntry("u8", 0, "\xff"), GgufEntry("i8", 1, "\xff"),
                  GgufEntry("u16", 2, "\xfe\xff"), GgufEntry("i16", 3, "\xfe\xff"),
                  GgufEntry("u32", 4, Le32(0xfffffffd)), GgufEntry("i32", 5, Le32(0xfffffffd)),
                  GgufEntry("f32", 6, Le32(0x3fc00000)), GgufEntry("yes", 7, "\1"),
                  GgufEntry("no", 7, "\0"s), GgufEntry("text", 8, GgufText("a\0b"s)),
                  GgufEntry("u64", 10, u64_max), GgufEntry("i64", 11, u64_max),
                  GgufEntry("f64", 12, Le64(0x3ff8000000000000))}};
  const auto file = TestFile(source.Text());

  const auto reader = OpenGguf(*file);

  ASSERT_TRUE(Ok(reader));
  struct Row {
    std::string_view key;
    MetadataType type;
    MetadataValue value;
  };
  const std::vector<Row> rows = {
      {"u8", MetadataType::kU8, std::uint64_t{255}},
      {"i8", MetadataType::kI8, std::int64_t{-1}},
      {"u16", MetadataType::kU16, std::uint64_t{0xfffe}},
      {"i16", MetadataType::kI16, std::int64_t{-2}},
      {"u32", MetadataType::kU32, std::uint64_t{0xfffffffd}},
      {"i32", MetadataType::kI32, std::int64_t{-3}},
      {"f32", MetadataType::kF32, 1.5},
      {"yes", MetadataType::kBool, true},
      {"no", MetadataType::kBool, false},
      {"text", MetadataType::kString, "a\0b"s},
      {"u64", MetadataType::kU64, ~std::uint64_t{0}},
      {"i64", MetadataType::kI64, std::int64_t{-1}},
      {"f64", MetadataType::kF64, 1.5},
  };
  ASSERT_EQ((*reader)->Metadata().size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ((*reader)->Metadata()[i].key, rows[i].key);
    EXPECT_EQ((*reader)->Metadata()[i].type, rows[i].type) << rows[i].key;
    EXPECT_EQ((*reader)->Metadata()[i].value, rows[i].value) << rows[i].key;
  }
}

TEST(Gguf, KeepsBigEndianMetadataToo) {
  struct Row {
    std::uint32_t type;
    std::string little;
    MetadataValue value;
  };
  const std::vector<Row> rows = {
      {0, "\xff", std::uint64_t{255}},
      {3, Le16(0xfffe), std::int64_t{-2}},
      {5, Le32(0xfffffffd), std::int64_t{-3}},
      {6, Le32(0x3fc00000), 1.5},
      {7, "\1", true},
      {10, Le64(0x0102030405060708), std::uint64_t{0x0102030405060708}},
      {12, Le64(0x3ff8000000000000), 1.5},
  };
  std::string text = "GGUF" + Big(Le32(3)) + Big(Le64(0)) + Big(Le64(2 * rows.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string key = "k" + std::to_string(i);
    const std::string number = Big(rows[i].little);
    text += Big(Le64(2)) + key + Big(Le32(rows[i].type)) + number;
    text += Big(Le64(3)) + key + "a" + Big(Le32(kArray)) + Big(Le32(rows[i].type)) + Big(Le64(2)) +
            number + number;
  }
  const auto file = TestFile(text);
  const auto reader = OpenGguf(*file);

  ASSERT_TRUE(Ok(reader));
  const auto metadata = (*reader)->Metadata();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(metadata[2 * i].value, rows[i].value) << rows[i].type;
    const auto array = std::get<std::shared_ptr<const MetadataArray>>(metadata[2 * i + 1].value);
    EXPECT_EQ(AsText(array->Bytes()), rows[i].little + rows[i].little) << rows[i].type;
  }
}

TEST(Gguf, KeepsArraysOfEveryKind) {
  const std::string inner = Le32(kString) + Le64(2) + GgufText("") + GgufText("zwei");
  const GgufFile source{
      .entries = {
          GgufEntry("numbers", kArray, Le32(3) + Le64(3) + Le16(1) + Le16(0xffff) + Le16(3)),
          GgufEntry("bools", kArray, Le32(kBool) + Le64(2) + std::string("\0\1", 2)),
          GgufEntry("nested", kArray, Le32(kArray) + Le64(2) + inner + inner),
          GgufEntry("none", kArray, Le32(kString) + Le64(0))}};
  const auto file = TestFile(source.Text());

  const auto reader = OpenGguf(*file);

  ASSERT_TRUE(Ok(reader));
  const auto array_of = [&](std::string_view key) {
    return std::get<std::shared_ptr<const MetadataArray>>(EntryOf(**reader, key).value);
  };
  EXPECT_EQ(array_of("numbers")->ElementType(), MetadataType::kI16);
  ASSERT_EQ(array_of("numbers")->Size(), 3u);
  EXPECT_EQ(array_of("numbers")->At(1), MetadataValue(std::int64_t{-1}));
  EXPECT_EQ(AsText(array_of("numbers")->Bytes()), Le16(1) + Le16(0xffff) + Le16(3));
  ASSERT_EQ(array_of("bools")->Size(), 2u);
  EXPECT_EQ(array_of("bools")->At(1), MetadataValue(true));
  ASSERT_EQ(array_of("nested")->Size(), 2u);
  const auto second = std::get<std::shared_ptr<const MetadataArray>>(array_of("nested")->At(1));
  ASSERT_EQ(second->Size(), 2u);
  EXPECT_EQ(second->TextAt(0), "");
  EXPECT_EQ(second->TextAt(1), "zwei");
  EXPECT_EQ(array_of("none")->Size(), 0u);
}

TEST(Gguf, ExposesTheKeysOfSplitFiles) {
  const auto file = OpenFile(FixturePath("gguf-split/tiny-f16-00002-of-00002.gguf"));
  ASSERT_TRUE(Ok(file));

  const auto reader = OpenGguf(**file);

  ASSERT_TRUE(Ok(reader));
  EXPECT_EQ(EntryOf(**reader, "split.no").value, MetadataValue(std::uint64_t{1}));
  EXPECT_EQ(EntryOf(**reader, "split.no").type, MetadataType::kU16);
  EXPECT_EQ(EntryOf(**reader, "split.count").value, MetadataValue(std::uint64_t{2}));
  EXPECT_EQ(EntryOf(**reader, "split.tensors.count").value, MetadataValue(std::int64_t{21}));
}

TEST(Gguf, RefusesBrokenMetadata) {
  const std::string huge(8, '\xff');
  std::string deep = Le32(kU32) + Le64(0);
  for (int i = 0; i < 9; ++i) deep = Le32(kArray) + Le64(1) + deep;
  struct Row {
    std::string_view what;
    std::string entry;
  };
  for (const Row& row :
       {Row{"empty key", GgufEntry("", kU32, Le32(1))}, Row{"type", GgufEntry("k", 13, Le32(1))},
        Row{"bool", GgufEntry("k", kBool, "\2")}, Row{"key length", huge + "k"},
        Row{"string length", GgufEntry("k", kString, huge + "v")},
        Row{"array type", GgufEntry("k", kArray, Le32(13) + Le64(0))},
        Row{"array count", GgufEntry("k", kArray, Le32(kU32) + huge)},
        Row{"array size", GgufEntry("k", kArray, Le32(kU32) + Le64(std::uint64_t{1} << 62))},
        Row{"strings count", GgufEntry("k", kArray, Le32(kString) + Le64(1000))},
        Row{"bools", GgufEntry("k", kArray, Le32(kBool) + Le64(1) + "\2")},
        Row{"arrays count", GgufEntry("k", kArray, Le32(kArray) + huge)},
        Row{"long key", GgufEntry(std::string(65536, 'k'), kU32, Le32(1))}}) {
    const Error error = ErrorOf(GgufFile{.entries = {row.entry}});
    EXPECT_EQ(error.code, Errc::kMalformed) << row.what;
    EXPECT_TRUE(error.offset.has_value()) << row.what;
  }
  EXPECT_EQ(ErrorOf(GgufFile{.entries = {GgufEntry("k", kArray, deep)}}).code, Errc::kUnsupported);
  const Error twice =
      ErrorOf(GgufFile{.entries = {GgufEntry("k", kU32, Le32(1)), GgufEntry("k", kBool, "\1")}});
  EXPECT_EQ(twice.message, "the metadata key k stands twice");
}

TEST(Gguf, NamesTheLengthThatLies) {
  const Error error = ErrorOf("GGUF" + Le32(3) + Le64(0) + Le64(1) + Le64(999) + "key" + Zeros(9));

  EXPECT_EQ(error.message, "the length 999 of a metadata key exceeds the 12 bytes that follow it");
  EXPECT_EQ(error.offset, 24u);
  EXPECT_THAT(error.hint, HasSubstr("truncated"));
}

TEST(Gguf, RefusesCountsThatCannotFit) {
  for (const std::uint64_t count : {std::uint64_t{5}, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    EXPECT_EQ(ErrorOf("GGUF" + Le32(3) + Le64(count) + Le64(0) + Zeros(100)).offset, 8u);
    EXPECT_EQ(ErrorOf("GGUF" + Le32(3) + Le64(0) + Le64(2 * count) + Zeros(100)).code,
              Errc::kMalformed);
  }
}

TEST(Gguf, HonoursTheAlignment) {
  const GgufFile source{.entries = {GgufEntry("general.alignment", kU32, Le32(8))},
                        .tensors = {{"a", {3}, kI8, 0}, {"b", {2}, kF32, 8}},
                        .data_bytes = 16,
                        .alignment = 8};
  const auto file = TestFile(source.Text());

  const auto reader = OpenGguf(*file);

  ASSERT_TRUE(Ok(reader));
  EXPECT_EQ((*reader)->FormatDetail(), "GGUF v3, alignment 8");
  EXPECT_EQ((*reader)->Tensors()[1].stored.offset, file->Size() - 8);
  EXPECT_THAT((*reader)->Findings(), testing::IsEmpty());

  for (const std::uint32_t bad : {0u, 3u, 33u, 0x80000000u, 0xffffffffu}) {
    GgufFile other = source;
    other.entries[0] = GgufEntry("general.alignment", kU32, Le32(bad));
    EXPECT_EQ(ErrorOf(other).code, Errc::kMalformed) << bad;
  }
  GgufFile wrong_type = source;
  wrong_type.entries[0] = GgufEntry("general.alignment", 10, Le64(8));
  EXPECT_THAT(ErrorOf(wrong_type).message, HasSubstr("of type u64, u32 is needed"));
}

TEST(Gguf, ReversesTheShapeAndKnowsScalars) {
  const GgufFile source{.tensors = {{"scalar", {}, kF32, 0},
                                    {"matrix", {3, 2}, kI8, 32},
                                    {"empty", {0, 4}, kF32, 64}},
                        .data_bytes = 32,
                        .tail = std::string(6, 'x') + Zeros(26)};
  const auto file = TestFile(source.Text());

  const auto reader = OpenGguf(*file);

  ASSERT_TRUE(Ok(reader));
  const auto tensors = (*reader)->Tensors();
  EXPECT_EQ(tensors[0].shape, Shape());
  EXPECT_EQ(tensors[0].payload_bytes, 4u);
  EXPECT_EQ(tensors[1].shape, (Shape{2, 3}));
  EXPECT_EQ(tensors[2].shape, (Shape{4, 0}));
  EXPECT_EQ(tensors[2].payload_bytes, 0u);
}

TEST(Gguf, RefusesBrokenTensors) {
  const std::uint64_t big = std::uint64_t{1} << 32;
  struct Row {
    std::string_view what;
    GgufTensor tensor;
  };
  for (const Row& row :
       {Row{"dimensions", {"t", {1, 1, 1, 1, 1}, kF32, 0}},
        Row{"overflow", {"t", {big, big}, kF32, 0}},
        Row{"overflow hidden by a zero", {"t", {0, big, big, big}, kF32, 0}},
        Row{"byte overflow", {"t", {big, big / 4}, kF32, 0}},
        Row{"broken block", {"t", {33}, kQ4_0, 0}},
        Row{"blocks across rows", {"t", {16, 2}, kQ4_0, 0}}, Row{"unaligned", {"t", {1}, kF32, 4}},
        Row{"beyond the end", {"t", {9}, kF32, 0}},
        Row{"begins beyond the end", {"t", {1}, kF32, 64}},
        Row{"offset wraps", {"t", {8}, kF32, ~std::uint64_t{31}}}}) {
    const Error error = ErrorOf(GgufFile{.tensors = {row.tensor}, .data_bytes = 32});
    EXPECT_EQ(error.code, Errc::kMalformed) << row.what;
    EXPECT_EQ(error.offset, 24u) << row.what;
    EXPECT_THAT(error.message, HasSubstr("tensor t: ")) << row.what;
  }
}

TEST(Gguf, NamesTensorTypesItDoesNotKnow) {
  const Error unknown = ErrorOf(GgufFile{.tensors = {{"t", {32}, 77, 0}}, .data_bytes = 32});
  EXPECT_EQ(unknown.code, Errc::kUnsupported);
  EXPECT_EQ(unknown.message, "tensor t: its type 77 is not known");

  const Error removed = ErrorOf(GgufFile{.tensors = {{"t", {32}, 31, 0}}, .data_bytes = 32});
  EXPECT_EQ(removed.code, Errc::kUnsupported);
  EXPECT_EQ(removed.message, "tensor t: its type 31 (Q4_0_4_4) was removed from ggml");
}

TEST(Gguf, RefusesTwoTensorsOfOneName) {
  const Error error =
      ErrorOf(GgufFile{.tensors = {{"t", {8}, kF32, 0}, {"t", {8}, kF32, 32}}, .data_bytes = 64});

  EXPECT_EQ(error.message, "the tensor name t stands twice");
}

TEST(Gguf, RefusesOverlap) {
  EXPECT_THAT(
      ErrorOf(GgufFile{.tensors = {{"a", {9}, kF32, 0}, {"b", {8}, kF32, 32}}, .data_bytes = 64})
          .message,
      HasSubstr("a and b overlap"));
  EXPECT_THAT(
      ErrorOf(GgufFile{.tensors = {{"a", {8}, kF32, 0}, {"b", {8}, kF32, 0}}, .data_bytes = 32})
          .message,
      HasSubstr("overlap"));
}

TEST(Gguf, RefusesWhatFollowsTheLastTensor) {
  GgufFile source{.tensors = {{"a", {3}, kI8, 0}}, .data_bytes = 3, .tail = Zeros(29)};
  ASSERT_TRUE(Ok(OpenGguf(*TestFile(source.Text()))));

  source.tail = Zeros(28);
  EXPECT_THAT(ErrorOf(source).hint, HasSubstr("truncated"));
  source.tail = Zeros(28) + "x";
  EXPECT_THAT(ErrorOf(source).message, HasSubstr("other than zeros"));
  EXPECT_EQ(ErrorOf(source).offset, source.Text().size() - 1);
  source.tail = Zeros(30);
  EXPECT_EQ(ErrorOf(source).message, "1 bytes after the last tensor belong to nothing");
}

TEST(Gguf, RefusesPaddingOfTheHeaderThatHoldsSomething) {
  const GgufFile source{.tensors = {{"a", {8}, kF32, 0}}, .data_bytes = 32};
  std::string text = source.Text();
  text[source.Header().size()] = 'x';

  const Error error = ErrorOf(text);

  EXPECT_EQ(error.code, Errc::kMalformed);
  EXPECT_EQ(error.offset, source.Header().size());
}

TEST(Gguf, TellsOfGapsAndOfAnOtherOrder) {
  const GgufFile source{.tensors = {{"b", {8}, kF32, 96}, {"a", {8}, kF32, 0}}, .data_bytes = 128};
  const auto file = TestFile(source.Text());

  const auto reader = OpenGguf(*file);

  ASSERT_TRUE(Ok(reader));
  EXPECT_EQ((*reader)->Tensors()[0].name, "a");
  EXPECT_EQ((*reader)->Tensors()[1].name, "b");
  ASSERT_EQ((*reader)->Findings().size(), 2u);
  EXPECT_EQ((*reader)->Findings()[0].code, "tensor-order");
  EXPECT_EQ((*reader)->Findings()[1].code, "undeclared-bytes");
  EXPECT_THAT((*reader)->Findings()[1].message, HasSubstr("64 bytes in 1 gaps"));
  EXPECT_EQ((*reader)->Findings()[1].offset, file->Size() - 96);
}

TEST(Gguf, TellsOfNamesThatOtherReadersRefuse) {
  const GgufFile source{.tensors = {{std::string(64, 'n'), {8}, kF32, 0}, {"\xff", {8}, kF32, 32}},
                        .data_bytes = 64};
  const auto file = TestFile(source.Text());

  const auto reader = OpenGguf(*file);

  ASSERT_TRUE(Ok(reader));
  ASSERT_EQ((*reader)->Findings().size(), 2u);
  EXPECT_EQ((*reader)->Findings()[0].code, "long-tensor-name");
  EXPECT_EQ((*reader)->Findings()[1].code, "name-not-utf8");
  EXPECT_THAT((*reader)->Findings()[1].message, HasSubstr("\\xff"));
}

// Damage anywhere in a header must end in an error or in a reader that keeps its promises.
TEST(Gguf, SurvivesEveryChangedByteOfTheHeader) {
  const std::string whole = ReadFixture("gguf/kv-zoo.gguf");
  for (std::size_t at = 0; at < 1280; ++at) {
    for (const char change : {'\x01', '\x80', '\xff'}) {
      std::string text = whole;
      text[at] = static_cast<char>(text[at] ^ change);
      const auto file = TestFile(text);
      const auto reader = OpenGguf(*file);
      if (!reader) continue;
      for (const TensorInfo& tensor : (*reader)->Tensors()) {
        ASSERT_LE(tensor.stored.offset, file->Size()) << at;
        ASSERT_LE(tensor.stored.size, file->Size() - tensor.stored.offset) << at;
      }
    }
  }
}

}  // namespace
}  // namespace hallmark
