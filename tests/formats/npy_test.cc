#include "formats/npy.h"

#include "tests/formats/npy_bytes.h"
#include "tests/formats/pickle_bytes.h"

namespace hallmark {
namespace {

using pickled::Call;
using pickled::Stream;
using pickled::Text;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Result<std::unique_ptr<ModelReader>> Open(const std::string& bytes, std::unique_ptr<File>& file) {
  file = TestFile(bytes, "a.npy");
  return OpenNpy(*file);
}

// "f32 2x3: 00010203…": what the lone tensor of `bytes` is, or why it is none.
std::string Described(const std::string& bytes) {
  std::unique_ptr<File> file;
  const auto reader = Open(bytes, file);
  if (!reader) return reader.error().message;
  if ((*reader)->Tensors().empty()) return "none";
  const TensorInfo& tensor = (*reader)->Tensors()[0];
  std::string payload(tensor.payload_bytes, '\0');
  EXPECT_TRUE(Ok(
      (*reader)->ReadTensor(0, 0, {reinterpret_cast<std::byte*>(payload.data()), payload.size()})));
  EXPECT_EQ(tensor.name, "");
  return std::string(DtypeName(tensor.dtype)) + " " + ShapeText(tensor.shape) + ": " + payload;
}

Error ErrorOf(const std::string& bytes) {
  std::unique_ptr<File> file;
  auto reader = Open(bytes, file);
  if (!reader) return std::move(reader).error();
  ADD_FAILURE() << "it opened";
  return {};
}

std::vector<std::string> CodesOf(const std::string& bytes) {
  std::unique_ptr<File> file;
  const auto reader = Open(bytes, file);
  EXPECT_TRUE(Ok(reader));
  std::vector<std::string> codes;
  if (!reader) return codes;
  for (const Finding& finding : (*reader)->Findings()) codes.push_back(finding.code);
  return codes;
}

TEST(Npy, ReadsEveryTypeThatNumpyNames) {
  for (const auto& [descr, dtype] :
       {std::pair("|b1", "bool"), std::pair("|i1", "i8"), std::pair("|u1", "u8"),
        std::pair("<i2", "i16"), std::pair("<u2", "u16"), std::pair("<i4", "i32"),
        std::pair("<u4", "u32"), std::pair("<i8", "i64"), std::pair("<u8", "u64"),
        std::pair("<f2", "f16"), std::pair("<f4", "f32"), std::pair("<f8", "f64"),
        std::pair("<c8", "c64"), std::pair("<c16", "c128")}) {
    const auto size = InfoOf(*DtypeByName(dtype)).block_bytes;
    const std::string values = std::string("0123456789abcdef").substr(0, size);

    EXPECT_EQ(Described(Npy("'" + std::string(descr) + "'", "(1,)", values)),
              std::string(dtype) + " 1: " + values);
  }
}

TEST(Npy, TurnsBigEndianNumbersAndFortranOrder) {
  EXPECT_EQ(Described(Npy("'>i2'", "(2,)", "abcd")), "i16 2: badc");
  EXPECT_EQ(Described(Npy("'>c8'", "()", "abcdefgh")), "c64 scalar: dcbahgfe");
  EXPECT_EQ(Described(Npy("'>u1'", "(2,)", "ab")), "u8 2: ab");
  EXPECT_EQ(Described(Npy("'|u1'", "(2, 3)", "adbecf", true)), "u8 2x3: abcdef");
  EXPECT_EQ(Described(Npy("'>i2'", "(2, 2)", "aAcCbBdD", true)), "i16 2x2: AaBbCcDd");
}

TEST(Npy, ReadsWhatAnyVersionAndWriterSpells) {
  const std::string numpy = NpyDict("'|u1'", "(2,)");
  EXPECT_EQ(Described(NpyOf(numpy + "  \n", "ab", 2)), "u8 2: ab");
  EXPECT_EQ(Described(NpyOf(numpy + "\n", "ab", 3)), "u8 2: ab");
  EXPECT_EQ(Described(NpyOf(numpy, "ab")), "u8 2: ab");  // no end of line
  // mlx, and Python 2's long integers.
  EXPECT_EQ(Described(NpyOf("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2, )}\n", "ab")),
            "u8 1x2: ab");
  EXPECT_EQ(Described(NpyOf("{\"shape\":(2L,),'descr':\"|u1\",'fortran_order':False}", "ab")),
            "u8 2: ab");
}

TEST(Npy, TakesScalarsAndEmptyArrays) {
  EXPECT_EQ(Described(Npy("'|i1'", "()", "x")), "i8 scalar: x");
  EXPECT_EQ(Described(Npy("'<f4'", "(0, 3)", "")), "f32 0x3: ");
  EXPECT_EQ(Described(Npy("'<f4'", "(3, 0)", "", true)), "f32 3x0: ");
}

// '<V2' and '<f1' are what ml_dtypes 0.6 writes for bfloat16 and float8_e5m2, and for nothing else.
TEST(Npy, ReadsTypesWithoutANameThatOnlyOneTypeHas) {
  EXPECT_EQ(Described(Npy("'<V2'", "(1,)", "ab")), "bf16 1: ab");
  EXPECT_EQ(Described(Npy("'>V2'", "(1,)", "ab")), "bf16 1: ba");
  EXPECT_EQ(Described(Npy("'<f1'", "(2,)", "ab")), "f8_e5m2 2: ab");
  EXPECT_THAT(CodesOf(Npy("'<V2'", "(1,)", "ab")), ElementsAre("unnamed-type"));
  EXPECT_THAT(CodesOf(Npy("'<f2'", "(1,)", "ab")), IsEmpty());
}

TEST(Npy, GuessesAtNoOtherType) {
  for (const char* const descr :
       {"'<V1'", "'|V1'", "'|V2'", "'<V4'", "'<W4'", "'=f4'", "'f4'", "'|f4'", "'<f16'", "'<M8[s]'",
        "'<f04'", "''", "[('a', '<f4'), ('b', '<i2', (2,))]", "('<f4', (2,))"}) {
    const std::string bytes = Npy(descr, "(1,)", "abcdefgh");
    EXPECT_EQ(Described(bytes), "none") << descr;
    EXPECT_THAT(CodesOf(bytes), ElementsAre("unsupported-tensor")) << descr;
  }
}

TEST(Npy, PassesOverTexts) {
  for (const char* const descr : {"'|S4'", "'<U1'", "'S4'", "'<U0'"}) {
    EXPECT_THAT(CodesOf(Npy(descr, "(1,)", "abcd")), ElementsAre("string-tensor")) << descr;
  }
}

TEST(Npy, LooksIntoObjectsWithoutMakingThem) {
  const std::string harmless = Npy("'|O'", "(1,)",
                                   "\x80\x04]K\x01"
                                   "a.");
  EXPECT_EQ(Described(harmless), "none");
  EXPECT_THAT(CodesOf(harmless), ElementsAre("unsupported-tensor"));

  const std::string call = Stream(Call("os", "system", {Text("echo")}));
  for (const char* const descr :
       {"'|O'", "'O'", "'object'", "[('a', '<f4'), ('b', 'O')]", "('O', (1,))"}) {
    const Error error = ErrorOf(Npy(descr, "(1,)", call));
    EXPECT_EQ(error.code, Errc::kDangerous) << descr;
    EXPECT_THAT(error.message, HasSubstr("os.system"));
    EXPECT_GT(*error.offset, NpyDict(descr, "(1,)").size());
  }
  EXPECT_EQ(ErrorOf(Npy("'|O'", "(1,)", "no pickle")).code, Errc::kMalformed);
  EXPECT_EQ(ErrorOf(Npy("'|O'", "(1,)", "\x80\x04N.and more")).code, Errc::kMalformed);
}

TEST(Npy, RefusesWhatIsNoHeader) {
  const std::string good = NpyDict("'|u1'", "(2,)");
  for (const std::string& header : {
           std::string(),
           "x" + good,
           good + "x",
           good + ", ",
           std::string("{}"),
           std::string("{'descr': '|u1', 'fortran_order': False}"),
           std::string("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), 'more': 1}"),
           std::string("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (2,)}"),
           std::string("{'descr': '|u1' 'fortran_order': False, 'shape': (2,)}"),
           std::string("{'descr': '|u1', 'fortran_order': 0, 'shape': (2,)}"),
           std::string("{'descr': '|u1, 'fortran_order': False, 'shape': (2,)}"),
           std::string("{'descr': '\\x7cu1', 'fortran_order': False, 'shape': (2,)}"),
           std::string("{'descr': 1, 'fortran_order': False, 'shape': (2,)}"),
           std::string("{'descr': dtype('|u1'), 'fortran_order': False, 'shape': (2,)}"),
           NpyDict("'|u1'", "(2)"),
           NpyDict("'|u1'", "2"),
           NpyDict("'|u1'", "[2]"),
           NpyDict("'|u1'", "(-2,)"),
           NpyDict("'|u1'", "(2.,)"),
           NpyDict("'|u1'", "(02,)"),
           NpyDict("'|u1'", "(True,)"),
           NpyDict("'|u1'", "(1 2)"),
           NpyDict("'|u1'", "(,)"),
           NpyDict("'|u1'", "(1,,2)"),
           NpyDict("'|u1'", "(1+1,)"),
           NpyDict("'|u1'", "(18446744073709551616,)"),
           NpyDict(std::string(200, '[') + std::string(200, ']'), "(2,)"),
       }) {
    const Error error = ErrorOf(NpyOf(header, "ab"));
    EXPECT_EQ(error.code, Errc::kMalformed) << header;
    EXPECT_EQ(error.subject, "a.npy");
    EXPECT_TRUE(error.offset) << header;
  }
  std::string many = "(";
  for (int i = 0; i < 65; ++i) many += "1,";
  EXPECT_EQ(ErrorOf(Npy("'|u1'", many + ")", "a")).message,
            "in the header: more than 64 dimensions");
}

TEST(Npy, RefusesLengthsThatLie) {
  const std::string good = Npy("'|u1'", "(2,)", "ab");
  for (std::size_t size = 6; size < good.size(); ++size) {
    EXPECT_EQ(ErrorOf(good.substr(0, size)).code, Errc::kMalformed) << size;
  }
  EXPECT_EQ(ErrorOf(good + "c").message, "1 bytes follow the array");
  EXPECT_EQ(ErrorOf(Npy("'<f8'", "(4294967296, 4294967296)", "")).code, Errc::kMalformed);
  EXPECT_EQ(ErrorOf(Npy("'<f8'", "(0, 9007199254740992)", "")).code, Errc::kMalformed);
  EXPECT_EQ(ErrorOf(NpyOf(NpyDict("'|u1'", "(2,)"), "ab", 4)).code, Errc::kUnsupported);
  EXPECT_EQ(ErrorOf(NpyOf(NpyDict("'|u1'", "(2,)") + std::string(10'000, ' '), "ab")).message,
            "header length 10057, limit 10000");
}

}  // namespace
}  // namespace hallmark
