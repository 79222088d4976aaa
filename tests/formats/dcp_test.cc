// Distributed checkpoints: what metadata and files may not say. Whole checkpoints written by torch
// are in the contract suite.
#include "formats/dcp.h"

#include "formats/registry.h"
#include "tests/formats/pickle_bytes.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using namespace pickled;  // NOLINT: pickles are written in its words
using testing::HasSubstr;

constexpr std::string_view kModule = "torch.distributed.checkpoint.metadata";
constexpr std::string_view kFilesystem = "torch.distributed.checkpoint.filesystem";

std::string Instance(std::string_view module, std::string_view name, const std::string& state) {
  return Global(module, name) + ")\x81" + state + "b";
}
std::string Size(std::initializer_list<std::int32_t> sizes) {
  return Call("torch", "Size", {Sizes(sizes)});
}
std::string ChunkOf(const std::string& offsets, const std::string& sizes) {
  return Instance(kModule, "ChunkStorageMetadata",
                  Dict({Text("offsets"), offsets, Text("sizes"), sizes}));
}
std::string TensorOf(const std::string& size, std::initializer_list<std::string> chunks,
                     std::string_view dtype = "float32") {
  const std::string properties =
      Instance(kModule, "TensorProperties", Tuple({Global("torch", dtype)}));
  return Instance(kModule, "TensorStorageMetadata",
                  Dict({Text("properties"), properties, Text("size"), size, Text("chunks"),
                        "](" + Concat(chunks) + "e"}));
}
std::string IndexOf(std::string_view name, const std::string& offset) {
  return Instance(kModule, "MetadataIndex",
                  Dict({Text("fqn"), Text(name), Text("offset"), offset}));
}
std::string PlaceOf(std::string_view path, std::int32_t offset, std::int32_t length,
                    const std::string& transforms = "N") {
  return Instance(kFilesystem, "_StorageInfo",
                  Dict({Text("relative_path"), Text(path), Text("offset"), Int(offset),
                        Text("length"), Int(length), Text("transform_descriptors"), transforms}));
}
std::string MetadataOf(const std::string& tensors, const std::string& storage) {
  return Stream(
      Instance(kModule, "Metadata",
               Dict({Text("state_dict_metadata"), tensors, Text("storage_data"), storage})));
}
// One tensor "w" of two rows in one piece.
std::string OneTensor(const std::string& place) {
  return MetadataOf(
      Dict({Text("w"), TensorOf(Size({2, 3}), {ChunkOf(Size({0, 0}), Size({2, 3}))})}),
      Dict({IndexOf("w", Size({0, 0})), place}));
}

Error ErrorOf(const std::string& bytes) {
  const auto file = TestFile(bytes, "x/.metadata");
  const auto reader = OpenDcp(*file);
  return reader ? Error{Errc::kUsage, "", "it opened"} : reader.error();
}

TEST(Dcp, AsksForItsFilesBesideIt) {
  const Error error = ErrorOf(OneTensor(PlaceOf("__0_0.distcp", 0, 100)));
  EXPECT_EQ(error.code, Errc::kNotFound);
  EXPECT_THAT(error.message, HasSubstr("__0_0.distcp"));
}

TEST(Dcp, RefusesWhatMetadataMayNotSay) {
  const std::string place = PlaceOf("f", 0, 1);
  const std::string whole = ChunkOf(Size({0}), Size({4}));
  const auto with = [&](const std::string& tensor, const std::string& storage) {
    return MetadataOf(Dict({Text("w"), tensor}), storage);
  };
  const std::string index = IndexOf("w", Size({0}));
  const std::pair<std::string, std::string_view> kCases[] = {
      {Stream("}"), "no checkpoint metadata"},
      {with("N", "}"), "neither a tensor nor an object"},
      {with(TensorOf(Size({4}), {whole}), "}"), "no place in any file"},
      {with(TensorOf(Size({4}), {}), "}"), "hold 0 of 4"},
      {with(TensorOf(Size({4}), {whole, whole}), "}"), "overlap"},
      {with(TensorOf(Size({3}), {whole}), "}"), "beyond the tensor"},
      {with(TensorOf(Size({-1}), {whole}), "}"), "no count"},
      {with(TensorOf(Text("4"), {whole}), "}"), "no torch.Size"},
      {with(TensorOf(Size({4}), {whole}), Dict({index, place, index, place})), "two places"},
      {with(TensorOf(Size({4}), {whole}), Dict({Text("w"), place})), "other than an index"},
      {OneTensor(PlaceOf("../f", 0, 1)), "leaves its directory"},
      {OneTensor(PlaceOf("/f", 0, 1)), "is absolute"},
      {OneTensor(PlaceOf("f", -1, 1)), "no count"},
      {MetadataOf(Dict({Text("w"), TensorOf(Size({0}), {}), Text("w"), TensorOf(Size({0}), {})}),
                  "}"),
       "stands twice"},
      {MetadataOf(
           Dict({Text("v"), TensorOf(Size({4}), {whole}), Text("w"), TensorOf(Size({4}), {whole})}),
           Dict({IndexOf("v", Size({0})), PlaceOf("f", 0, 8), index, PlaceOf("f", 7, 8)})),
       "share bytes"},
  };
  for (const auto& [bytes, message] : kCases) {
    const Error error = ErrorOf(bytes);
    EXPECT_EQ(error.code, Errc::kMalformed) << message;
    EXPECT_THAT(error.message, HasSubstr(std::string(message)));
    EXPECT_EQ(error.subject, "x/.metadata");
  }
  EXPECT_EQ(ErrorOf(OneTensor(PlaceOf("f", 0, 1, Tuple({Text("zstd")})))).code, Errc::kUnsupported);
  EXPECT_EQ(ErrorOf(Stream(Call("os", "system", {Text("true")}))).code, Errc::kDangerous);
}

