#include "transform/importance_matrix.h"

#include <bit>
#include <limits>

#include "tests/formats/gguf_bytes.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint32_t kTypeU32 = 4, kTypeString = 8, kTypeArray = 9;  // of metadata
constexpr std::uint32_t kTypeF32 = 0, kTypeF16 = 1;                     // of tensors
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::string Floats(std::initializer_list<float> values) {
  std::string bytes;
  for (const float value : values) bytes += Le32(std::bit_cast<std::uint32_t>(value));
  return bytes;
}

Result<ImportanceMatrix> Read(std::string_view bytes) {
  const auto file = TestFile(bytes, "measured");
  return ReadImportanceMatrix(*file);
}

// Two experts of three columns.
struct MatrixFile {
  std::vector<std::string> entries = {
      GgufEntry("general.type", kTypeString, GgufText("imatrix")),
      GgufEntry("imatrix.datasets", kTypeArray,
                Le32(kTypeString) + Le64(2) + GgufText("a.txt") + GgufText("b.txt")),
      GgufEntry("imatrix.chunk_count", kTypeU32, Le32(5)),
      GgufEntry("imatrix.chunk_size", kTypeU32, Le32(512))};
  std::vector<GgufTensor> tensors = {{"w.in_sum2", {3, 2}, kTypeF32, 0},
                                     {"w.counts", {1, 2}, kTypeF32, 32}};
  std::string sums = Floats({2, 4, 6, 8, 10, 12});
  std::string counts = Floats({2, 4});

  Result<ImportanceMatrix> Read() const {
    std::string text = GgufFile{.entries = entries, .tensors = tensors}.Text();
    for (std::string data : {sums, counts}) {
      data.resize(32);
      text += data;
    }
    return hallmark::Read(text);
  }
};

TEST(ImportanceMatrixGguf, DividesEachExpertsSumsByItsCount) {
  const auto matrix = MatrixFile().Read();

  ASSERT_TRUE(Ok(matrix));
  ASSERT_EQ(matrix->weights.size(), 1U);
  EXPECT_THAT(matrix->weights.at("w"), ElementsAre(1, 2, 3, 2, 2.5F, 3));
  EXPECT_THAT(matrix->datasets, ElementsAre("a.txt", "b.txt"));
  EXPECT_EQ(matrix->chunks, 5U);
  EXPECT_EQ(matrix->path, "measured");
}

TEST(ImportanceMatrixGguf, WeighsAnExpertThatWasNeverCalledEvenly) {
  MatrixFile file;
  for (const float count : {0.0F, -1.0F, 0.4F, kNan, kInfinity}) {
    file.counts = Floats({2, count});
    const auto matrix = file.Read();
    ASSERT_TRUE(Ok(matrix));
    EXPECT_THAT(matrix->weights.at("w"), ElementsAre(1, 2, 3, 1, 1, 1)) << count;
  }
}

TEST(ImportanceMatrixGguf, RoundsCounts) {
  MatrixFile file;
  file.counts = Floats({1.5F, 4.25F});
  const auto matrix = file.Read();
  ASSERT_TRUE(Ok(matrix));
  EXPECT_THAT(matrix->weights.at("w"), ElementsAre(1, 2, 3, 2, 2.5F, 3));
}

