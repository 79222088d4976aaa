// Checkpoints written byte by byte: what torch could write, and what only an attacker would.
#include <ctime>
#include <random>

#include "formats/pytorch_legacy.h"
#include "formats/pytorch_zip.h"
#include "formats/registry.h"
#include "tests/formats/pickle_bytes.h"
#include "tests/formats/zip_bytes.h"

namespace hallmark {
namespace {

using namespace pickled;               // NOLINT: the whole file is written in them
using namespace std::string_literals;  // NOLINT: NULs inside streams
using testing::HasSubstr;

std::string F32(std::initializer_list<float> values) {
  std::string bytes;
  for (const float value : values) bytes += Le32(std::bit_cast<std::uint32_t>(value));
  return bytes;
}

using Records = std::vector<std::pair<std::string, std::string>>;

std::string Checkpoint(const std::string& body, const Records& records = {},
                       std::string_view byteorder = "little", int protocol = 2) {
  std::vector<ZipMember> members = {Stored("m/data.pkl", Stream(body, protocol)),
                                    Stored("m/byteorder", std::string(byteorder))};
  for (const auto& [key, bytes] : records) members.push_back(Stored("m/data/" + key, bytes));
  members.push_back(Stored("m/version", "3\n"));
  return MakeZip(std::move(members));
}

// A reader and the file it needs.
struct Opened {
  std::unique_ptr<File> file;
  Result<std::unique_ptr<ModelReader>> reader;

  const ModelReader& operator*() const { return **reader; }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const TensorInfo& tensor : (*reader)->Tensors()) names.push_back(tensor.name);
    return names;
  }
  std::string Read(std::size_t index) const {
    std::vector<std::byte> bytes((*reader)->Tensors()[index].payload_bytes);
    EXPECT_TRUE(Ok((*reader)->ReadTensor(index, 0, bytes)));
    return std::string(AsText(bytes));
  }
  bool HasFinding(std::string_view code, std::string_view subject) const {
    for (const Finding& finding : (*reader)->Findings()) {
      if (finding.code == code && finding.subject == subject) return true;
    }
    return false;
  }
};

Opened Open(const std::string& bytes) {
  auto file = TestFile(bytes);
  auto reader = bytes.starts_with("PK") ? OpenPytorchZip(*file) : OpenPytorchLegacy(*file);
  return {std::move(file), std::move(reader)};
}

Errc CodeOf(const std::string& bytes) {
  const Opened opened = Open(bytes);
  EXPECT_FALSE(opened.reader) << "was accepted";
  return opened.reader ? Errc::kUsage : opened.reader.error().code;
}

std::string Floats(std::int32_t count) { return Storage("FloatStorage", "0", count); }
std::string Plain(std::int32_t count) {
  return Tensor(Floats(count), 0, Sizes({count}), Sizes({1}));
}

// --- names

TEST(Pytorch, JoinsNestedKeysAsTorchUsersDo) {
  const Opened opened = Open(Checkpoint(
      Dict({Text("a"), Dict({Int(0), "](" + Plain(1) + Tuple({"N", Plain(1)}) + "e"}), Text("b"),
            Call("collections", "OrderedDict", {}) + "(" + Text("c.d") + Plain(1) + "u", Text("e"),
            Call("collections", "defaultdict", {Global("builtins", "dict")}) + Text("f") +
                Plain(1) + "s",
            "\x88", Plain(1)}),
      {{"0", F32({1})}}));
  ASSERT_TRUE(Ok(opened.reader));
  EXPECT_THAT(opened.Names(), testing::ElementsAre("a.0.0", "a.0.1.1", "b.c.d", "e.f", "True"));
}

// As Python 2 reduced OrderedDicts: the items are the argument.
TEST(Pytorch, ReadsOrderedDictsOfPython2) {
  const std::string pair = "](" + Text("w") + Plain(1) + "e";
  const Opened opened = Open(
      Checkpoint(Global("collections", "OrderedDict") + "(](" + pair + "etR", {{"0", F32({1})}}));
  ASSERT_TRUE(Ok(opened.reader));
  EXPECT_THAT(opened.Names(), testing::ElementsAre("w"));
}

TEST(Pytorch, ReadsABareTensor) {
  const Opened opened = Open(Checkpoint(Plain(2), {{"0", F32({1, 2})}}));
  ASSERT_TRUE(Ok(opened.reader));
  EXPECT_THAT(opened.Names(), testing::ElementsAre(""));
  EXPECT_EQ(opened.Read(0), F32({1, 2}));
}