// Many tensors may name one list of pieces: each would walk over all of it.
TEST(Dcp, DoesNotWalkSharedListsForEverybody) {
  std::string chunks = "](";
  for (int i = 0; i < 2000; ++i) chunks += ChunkOf(Size({i}), Size({1}));
  chunks +=
      "eq\x01"
      "0";  // memo 1
  std::string tensors = "}(";
  for (int i = 0; i < 2000; ++i) {
    tensors += Text("w" + std::to_string(i)) +
               Instance(kModule, "TensorStorageMetadata",
                        Dict({Text("size"), Size({2000}), Text("chunks"), "h\x01"}));
  }
  const Error error =
      ErrorOf(Stream(chunks + Instance(kModule, "Metadata",
                                       Dict({Text("state_dict_metadata"), tensors + "u",
                                             Text("storage_data"), "}"}))));
  EXPECT_EQ(error.code, Errc::kMalformed);
}

TEST(Dcp, NamesTensorsOfUnknownTypes) {
  const auto file = TestFile(MetadataOf(Dict({Text("w"), TensorOf(Size({0}), {}, "bits8")}), "}"));
  const auto reader = OpenDcp(*file);
  ASSERT_TRUE(Ok(reader));
  ASSERT_EQ((*reader)->Findings().size(), 1u);
  EXPECT_EQ((*reader)->Findings()[0].code, "unsupported-tensor");
  EXPECT_EQ((*reader)->Findings()[0].subject, "w");
}

TEST(Dcp, HoldsPiecesAgainstTheirMetadata) {
  const TemporaryFolder folder;
  const std::string item = ReadFixture("edge/plain.pt");  // a checkpoint of a dict
  const auto size = static_cast<std::int32_t>(item.size());
  folder.Write("f", "before" + item);
  const auto open = [&](const std::string& metadata) {
    const auto file = OpenFile(folder.Write(".metadata", metadata));
    const auto reader = OpenDcp(**file);
    return reader ? Error{Errc::kUsage, "", "it opened"} : reader.error();
  };
  EXPECT_THAT(open(OneTensor(PlaceOf("f", 6, size))).message,
              HasSubstr("not as the metadata says"));
  EXPECT_THAT(open(OneTensor(PlaceOf("f", 7, size))).message, HasSubstr("ends beyond"));
  const Error inner = open(OneTensor(PlaceOf("f", 6, size - 1)));
  EXPECT_EQ(inner.subject, (folder.Path() / "f").string());
  EXPECT_EQ(inner.code, Errc::kMalformed);
}

TEST(Dcp, PutsShardedTensorsTogetherFromSeveralFiles) {
  const auto file = OpenFile(FixturePath("../dcp/sharded/.metadata"));
  ASSERT_TRUE(Ok(file));
  const auto reader = OpenContainer(**file);
  ASSERT_TRUE(Ok(reader));
  EXPECT_EQ((*reader)->Companions().size(), 4u);
  EXPECT_EQ((*reader)->RootKey(), "model");
  for (std::size_t i = 0; i < (*reader)->Tensors().size(); ++i) {
    const TensorInfo& tensor = (*reader)->Tensors()[i];
    if (tensor.name != "model.grid") continue;
    EXPECT_EQ((*reader)->PlacesOf(i).size(), 4u);
    EXPECT_FALSE(tensor.verbatim);
  }
  std::vector<std::string> keys;
  for (const MetadataEntry& entry : (*reader)->Metadata()) keys.push_back(entry.key);
  EXPECT_THAT(keys, testing::UnorderedElementsAre("step", "note.text"));
}

TEST(Dcp, IsToldByTheClassItNames) {
  const auto sniff = [](const std::string& bytes) {
    return SniffDcp({AsBytes(bytes), bytes.size()});
  };
  EXPECT_TRUE(sniff(MetadataOf("}", "}")));
  EXPECT_TRUE(sniff(ReadFixture("dcp-nano/.metadata")));
  EXPECT_FALSE(sniff(Stream("}")));
  EXPECT_FALSE(sniff(std::string(kModule) + " Metadata"));
}

}  // namespace
}  // namespace hallmark
