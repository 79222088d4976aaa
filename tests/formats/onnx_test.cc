// ONNX models that no honest tool writes, and the parts of the wire format. Whole files written by
// onnx are in the contract suite.
#include "formats/onnx.h"

#include "formats/registry.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::HasSubstr;

std::string Varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
std::string Number(std::uint32_t field, std::uint64_t value) {
  return Varint(field << 3) + Varint(value);
}
std::string Bytes(std::uint32_t field, const std::string& content) {
  return Varint(field << 3 | 2) + Varint(content.size()) + content;
}
std::string Entry(std::uint32_t field, const std::string& key, const std::string& value) {
  return Bytes(field, Bytes(1, key) + Bytes(2, value));
}
std::string Dims(std::initializer_list<std::uint64_t> dims) {
  std::string bytes;
  for (const std::uint64_t size : dims) bytes += Number(1, size);
  return bytes;
}
// A TensorProto of float32 called "w".
std::string Floats(std::initializer_list<std::uint64_t> dims, const std::string& data) {
  return Dims(dims) + Number(2, 1) + Bytes(8, "w") + data;
}
std::string ModelOf(const std::string& graph) {
  return Number(1, 8) + Bytes(2, "test") + Bytes(7, graph) + Bytes(8, Number(2, 21));
}
std::string ModelWith(const std::string& tensor) { return ModelOf(Bytes(5, tensor)); }

struct Opened {
  std::unique_ptr<File> file;
  Result<std::unique_ptr<ModelReader>> reader;
};
Opened Open(const std::string& bytes) {
  auto file = TestFile(bytes, "x.onnx");
  auto reader = OpenOnnx(*file);
  return {std::move(file), std::move(reader)};
}
Error ErrorOf(const std::string& bytes) {
  const Opened opened = Open(bytes);
  return opened.reader ? Error{Errc::kUsage, "", "it opened"} : opened.reader.error();
}
std::string Read(const ModelReader& reader, std::size_t index) {
  std::string bytes(reader.Tensors()[index].payload_bytes, '\0');
  EXPECT_TRUE(
      Ok(reader.ReadTensor(index, 0, {reinterpret_cast<std::byte*>(bytes.data()), bytes.size()})));
  return bytes;
}

TEST(Onnx, ReadsRawDataWhereItLies) {
  const std::string bytes = ModelWith(Floats({2}, Bytes(9, "12345678")));
  const Opened opened = Open(bytes);
  ASSERT_TRUE(Ok(opened.reader));
  const TensorInfo& tensor = (*opened.reader)->Tensors()[0];
  EXPECT_EQ(tensor.name, "w");
  EXPECT_TRUE(tensor.verbatim);
  EXPECT_EQ(bytes.substr(tensor.stored.offset, tensor.stored.size), "12345678");
  EXPECT_EQ(Read(**opened.reader, 0), "12345678");
}

TEST(Onnx, TakesPackedAndSingleEntriesAndPackedDims) {
  const std::string fixed = Varint(4 << 3 | 5) + "abcd";  // one float
  const std::string dims = Bytes(1, Varint(1) + Varint(3));
  const Opened opened = Open(
      ModelWith(dims + Number(2, 1) + Bytes(8, "w") + fixed + Bytes(4, "efgh") + Bytes(4, "ijkl")));
  ASSERT_TRUE(Ok(opened.reader));
  EXPECT_EQ((*opened.reader)->Tensors()[0].shape, (Shape{1, 3}));
  EXPECT_FALSE((*opened.reader)->Tensors()[0].verbatim);
  EXPECT_EQ(Read(**opened.reader, 0), "abcdefghijkl");

  const std::string ints = Number(5, 1) + Bytes(5, Varint(2) + Varint(~std::uint64_t{0})) +
                           Number(5, ~std::uint64_t{0} - 127);
  const Opened bytes = Open(ModelWith(Dims({4}) + Number(2, 3) + Bytes(8, "w") + ints));
  ASSERT_TRUE(Ok(bytes.reader));
  EXPECT_EQ(Read(**bytes.reader, 0), "\x01\x02\xff\x80");
}