TEST(Pytorch, RefusesNamesThatMeet) {
  EXPECT_EQ(CodeOf(Checkpoint(Dict({Text("a"), Dict({Text("b"), Plain(1)}), Text("a.b"), Plain(1)}),
                              {{"0", F32({1})}})),
            Errc::kUnsupported);
  EXPECT_EQ(CodeOf(Checkpoint(Dict({Text("a"), Plain(1), Text("a"), Plain(1)}), {{"0", F32({1})}})),
            Errc::kMalformed);
}

TEST(Pytorch, SaysWhichValuesItCannotName) {
  const Opened opened =
      Open(Checkpoint(Dict({Tuple({Int(1), Int(2)}), Plain(1)}), {{"0", F32({1})}}));
  ASSERT_TRUE(Ok(opened.reader));
  EXPECT_TRUE(opened.Names().empty());
  EXPECT_TRUE(opened.HasFinding("unnamed-value", ""));
  EXPECT_TRUE(opened.HasFinding("unread-storage", "test.bin"));
}

TEST(Pytorch, SaysWhenAnUnknownObjectHoldsTensors) {
  const Opened opened = Open(Checkpoint(
      Dict({Text("w"), Tensor(Storage("FloatStorage", "1", 1), 0, Sizes({1}), Sizes({1})),
            Text("x"), Call("some.package", "Thing", {Plain(1)})}),
      {{"0", F32({1})}, {"1", F32({2})}}));
  ASSERT_TRUE(Ok(opened.reader));
  EXPECT_THAT(opened.Names(), testing::ElementsAre("w"));
  EXPECT_TRUE(opened.HasFinding("unknown-global", "test.bin"));
  EXPECT_TRUE(opened.HasFinding("unread-storage", "test.bin"));
}

// --- tensors

TEST(Pytorch, ReadsParametersAndTypedSubclasses) {
  const std::string hooks = Call("collections", "OrderedDict", {});
  const std::string tensor_class = Global("torch", "Tensor");
  const std::string arguments = Tuple({Floats(1), Int(0), Sizes({1}), Sizes({1}), "\x89", hooks});
  const Opened opened = Open(Checkpoint(
      Dict({Text("a"), Call("torch._utils", "_rebuild_parameter", {Plain(1), "\x88", hooks}),
            Text("b"),
            Call("torch._utils", "_rebuild_parameter_with_state",
                 {Plain(1), "\x88", hooks, Dict({Text("tag"), Int(1)})}),
            Text("c"),
            Call("torch._tensor", "_rebuild_from_type_v2",
                 {Global("torch._utils", "_rebuild_tensor_v2"), tensor_class, arguments,
                  Dict({Text("attr"), Int(1)})}),
            Text("d"), Call("torch._utils", "_rebuild_tensor", {Floats(1), Int(0), "(t", "(t"}),
            Text("e"),
            Call("torch._tensor", "_rebuild_from_type_v2",
                 {Global("torch._utils", "_rebuild_tensor_v2"), Global("some.lib", "Quantised"),
                  arguments, "}"})}),
      {{"0", F32({7})}}));
  ASSERT_TRUE(Ok(opened.reader));
  EXPECT_THAT(opened.Names(), testing::ElementsAre("a", "b", "c", "d"));
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(opened.Read(i), F32({7}));
  EXPECT_TRUE((*opened).Tensors()[3].shape.empty());
  EXPECT_TRUE(opened.HasFinding("unsupported-tensor", "e"));
}

// What loading would give must be what is read here.
TEST(Pytorch, IsNotFooledByWhatHappensAfterTheCall) {
  const Records records = {{"0", F32({1})}, {"1", F32({2})}};
  const std::string other = Tensor(Storage("FloatStorage", "1", 1), 0, Sizes({1}), Sizes({1}));
  const std::string hooks = Call("collections", "OrderedDict", {});
  const std::string cases[] = {
      // Tensor.__setstate__ takes another storage.
      Plain(1) + Tuple({Storage("FloatStorage", "1", 1), Int(0), Sizes({1}), Sizes({1})}) + "b",
      // Attributes are assigned; .data is the numbers.
      Call("torch._utils", "_rebuild_parameter_with_state",
           {Plain(1), "\x88", hooks, Dict({Text("data"), other})}),
      Call("torch._tensor", "_rebuild_from_type_v2",
           {Global("torch._utils", "_rebuild_tensor_v2"), Global("torch", "Tensor"),
            Tuple({Floats(1), Int(0), Sizes({1}), Sizes({1}), "\x89", hooks}),
            Tuple({"}", Dict({Text("data"), other})})}),
      Global("torch._utils", "_rebuild_tensor_v2") +
          Tuple({Floats(1), Int(0), Sizes({1}), Sizes({1}), "\x89", hooks}) + "\x81",
  };
  for (const std::string& body : cases) {
    const Opened opened = Open(Checkpoint(Dict({Text("w"), body, Text("x"), other}), records));
    ASSERT_TRUE(Ok(opened.reader));
    EXPECT_THAT(opened.Names(), testing::ElementsAre("x"));
    EXPECT_TRUE(opened.HasFinding("unsupported-tensor", "w"));
  }
  // A list that grows after it became a dict, or after it was a tensor's size.
  const std::string pair = "](" + Text("w") + Plain(1) + "e";
  EXPECT_EQ(CodeOf(Checkpoint(Global("collections", "OrderedDict") + "(](" + pair +
                                  "eq\x09tR0h\x09" + pair + "a0N",
                              records)),
            Errc::kMalformed);
  EXPECT_EQ(CodeOf(Checkpoint(Tensor(Floats(1), 0,
                                     "]q\x09K\x01"
                                     "a",
                                     Sizes({1})) +
                                  "h\x09K\x01"
                                  "a0",
                              records)),
            Errc::kMalformed);
  // __new__ of a dict ignores its arguments.
  const Opened bare = Open(Checkpoint(
      Global("collections", "OrderedDict") + Tuple({"](" + pair + "e"}) + "\x81", records));
  ASSERT_TRUE(Ok(bare.reader));
  EXPECT_TRUE(bare.Names().empty());
  EXPECT_TRUE(bare.HasFinding("unread-tensor", "test.bin"));
  // To Python, 1 and True are one key.
  EXPECT_EQ(CodeOf(Checkpoint(Dict({Int(1), Plain(1), "\x88", other}), records)), Errc::kMalformed);
}

