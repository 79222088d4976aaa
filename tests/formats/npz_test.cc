#include "formats/npz.h"

#include "formats/registry.h"
#include "tests/formats/npy_bytes.h"
#include "tests/formats/pickle_bytes.h"
#include "tests/formats/zip_bytes.h"

namespace hallmark {
namespace {

using pickled::Call;
using pickled::Stream;
using pickled::Text;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Opened {
  std::unique_ptr<File> file;
  std::unique_ptr<ModelReader> reader;

  std::string Payload(std::size_t index) const {
    std::string payload(reader->Tensors()[index].payload_bytes, '\0');
    EXPECT_TRUE(Ok(reader->ReadTensor(
        index, 0, {reinterpret_cast<std::byte*>(payload.data()), payload.size()})));
    return payload;
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const TensorInfo& tensor : reader->Tensors()) names.push_back(tensor.name);
    return names;
  }
  std::vector<std::string> Codes() const {
    std::vector<std::string> codes;
    for (const Finding& finding : reader->Findings()) codes.push_back(finding.code);
    return codes;
  }
};

Opened Open(std::vector<ZipMember> members) {
  Opened opened;
  opened.file = TestFile(MakeZip(std::move(members)), "a.npz");
  auto reader = OpenContainer(*opened.file);
  EXPECT_TRUE(Ok(reader));
  if (reader) {
    opened.reader = *std::move(reader);
    EXPECT_EQ(opened.reader->FormatName(), "npz");
  }
  return opened;
}

Error ErrorOf(std::vector<ZipMember> members) {
  const auto file = TestFile(MakeZip(std::move(members)), "a.npz");
  auto reader = OpenContainer(*file);
  if (!reader) return std::move(reader).error();
  ADD_FAILURE() << "it opened";
  return {};
}

std::string Bytes(std::string_view values, bool fortran = false, const char* shape = "(2, 2)") {
  return Npy("'|u1'", shape, values, fortran);
}

TEST(Npz, CallsTensorsAsTheirEntriesWithoutTheSuffix) {
  const Opened opened =
      Open({Stored("W.npy", Bytes("abcd")), Deflated("w.npy", Bytes("efgh", true)),
            Stored("a/b.npy", Bytes("ijkl")), Stored(".npy", Bytes("mnop"))});

  EXPECT_THAT(opened.Names(), ElementsAre("W", "w", "a/b", ""));
  EXPECT_EQ(opened.Payload(0), "abcd");
  EXPECT_EQ(opened.Payload(1), "egfh");
  EXPECT_TRUE(opened.reader->Tensors()[0].verbatim);
  EXPECT_FALSE(opened.reader->Tensors()[1].verbatim);
  EXPECT_EQ(opened.reader->FormatDetail(), "numpy archive, partly deflated");
  EXPECT_THAT(opened.Codes(), IsEmpty());
}

// numpy.load tells an array by how an entry begins; others it gives as bytes.
TEST(Npz, TellsArraysByTheirContentAsNumpyDoes) {
  const Opened opened = Open({Stored("a.npy", Bytes("abcd")), Stored("b", Bytes("efgh")),
                              Stored("notes.txt", "words"), Stored("c/", "")});

  EXPECT_THAT(opened.Names(), ElementsAre("a", "b"));
  EXPECT_THAT(opened.Codes(), ElementsAre("stray-record"));
  EXPECT_THAT(ErrorOf({Stored("a.npy", "words, words")}).message, HasSubstr("a.npy: it does not"));
}

TEST(Npz, RefusesTwoArraysOfOneName) {
  EXPECT_EQ(ErrorOf({Stored("a.npy", Bytes("abcd")), Stored("a.npy", Bytes("abcd"))}).code,
            Errc::kMalformed);
  EXPECT_THAT(ErrorOf({Stored("a.npy", Bytes("abcd")), Stored("a", Bytes("efgh"))}).message,
              HasSubstr("numpy gives that instead"));
  EXPECT_THAT(ErrorOf({Stored("a.npy.npy", Bytes("abcd")), Stored("a.npy", "x")}).message,
              HasSubstr("numpy gives that instead"));
  EXPECT_THAT(ErrorOf({Stored("a.npy", Bytes("abcd")), Stored("a", "words")}).message,
              HasSubstr("numpy gives that instead"));
}

TEST(Npz, RefusesWhatOtherProgramsSeeOtherwise) {
  EXPECT_THAT(
      ErrorOf({Stored("m/a.npy", Bytes("abcd")), Stored("M/DATA.pkl", "\x80\x02N.")}).message,
      HasSubstr("two models"));
  EXPECT_EQ(ErrorOf({Stored("../a.npy", Bytes("abcd"))}).code, Errc::kMalformed);
}

TEST(Npz, SaysInWhichEntryAndWhereItIsWrong) {
  const std::string cut = Bytes("abc");
  const Error stored = ErrorOf({Stored("a.npy", cut)});
  EXPECT_EQ(stored.subject, "a.npz");
  EXPECT_EQ(stored.message, "a.npy: the values take 4 bytes, 3 follow the header");
  EXPECT_EQ(stored.offset, 30 + 5 + cut.size() - 3);

  const Error deflated = ErrorOf({Deflated("a.npy", cut)});
  EXPECT_EQ(deflated.offset, 30 + 5);
}

TEST(Npz, LooksIntoObjects) {
  const std::string call = Npy("'|O'", "(1,)", Stream(Call("os", "system", {Text("echo")})));
  EXPECT_EQ(ErrorOf({Stored("a.npy", Bytes("abcd")), Stored("b.npy", call)}).code,
            Errc::kDangerous);
  const Error error = ErrorOf({Deflated("b.npy", call)});
  EXPECT_EQ(error.code, Errc::kDangerous);
  EXPECT_EQ(error.offset, 30 + 5);

  const Opened opened =
      Open({Stored("a.npy", Bytes("abcd")), Stored("b.npy", Npy("'|O'", "(1,)", "\x80\x04N."))});
  EXPECT_THAT(opened.Names(), ElementsAre("a"));
  EXPECT_THAT(opened.Codes(), ElementsAre("unsupported-tensor"));
}

TEST(Npz, ReadsNoMoreOfPicklesThanALimit) {
  const std::string pickle = "\x80\x04]." + std::string(std::size_t{5} << 20, '\0');
  const std::string array = Npy("'|O'", "(1,)", pickle);

  EXPECT_EQ(ErrorOf({Deflated("a.npy", array)}).code, Errc::kMalformed);  // more than a pickle
  const std::string two = Npy("[('a', 'O')]", "(1,)", pickle);
  EXPECT_EQ(ErrorOf({Deflated("a.npy", two), Deflated("b.npy", two)}).code, Errc::kUnsupported);
}

TEST(Npz, NotesTypesWithoutANameOnce) {
  const Opened opened = Open(
      {Stored("a.npy", Npy("'<V2'", "(2,)", "abcd")), Stored("b.npy", Npy("'<V2'", "(1,)", "ab"))});

  EXPECT_THAT(opened.Codes(), ElementsAre("unnamed-type"));
  EXPECT_THAT(opened.reader->Findings()[0].message, HasSubstr("2 arrays"));
}

TEST(Npz, RefusesScatteredTensorsInLargeDeflatedEntries) {
  const std::string values((std::size_t{65} << 20), '\0');
  const char* const shape = "(65, 1048576)";

  EXPECT_EQ(ErrorOf({Deflated("a.npy", Bytes(values, true, shape))}).code, Errc::kUnsupported);
  EXPECT_THAT(Open({Deflated("a.npy", Bytes(values, false, shape))}).Names(), ElementsAre("a"));
}

TEST(Npz, RefusesDeflatedEntriesThatLie) {
  ZipMember member = Deflated("a.npy", Bytes("abcd"));
  member.local.crc = member.central.crc ^= 1;
  const auto file = TestFile(MakeZip({member}), "a.npz");
  const auto reader = OpenNpz(*file);
  ASSERT_TRUE(Ok(reader));
  std::byte last;
  EXPECT_EQ((*reader)->ReadTensor(0, 3, {&last, 1}).error().code, Errc::kMalformed);
}

}  // namespace
}  // namespace hallmark