TEST(Onnx, FindsItsWayInLongArrays) {
  std::string entries, expected;
  for (std::uint32_t i = 0; i < 200'000; ++i) {
    entries += Varint(i * 7919ull);
    expected += Le64(i * 7919ull);
  }
  const Opened opened =
      Open(ModelWith(Dims({200'000}) + Number(2, 13) + Bytes(8, "w") + Bytes(11, entries)));
  ASSERT_TRUE(Ok(opened.reader));
  EXPECT_EQ(Read(**opened.reader, 0), expected);
  for (const std::uint64_t offset : {3ull, 65536 * 8 - 1ull, 65536 * 8ull, 1'599'990ull}) {
    std::string part(10, '\0');
    ASSERT_TRUE(
        Ok((*opened.reader)
               ->ReadTensor(0, offset, {reinterpret_cast<std::byte*>(part.data()), part.size()})));
    EXPECT_EQ(part, expected.substr(offset, 10)) << offset;
  }
}

TEST(Onnx, RefusesWhatContradictsItself) {
  const std::string raw = Bytes(9, "1234");
  const std::string place = Entry(13, "location", "x.bin");
  const std::pair<std::string, std::string_view> kCases[] = {
      {Floats({2}, raw), "takes 8 bytes, its data has 4"},
      {Floats({1}, raw + raw), "raw_data stands twice"},
      {Floats({1}, raw + Bytes(4, "1234")), "in two places"},
      {Floats({1}, Bytes(5, "1")), "field of another data type"},
      {Floats({1}, Bytes(4, "12345")), "cut short"},
      {Floats({1}, raw + Bytes(8, "v")), "a name stands twice"},
      {Floats({1}, ""), "its data has 0"},
      {Floats({1}, Bytes(6, "text")), "texts for a tensor"},
      {Floats({1}, place), "contradict"},
      {Floats({1}, raw + Number(14, 1)), "contradict"},
      {Floats({1}, place + Number(14, 1) + raw), "in two places"},
      {Floats({1}, Entry(13, "offset", "0") + Number(14, 1)), "has no location"},
      {Floats({1}, Entry(13, "location", "../x") + Number(14, 1)), "leaves its directory"},
      {Floats({1}, Entry(13, "location", "/etc/passwd") + Number(14, 1)), "is absolute"},
      {Floats({1}, place + place + Number(14, 1)), "stands twice"},
      {Floats({1}, place + Entry(13, "offset", "-1") + Number(14, 1)), "is no number"},
      {Floats({1}, place + Entry(13, "length", "5") + Number(14, 1)), "its data has 5"},
      {Floats({~std::uint64_t{0}}, raw), "a negative dimension"},
      {Floats({1ull << 40, 1ull << 40}, raw), "w"},
      {Dims({1}) + Number(2, 1) + raw, "without a name"},
      {Dims({1}) + Number(2, 2) + Bytes(8, "w") + Number(5, 256), "does not fit its type"},
      {Dims({1}) + Number(2, 3) + Bytes(8, "w") + Number(5, 128), "does not fit its type"},
  };
  for (const auto& [tensor, message] : kCases) {
    const Error error = ErrorOf(ModelWith(tensor));
    EXPECT_EQ(error.code, Errc::kMalformed) << message << ": " << error.message;
    EXPECT_THAT(error.message, HasSubstr(std::string(message)));
    EXPECT_EQ(error.subject, "x.onnx");
    EXPECT_TRUE(error.offset.has_value()) << message;
  }
  const std::string tensor = Bytes(5, Floats({1}, raw));
  EXPECT_THAT(ErrorOf(ModelOf(tensor + tensor)).message, HasSubstr("stands twice"));
  EXPECT_EQ(ErrorOf(ModelWith(Floats({1}, Bytes(3, "")))).code, Errc::kUnsupported);  // segment
  EXPECT_EQ(ErrorOf(ModelWith(Dims({1}) + Number(2, 99) + Bytes(8, "w") + raw)).code,
            Errc::kUnsupported);
  EXPECT_EQ(ErrorOf(ModelWith(Floats({1}, place + Number(14, 1)))).code, Errc::kNotFound);
}

TEST(Onnx, RefusesABrokenWireFormat) {
  const std::string head = Number(1, 8) + Bytes(2, "test");
  const std::pair<std::string, std::string_view> kCases[] = {
      {head + Bytes(7, ""), "imports no set of operators"},
      {head + Bytes(8, ""), "no graph"},
      {ModelOf("") + Bytes(7, ""), "the graph stands twice"},
      {head + "\x3a\x7f", "its message has 0 left"},
      {head + "\x3f", "no wire type"},
      {head + std::string("\0\0", 2), "no field number"},
      {head + "\x08" + std::string(10, '\xff'), "more than 64 bits"},
      {ModelWith("\x0a\x05" + Varint(1)), "left"},
      {ModelWith(Bytes(1, "\xff")), "cut short"},
  };
  for (const auto& [bytes, message] : kCases) {
    const Error error = ErrorOf(bytes);
    EXPECT_EQ(error.code, Errc::kMalformed) << message;
    EXPECT_THAT(error.message, HasSubstr(std::string(message)));
  }
  EXPECT_EQ(ErrorOf(head + "\x3b").code, Errc::kUnsupported);  // a group
}

TEST(Onnx, NamesWhatItDoesNotRead) {
  const std::string sparse = Bytes(15, Bytes(1, Bytes(8, "s")));
  const std::string int4 = Bytes(5, Dims({2}) + Number(2, 22) + Bytes(8, "q") + Bytes(9, "x"));
  const std::string text = Bytes(5, Dims({1}) + Number(2, 8) + Bytes(8, "t") + Bytes(6, "word"));
  const std::string odd = Bytes(5, Dims({3}) + Number(2, 23) + Bytes(8, "o") + Bytes(9, "xy"));
  const std::string node = Bytes(1, std::string(70'000, '\0'));
  const Opened opened = Open(ModelOf(sparse + int4 + text + odd + node));
  ASSERT_TRUE(Ok(opened.reader));
  EXPECT_TRUE((*opened.reader)->Tensors().empty());
  std::vector<std::pair<std::string, std::string>> found;
  for (const Finding& finding : (*opened.reader)->Findings()) {
    found.emplace_back(finding.code, finding.subject);
  }
  EXPECT_THAT(found, testing::ElementsAre(testing::Pair("unsupported-tensor", "s"),
                                          testing::Pair("unsupported-tensor", "q"),
                                          testing::Pair("string-tensor", "t"),
                                          testing::Pair("unsupported-tensor", "o"),
                                          testing::Pair("unread-tensor", "x.onnx")));
}

TEST(Onnx, ListsMetadata) {
  const Opened opened = Open(ModelOf(Bytes(2, "tiny")) + Number(5, 3) +
                             Entry(14, "author", "somebody") + Bytes(8, Bytes(1, "com.x")));
  ASSERT_TRUE(Ok(opened.reader));
  std::vector<std::string> keys;
  for (const MetadataEntry& entry : (*opened.reader)->Metadata()) keys.push_back(entry.key);
  EXPECT_THAT(
      keys, testing::ElementsAre("producer_name", "graph", "opset_import.ai.onnx", "model_version",
                                 "metadata_props.author", "opset_import.com.x"));
}

TEST(Onnx, IsToldFromOtherProtocolBuffers) {
  const auto sniff = [](const std::string& bytes) {
    return SniffOnnx({AsBytes(bytes), bytes.size()});
  };
  EXPECT_TRUE(sniff(ModelWith(Floats({1}, Bytes(9, "1234")))));
  EXPECT_TRUE(sniff(Number(1, 7) + "\x3a\xff\xff\xff\x7f\x0a"));  // damaged or cut
  EXPECT_TRUE(
      sniff("\x08\x08\x12\x07pytorch\x1a\x05"
            "2.1.0"));
  EXPECT_FALSE(sniff(Bytes(1, "<unk>")));
  EXPECT_FALSE(sniff(Number(1, 1) + Bytes(2, std::string("\x0a\x05\0", 3))));
  EXPECT_FALSE(sniff(Number(1, 7)));
  EXPECT_FALSE(sniff(""));
}

TEST(Onnx, FollowsExternalDataBesideTheModel) {
  for (const std::string name : {"one-file.onnx", "many-files.onnx"}) {
    const auto file = OpenFile(FixturePath("../onnx/" + name));
    ASSERT_TRUE(Ok(file));
    const auto reader = OpenContainer(**file);
    ASSERT_TRUE(Ok(reader));
    const bool one = name == "one-file.onnx";
    ASSERT_EQ((*reader)->Companions().size(), one ? 1u : 3u);
    EXPECT_EQ((*reader)->Companions()[0].path, one ? "one-file.onnx_data" : "layers.0.weight");
    EXPECT_EQ((*reader)->Tensors().front().file, one ? 1u : 0u);  // small.bias is in the model
    EXPECT_EQ((*reader)->Tensors().back().file, one ? 1u : 3u);
  }
}

TEST(Onnx, HoldsExternalDataAgainstItsFile) {
  const TemporaryFolder folder;
  const auto open = [&](const std::string& entries) {
    folder.Write("m.onnx", ModelWith(Floats(
                               {1}, Entry(13, "location", "./x.bin") + entries + Number(14, 1))));
    const auto file = OpenFile(folder.Path() / "m.onnx");
    const auto reader = OpenOnnx(**file);
    return reader ? std::string(Read(**reader, 0)) : reader.error().message;
  };
  folder.Write("x.bin", "12345678");
  EXPECT_EQ(open(""), "1234");
  EXPECT_EQ(open(Entry(13, "offset", "4") + Entry(13, "length", "4")), "5678");
  EXPECT_THAT(open(Entry(13, "offset", "5")), HasSubstr("ends beyond the 8 bytes of x.bin"));
  EXPECT_THAT(open(Entry(13, "offset", "9223372036854775807")), HasSubstr("ends beyond"));
}

}  // namespace
}  // namespace hallmark