std::string V3(std::string_view dtype, std::int32_t bytes, const std::string& sizes,
               const std::string& strides) {
  return Call("torch._utils", "_rebuild_tensor_v3",
              {Tuple({Text("storage"), Global("torch.storage", "UntypedStorage"), Text("0"),
                      Text("cpu"), Int(bytes)}) +
                   "Q",
               Int(0), sizes, strides, "\x89", Call("collections", "OrderedDict", {}),
               Global("torch", dtype)});
}

TEST(Pytorch, ReadsUntypedStorages) {
  const struct {
    std::string_view dtype;
    std::string_view ours;
    std::int32_t item;
  } kCases[] = {{"float8_e4m3fn", "f8_e4m3", 1},
                {"float8_e5m2", "f8_e5m2", 1},
                {"float8_e4m3fnuz", "f8_e4m3fnuz", 1},
                {"float8_e5m2fnuz", "f8_e5m2fnuz", 1},
                {"float8_e8m0fnu", "f8_e8m0", 1},
                {"uint16", "u16", 2},
                {"uint32", "u32", 4},
                {"uint64", "u64", 8},
                {"complex32", "c32", 4}};
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.dtype);
    std::string bytes;
    for (std::int32_t i = 0; i < 3 * c.item; ++i) bytes += static_cast<char>(i + 1);
    const std::string body = V3(c.dtype, 3 * c.item, Sizes({3}), Sizes({1}));
    const Opened little = Open(Checkpoint(body, {{"0", bytes}}));
    ASSERT_TRUE(Ok(little.reader));
    EXPECT_EQ(DtypeName((*little).Tensors()[0].dtype), c.ours);
    EXPECT_EQ(little.Read(0), bytes);
    EXPECT_TRUE((*little).Tensors()[0].verbatim);

    // torch swaps a storage by the type of the storage, and this one has none.
    const Opened big = Open(Checkpoint(body, {{"0", bytes}}, "big"));
    ASSERT_TRUE(Ok(big.reader));
    EXPECT_EQ(big.Read(0), bytes);
  }
}

// One index of torch's packed f4 is a byte of two values.
TEST(Pytorch, CountsPackedF4InValues) {
  const Opened opened =
      Open(Checkpoint(V3("float4_e2m1fn_x2", 6, Sizes({2, 3}), Sizes({3, 1})), {{"0", "abcdef"}}));
  ASSERT_TRUE(Ok(opened.reader));
  EXPECT_EQ((*opened).Tensors()[0].shape, (Shape{2, 6}));
  EXPECT_EQ(opened.Read(0), "abcdef");
  const Opened transposed =
      Open(Checkpoint(V3("float4_e2m1fn_x2", 6, Sizes({3, 2}), Sizes({1, 3})), {{"0", "abcdef"}}));
  ASSERT_TRUE(Ok(transposed.reader));
  EXPECT_EQ(transposed.Read(0), "adbecf");
}

TEST(Pytorch, NamesDtypesItCannotRead) {
  const Opened opened = Open(Checkpoint(V3("bits8", 2, Sizes({2}), Sizes({1})), {{"0", "ab"}}));
  ASSERT_TRUE(Ok(opened.reader));
  EXPECT_TRUE(opened.HasFinding("unsupported-tensor", ""));
}