TEST(ImportanceMatrixGguf, RejectsWhatIsNoMatrix) {
  struct Case {
    std::string_view said;
    void (*spoil)(MatrixFile&);
  };
  const Case cases[] = {
      {"imatrix.datasets is missing", [](MatrixFile& file) { file.entries.clear(); }},
      {"imatrix.chunk_size is missing", [](MatrixFile& file) { file.entries.pop_back(); }},
      {"imatrix.chunk_size is not u32",
       [](MatrixFile& file) {
         file.entries[3] = GgufEntry("imatrix.chunk_size", kTypeString, GgufText("5"));
       }},
      {"not an array of strings",
       [](MatrixFile& file) {
         file.entries[1] = GgufEntry("imatrix.datasets", kTypeArray, Le32(kTypeU32) + Le64(0));
       }},
      {"it has no entries",
       [](MatrixFile& file) {
         file.tensors[0].name = "a";
         file.tensors[1].name = "b";
       }},
      {"has sums, but no counts", [](MatrixFile& file) { file.tensors[1].name = "other"; }},
      {"has counts, but no sums", [](MatrixFile& file) { file.tensors[0].name = "other"; }},
      {"is f16, f32 is needed", [](MatrixFile& file) { file.tensors[0].type = kTypeF16; }},
      {"6 sums for 4 counts",
       [](MatrixFile& file) {
         file.tensors[1].ne = {1, 4};
       }},
      {"number 4 is not finite",
       [](MatrixFile& file) {
         file.sums = Floats({1, 2, 3, 4, kInfinity, 6});
       }},
  };
  for (const Case& c : cases) {
    MatrixFile file;
    c.spoil(file);
    const auto matrix = file.Read();
    ASSERT_FALSE(matrix) << c.said;
    EXPECT_EQ(matrix.error().code, Errc::kMalformed);
    EXPECT_EQ(matrix.error().subject, "measured");
    EXPECT_THAT(matrix.error().message, HasSubstr(std::string(c.said)));
  }
}

std::string LegacyEntry(std::string_view name, std::uint32_t calls, const std::string& values) {
  return Le32(static_cast<std::uint32_t>(name.size())) + std::string(name) + Le32(calls) +
         Le32(static_cast<std::uint32_t>(values.size() / sizeof(float))) + values;
}

TEST(ImportanceMatrixLegacy, DividesByTheCalls) {
  const auto matrix = Read(Le32(2) + LegacyEntry("a", 4, Floats({4, 6})) +
                           LegacyEntry("b", 0, Floats({7})) + Le32(9) + Le32(5) + "c.txt");

  ASSERT_TRUE(Ok(matrix));
  EXPECT_THAT(matrix->weights.at("a"), ElementsAre(1, 1.5F));
  EXPECT_THAT(matrix->weights.at("b"), ElementsAre(7));  // nothing says what to divide by
  EXPECT_EQ(matrix->chunks, 9U);
  EXPECT_THAT(matrix->datasets, ElementsAre("c.txt"));
}

TEST(ImportanceMatrixLegacy, RejectsWhateverIsCutShortButTheTrailer) {
  const std::string whole =
      Le32(1) + LegacyEntry("abc", 2, Floats({1, 2})) + Le32(1) + Le32(1) + "d";
  const std::size_t without_trailer = whole.size() - 9;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto matrix = Read(std::string_view(whole).substr(0, size));
    EXPECT_EQ(matrix.has_value(), size == without_trailer) << size;
  }
}

TEST(ImportanceMatrixLegacy, RejectsNumbersThatLie) {
  const std::string entry = LegacyEntry("a", 1, Floats({3}));
  const std::string texts[] = {
      Le32(0) + entry,
      Le32(0xffff'ffff) + entry,
      Le32(0x7fff'ffff) + entry,
      Le32(1) + Le32(0x7fff'ffff) + "a" + Le32(1) + Le32(1) + Le32(0),  // the name
      Le32(1) + Le32(1) + "a" + Le32(1) + Le32(0x7fff'ffff) + Le32(0),  // the values
      Le32(1) + LegacyEntry("a", 1, ""),
      Le32(1) + LegacyEntry("", 1, Floats({1})),
      Le32(2) + entry + entry,
      Le32(1) + entry + Le32(1) + Le32(0) + "more",
      Le32(1) + LegacyEntry("a", 1, Floats({kNan})),
  };
  for (const std::string& text : texts) {
    const auto matrix = Read(text);
    ASSERT_FALSE(matrix);
    EXPECT_EQ(matrix.error().code, Errc::kMalformed) << matrix.error().message;
  }
}

}  // namespace
}  // namespace hallmark