std::string Many(int count) {
  std::string ones = "(";
  for (int i = 0; i < count; ++i) ones += "K\x01";
  return ones + "t";
}

// CVE-2026-24747 and its kin: numbers that do not fit together.
TEST(Pytorch, RefusesViewsAndStoragesThatLie) {
  const std::string two = F32({1, 2});
  const struct {
    const char* what;
    std::string body;
    Records records;
  } kCases[] = {
      {"record shorter than its storage", Plain(3), {{"0", two}}},
      {"record longer than its storage", Plain(1), {{"0", two}}},
      {"record missing", Plain(2), {{"1", two}}},
      {"view beyond the storage", Tensor(Floats(2), 0, Sizes({3}), Sizes({1})), {{"0", two}}},
      {"offset beyond", Tensor(Floats(2), 2, Sizes({1}), Sizes({1})), {{"0", two}}},
      {"stride beyond", Tensor(Floats(2), 0, Sizes({2}), Sizes({2})), {{"0", two}}},
      {"negative offset", Tensor(Floats(2), -1, Sizes({1}), Sizes({1})), {{"0", two}}},
      {"negative size", Tensor(Floats(2), 0, Sizes({-1}), Sizes({1})), {{"0", two}}},
      {"negative stride", Tensor(Floats(2), 1, Sizes({2}), Sizes({-1})), {{"0", two}}},
      {"overflowing product",
       Tensor(Floats(2), 0, Sizes({0x7fffffff, 0x7fffffff, 0x7fffffff}), Sizes({0, 0, 0})),
       {{"0", two}}},
      {"overflowing stride",
       Tensor(Floats(2), 0, Sizes({3, 1}),
              Tuple({"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f", Int(1)})),
       {{"0", two}}},
      {"more strides than sizes", Tensor(Floats(2), 0, Sizes({2}), Sizes({1, 1})), {{"0", two}}},
      {"65 dimensions", Tensor(Floats(2), 0, Many(65), Many(65)), {{"0", two}}},
      {"negative numel", Plain(-1), {{"0", two}}},
      {"no storage", Tensor("N", 0, Sizes({1}), Sizes({1})), {{"0", two}}},
      {"too few arguments", Call("torch._utils", "_rebuild_tensor_v2", {Floats(2)}), {{"0", two}}},
      {"sizes of text", Tensor(Floats(2), 0, Tuple({Text("1")}), Sizes({1})), {{"0", two}}},
      {"one storage, two types",
       Tuple({Plain(2), Tensor(Storage("IntStorage", "0", 2), 0, Sizes({1}), Sizes({1}))}),
       {{"0", two}}},
      {"one storage, two lengths",
       Tuple({Plain(2), Tensor(Floats(1), 0, Sizes({1}), Sizes({1}))}),
       {{"0", two}}},
      {"one untyped storage, two types",
       Tuple({V3("uint16", 8, Sizes({1}), Sizes({1})), V3("uint32", 8, Sizes({1}), Sizes({1}))}),
       {{"0", two}}},
      {"conjugated floats",
       Call("torch._utils", "_rebuild_tensor_v2",
            {Floats(2), Int(0), Sizes({2}), Sizes({1}), "\x89", "N", Dict({Text("conj"), "\x88"})}),
       {{"0", two}}},
      {"key that climbs",
       Tensor(Storage("FloatStorage", "../version", 2), 0, Sizes({1}), Sizes({1})),
       {{"0", two}}},
      {"persistent id of text", Text("0") + "Q", {{"0", two}}},
      {"persistent id that is short", Tuple({Text("storage")}) + "Q", {{"0", two}}},
      {"legacy id in a zip",
       Tensor(Tuple({Text("storage"), Global("torch", "FloatStorage"), Text("0"), Text("cpu"),
                     Int(2), "N"}) +
                  "Q",
              0, Sizes({1}), Sizes({1})),
       {{"0", two}}},
      {"bytes after the pickle", "N.N", {}},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.what);
    EXPECT_EQ(CodeOf(Checkpoint(c.body, c.records)), Errc::kMalformed);
  }
}

TEST(Pytorch, RefusesPromisesOfEndlessTensors) {
  const std::string repeated = Tensor(Floats(1), 0, Sizes({1 << 30, 1 << 20}), Sizes({0, 0}));
  EXPECT_EQ(CodeOf(Checkpoint(repeated, {{"0", F32({1})}})), Errc::kUnsupported);
  // A modest one is what torch.expand makes.
  const Opened modest =
      Open(Checkpoint(Tensor(Floats(1), 0, Sizes({2, 3}), Sizes({0, 0})), {{"0", F32({5})}}));
  ASSERT_TRUE(Ok(modest.reader));
  EXPECT_EQ(modest.Read(0), F32({5, 5, 5, 5, 5, 5}));
}

// --- the cost of structure

TEST(Pytorch, SharedTuplesDoNotMultiply) {
  // t = (t, t) forty times over: with nothing in it, with a number, with a tensor.
  const auto doubled = [](const std::string& seed) {
    std::string body = seed + "q\x01";
    for (int i = 0; i < 40; ++i) body += "0h\x01h\x01\x86q\x01";
    return body;
  };
  const std::clock_t start = std::clock();
  EXPECT_TRUE(Ok(Open(Checkpoint(doubled(")"))).reader));
  const Opened numbers = Open(Checkpoint(doubled("K\x05")));
  ASSERT_TRUE(Ok(numbers.reader));
  EXPECT_LE((*numbers).Metadata().size(), 10'000u);
  EXPECT_EQ(CodeOf(Checkpoint(doubled(Plain(1)), {{"0", F32({1})}})), Errc::kUnsupported);
  EXPECT_LT(std::clock() - start, 20 * CLOCKS_PER_SEC);
}

TEST(Pytorch, WalksDeepAndCyclicValues) {
  const auto nested = [](std::size_t levels) {
    return Checkpoint(std::string(levels, ']') + Plain(1) + std::string(levels, 'a'),
                      {{"0", F32({1})}});
  };
  const Opened opened = Open(nested(1000));
  ASSERT_TRUE(Ok(opened.reader));
  EXPECT_EQ(opened.Names()[0].size(), 1999u);
  // The names of the levels alone would take 10 GB.
  EXPECT_EQ(CodeOf(nested(100'000)), Errc::kUnsupported);

  const Opened cyclic = Open(
      Checkpoint("}q\x01" + Text("w") + Plain(1) + "s" + Text("me") + "h\x01s", {{"0", F32({1})}}));
  ASSERT_TRUE(Ok(cyclic.reader));
  EXPECT_THAT(cyclic.Names(), testing::ElementsAre("w"));
  EXPECT_TRUE(cyclic.HasFinding("cyclic-value", "me"));
}

TEST(Pytorch, OpensManyTensorsQuickly) {
  std::string body = "}(";
  std::vector<ZipMember> members = {Stored("m/data.pkl", "")};
  for (int i = 0; i < 100'000; ++i) {
    const std::string key = std::to_string(i);
    body +=
        Text("layer." + key) + Tensor(Storage("FloatStorage", key, 1), 0, Sizes({1}), Sizes({1}));
    members.push_back(Stored("m/data/" + key, F32({1})));
  }
  members[0] = Stored("m/data.pkl", Stream(body + "u"));
  const std::string bytes = MakeZip(std::move(members), [](ZipEnd& end) {
    end.zip64 = true;
    end.count = 0xffff;
    end.count64 = 100'001;
  });
  const std::clock_t start = std::clock();
  const Opened opened = Open(bytes);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  ASSERT_TRUE(Ok(opened.reader));
  EXPECT_EQ((*opened).Tensors().size(), 100'000u);
  // A fifth of a second when optimised; the limit leaves room for sanitizers, not for anything
  // that grows faster than the file.
  RecordProperty("milliseconds", static_cast<int>(seconds * 1000));
  EXPECT_LT(seconds, 15);
}

// --- the archive around it

TEST(Pytorch, NamesOtherArchives) {
  const std::string script =
      MakeZip({Stored("m/data.pkl", Stream("N")), Stored("m/constants.pkl", Stream(")"))});
  const Opened torchscript = Open(script);
  ASSERT_FALSE(torchscript.reader);
  EXPECT_EQ(torchscript.reader.error().code, Errc::kUnsupported);
  EXPECT_THAT(torchscript.reader.error().message, HasSubstr("TorchScript"));
  EXPECT_EQ(CodeOf(MakeZip({Stored("m/readme", "x")})), Errc::kUnsupported);
  // torch looks in the folder of the first entry, whatever that is, and finds names in any case.
  const Opened two =
      Open(MakeZip({Stored("a/data.pkl", Stream("N")), Stored("b/data.pkl", Stream("N"))}));
  ASSERT_TRUE(Ok(two.reader));
  EXPECT_TRUE(two.HasFinding("stray-record", "test.bin"));
  EXPECT_EQ(CodeOf(MakeZip({Stored("a/x", "x"), Stored("b/data.pkl", Stream("N"))})),
            Errc::kMalformed);
  EXPECT_EQ(CodeOf(MakeZip({Stored("a/b/data.pkl", Stream("N"))})), Errc::kMalformed);
  EXPECT_TRUE(Ok(Open(MakeZip({Stored("a/DATA.PKL", Stream("N"))})).reader));
  EXPECT_EQ(CodeOf(Checkpoint("N", {}, "middle")), Errc::kMalformed);
}

// What torch reads otherwise than it seems must not get an identity: no tensor, or a finding that
// says so.
TEST(Pytorch, DoesNotReadTensorsWhoseMetadataIsStrange) {
  for (const std::string& metadata :
       {Dict({Text("neg"), Int(1)}), Dict({Text("neg"), Text("x")}), Dict({Text("new"), "\x88"})}) {
    const Opened opened = Open(Checkpoint(
        Dict({Text("w"), Call("torch._utils", "_rebuild_tensor_v2",
                              {Floats(2), Int(0), Sizes({2}), Sizes({1}), "\x89", "N", metadata})}),
        {{"0", F32({1, 2})}}));
    ASSERT_TRUE(Ok(opened.reader));
    EXPECT_TRUE((*opened).Tensors().empty());
    EXPECT_TRUE(opened.HasFinding("unsupported-tensor", "w"));
  }
}

TEST(Pytorch, ReportsTensorsHandedToUnknownCalls) {
  const std::string memoised = Plain(2) + "q\x01";
  for (const std::string& call :
       {Call("torch", "neg_", {"h\x01"}), Call("some", "Thing", {Tuple({Int(1), "h\x01"})}),
        Call("some", "Thing", {}) + Dict({Text("x"), "h\x01"}) + "b"}) {
    const Opened opened =
        Open(Checkpoint(Dict({Text("w"), memoised, Text("x"), call}), {{"0", F32({1, 2})}}));
    ASSERT_TRUE(Ok(opened.reader));
    EXPECT_TRUE(opened.HasFinding("unread-tensor", "test.bin"));
  }
  const Opened innocent = Open(
      Checkpoint(Dict({Text("w"), memoised, Text("x"), Call("argparse", "Namespace", {Int(1)})}),
                 {{"0", F32({1, 2})}}));
  ASSERT_TRUE(Ok(innocent.reader));
  EXPECT_FALSE(innocent.HasFinding("unread-tensor", "test.bin"));
}

TEST(Pytorch, RefusesMetadataThatChangesLater) {
  // The dict, three tuples deep in the arguments of a call, gets its item after the call.
  const std::string dict = "}q\x01";
  const std::string body =
      Tuple({Call("torch._utils", "_rebuild_parameter",
                  {Call("torch._utils", "_rebuild_tensor_v2",
                        {Floats(2), Int(0), Sizes({2}), Sizes({1}), "\x89", "N", dict}),
                   "\x88", Tuple({Tuple({Tuple({"h\x01"})})})}),
             "h\x01" + Text("neg") + "\x88s"});
  EXPECT_EQ(CodeOf(Checkpoint(body, {{"0", F32({1, 2})}})), Errc::kMalformed);
}

TEST(Pytorch, RefusesAFileThatLooksLikeSafetensors) {
  // "PK\3\4" and four zero bytes are the length of a header of 67 MB, which a brace begins.
  std::string zip = MakeZip({Stored("archive/data.pkl", Stream("N")),
                             Stored("archive/version", std::string(70'000'000, ' '))});
  const std::string zeros(4, '\0');
  zip.replace(4, 4, zeros);
  zip[8] = '{';
  const Opened opened = Open(zip);
  ASSERT_FALSE(opened.reader);
  EXPECT_THAT(opened.reader.error().message, HasSubstr("as safetensors"));
}

TEST(Pytorch, ReportsStrayRecords) {
  const Opened opened = Open(Checkpoint(Plain(1), {{"0", F32({1})}, {"7", "hidden"}}));
  ASSERT_TRUE(Ok(opened.reader));
  EXPECT_TRUE(opened.HasFinding("stray-record", "test.bin"));
}

TEST(Pytorch, ChecksTheCrcOfThePickle) {
  std::string bytes = Checkpoint(Plain(1), {{"0", F32({1})}});
  bytes[bytes.find("FloatStorage")] ^= 1;
  EXPECT_EQ(CodeOf(bytes), Errc::kMalformed);
}

// A file pays for what it makes of itself: a small one must not take gigabytes or minutes.
TEST(Pytorch, LimitsWhatDeflatedRecordsCost) {
  constexpr std::int32_t kCount = 17 * 1024 * 1024;
  const std::string zeros(4 * std::size_t{kCount}, '\0');
  const auto with_view = [&](const std::string& sizes, const std::string& strides) {
    return MakeZip({Stored("m/data.pkl", Stream(Tensor(Floats(kCount), 0, sizes, strides))),
                    Deflated("m/data/0", zeros)});
  };
  EXPECT_TRUE(Ok(Open(with_view(Sizes({kCount / 2, 2}), Sizes({2, 1}))).reader));
  EXPECT_EQ(CodeOf(with_view(Sizes({2, kCount / 2}), Sizes({1, 2}))), Errc::kUnsupported);

  std::string noise(std::size_t{33} << 20, '\0');  // deflates to more than a 32nd
  std::minstd_rand random(1);
  for (std::size_t i = 0; i < noise.size(); i += 32) noise[i] = static_cast<char>(random() >> 8);
  EXPECT_EQ(CodeOf(MakeZip({Deflated("m/data.pkl", noise)})), Errc::kUnsupported);
}

TEST(Pytorch, IsToldFromNumpysArchivesByTheFirstEntry) {
  const auto sniff = [](const std::string& bytes) {
    return SniffPytorchZip({AsBytes(bytes), bytes.size()});
  };
  EXPECT_TRUE(sniff(Checkpoint("N")));
  EXPECT_TRUE(sniff(MakeZip({Stored("archive/version", "3")})));
  EXPECT_TRUE(sniff(MakeZip({Stored("archive/", ""), Stored("archive/data.pkl", "")})));
  EXPECT_FALSE(sniff(MakeZip({Stored("tok_embeddings.weight.npy", "x")})));
  EXPECT_TRUE(sniff(MakeZip({Stored("anything/first", "x"), Stored("anything/data.pkl", "")})));
  EXPECT_FALSE(sniff("PK\x03\x04"));
  EXPECT_FALSE(sniff(ReadFixture("npz/model-f32.npz")));
}

// --- the legacy container

std::string LegacyStorage(std::string_view kind, std::string_view key, std::int32_t count,
                          const std::string& view = "N") {
  return Tuple({Text("storage"), Global("torch", kind), Text(key), Text("cpu"), Int(count), view}) +
         "Q";
}

std::string LegacyHead(bool little = true) {
  return Stream("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19") + Stream("M\xe9\x03") +
         Stream(Dict({Text("protocol_version"), "M\xe9\x03", Text("little_endian"),
                      little ? "\x88" : "\x89"}));
}

std::string Legacy(const std::string& body, std::initializer_list<std::string> keys,
                   const std::string& storages) {
  std::string list = "](";
  for (const std::string& key : keys) list += Text(key);
  return LegacyHead() + Stream(body) + Stream(list + "e") + storages;
}

TEST(PytorchLegacy, ReadsStoragesInTheOrderOfTheList) {
  const auto tensor = [](std::string_view key) {
    return Tensor(LegacyStorage("FloatStorage", key, 1), 0, Sizes({1}), Sizes({1}));
  };
  const Opened opened = Open(Legacy(Dict({Text("x"), tensor("7"), Text("y"), tensor("5")}),
                                    {"5", "7"}, Le64(1) + F32({50}) + Le64(1) + F32({70})));
  ASSERT_TRUE(Ok(opened.reader));
  EXPECT_THAT(opened.Names(), testing::ElementsAre("y", "x"));  // in file order
  EXPECT_EQ(opened.Read(0), F32({50}));
  EXPECT_EQ(opened.Read(1), F32({70}));
}

TEST(PytorchLegacy, ReadsViewsOfStorages) {
  const std::string view = Tuple({Text("9"), Int(1), Int(2)});
  const auto body = [&](std::int32_t offset, std::int32_t size) {
    return Tensor(LegacyStorage("FloatStorage", "5", 4, view), offset, Sizes({size}), Sizes({1}));
  };
  const std::string storages = Le64(4) + F32({1, 2, 3, 4});
  const Opened opened = Open(Legacy(body(0, 2), {"5"}, storages));
  ASSERT_TRUE(Ok(opened.reader));
  EXPECT_EQ(opened.Read(0), F32({2, 3}));
  EXPECT_EQ(CodeOf(Legacy(body(1, 2), {"5"}, storages)), Errc::kMalformed);
}

TEST(PytorchLegacy, RefusesWhatDoesNotAddUp) {
  const std::string body = Tensor(LegacyStorage("FloatStorage", "5", 1), 0, Sizes({1}), Sizes({1}));
  const std::string good = Le64(1) + F32({1});
  EXPECT_TRUE(Ok(Open(Legacy(body, {"5"}, good)).reader));
  EXPECT_EQ(CodeOf(Legacy(body, {"5"}, Le64(2) + F32({1, 2}))), Errc::kMalformed);
  EXPECT_EQ(CodeOf(Legacy(body, {"5"}, good + "x")), Errc::kMalformed);
  EXPECT_EQ(CodeOf(Legacy(body, {}, "")), Errc::kMalformed);
  EXPECT_EQ(CodeOf(Legacy(body, {"5", "5"}, good + good)), Errc::kMalformed);
  EXPECT_EQ(CodeOf(Legacy(body, {"5", "6"}, good + good)), Errc::kMalformed);
  EXPECT_EQ(CodeOf(Legacy("N", {}, "") + MakeZip({Stored("m/data.pkl", "N.")})), Errc::kMalformed);
  EXPECT_EQ(CodeOf(LegacyHead().substr(0, 15) + Stream("M\xea\x03")), Errc::kUnsupported);
}

// Each of the five streams is judged, each on a machine of its own.
TEST(PytorchLegacy, JudgesEveryStackedStream) {
  const std::string evil = Call("os", "system", {Text("id")});
  const std::string magic = Stream("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19");
  const std::string version = Stream("M\xe9\x03");
  const std::string info = Stream("}");
  EXPECT_EQ(CodeOf(Stream(evil + "0\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19")),
            Errc::kDangerous);
  EXPECT_EQ(CodeOf(magic + Stream(evil)), Errc::kDangerous);
  EXPECT_EQ(CodeOf(magic + version + Stream(evil + "0}")), Errc::kDangerous);
  EXPECT_EQ(CodeOf(magic + version + info + Stream(evil)), Errc::kDangerous);
  EXPECT_EQ(CodeOf(magic + version + info + Stream("N") + Stream(evil + "0]")), Errc::kDangerous);
  // The memo of one stream is not that of the next.
  EXPECT_EQ(CodeOf(magic + Stream("M\xe9\x03q\x01") + info + Stream("h\x01") + Stream("]")),
            Errc::kMalformed);
}

TEST(PytorchLegacy, IsToldByBeingAPickle) {
  const auto sniff = [](const std::string& bytes) {
    return SniffPytorchLegacy({AsBytes(bytes), bytes.size()});
  };
  EXPECT_TRUE(sniff(LegacyHead()));
  EXPECT_TRUE(
      sniff("\x80\x04\x95" + Le64(13) + "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."));
  EXPECT_TRUE(sniff(Stream("N.")));
  EXPECT_TRUE(sniff("cposix\nsystem\n(S'id'\ntR."));
  EXPECT_FALSE(sniff("\x80"));
  EXPECT_FALSE(sniff("\x80\x02\x01\x01"));
  EXPECT_FALSE(sniff("c plain words\n"));
  EXPECT_FALSE(sniff("checkpoint"));
}

// torch keeps views under their own keys, among those of the storages.
TEST(PytorchLegacy, RefusesViewsThatAreCalledLikeStorages) {
  const auto view = [](std::string_view key, std::int32_t offset) {
    return Tuple({Text(key), Int(offset), Int(1)});
  };
  const auto tensor = [](std::string_view key, const std::string& of_view) {
    return Tensor(LegacyStorage("FloatStorage", key, 2, of_view), 0, Sizes({1}), Sizes({1}));
  };
  const std::string two = Le64(2) + F32({1, 2});
  EXPECT_EQ(
      CodeOf(Legacy(Tuple({tensor("0", "N"), tensor("1", view("0", 0))}), {"0", "1"}, two + two)),
      Errc::kMalformed);
  EXPECT_EQ(
      CodeOf(Legacy(Tuple({tensor("0", view("v", 0)), tensor("0", view("v", 1))}), {"0"}, two)),
      Errc::kMalformed);
  EXPECT_TRUE(
      Ok(Open(Legacy(Tuple({tensor("0", view("v", 1)), tensor("0", view("v", 1))}), {"0"}, two))
             .reader));
}

TEST(PytorchLegacy, TellsOtherPicklesAndTheirDangers) {
  EXPECT_EQ(CodeOf(Stream("N")), Errc::kUnsupported);
  EXPECT_EQ(CodeOf("cposix\nsystem\n(S'id'\ntR."), Errc::kDangerous);
  // The magic number with a needless zero byte, as torch reads it too.
  const std::string head =
      Stream("\x8a\x0b\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19" + std::string(1, '\0')) +
      Stream("M\xe9\x03") + LegacyHead().substr(LegacyHead().rfind("\x80"));
  EXPECT_TRUE(Ok(Open(head + Stream("}") + Stream("]")).reader));
}

TEST(PytorchLegacy, NotesBigEndianWriters) {
  const Opened opened = Open(LegacyHead(false) + Stream("}") + Stream("]"));
  ASSERT_TRUE(Ok(opened.reader));
  EXPECT_TRUE(opened.HasFinding("big-endian-writer", "test.bin"));
}

// Like any other file of weights: told by the registry, not called an archive to be unpacked.
TEST(PytorchTar, IsRefusedByName) {
  std::string tar(1024, '\0');
  tar.replace(0, 8, "storages");
  tar.replace(257, 5, "ustar");
  const auto reader = OpenContainer(*TestFile(tar));
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, Errc::kUnsupported);
  EXPECT_THAT(reader.error().message, HasSubstr("PyTorch 0.1"));
}

}  // namespace
}  // namespace hallmark
