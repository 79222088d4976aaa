#include "formats/ggml_legacy.h"

#include "formats/registry.h"
#include "tests/formats/ggml_legacy_bytes.h"

namespace hallmark {
namespace {

using testing::HasSubstr;

Error ErrorOf(std::string_view text) {
  const auto file = TestFile(text, "bad.bin");
  const auto reader = OpenGgmlLegacy(*file);
  if (reader) {
    ADD_FAILURE() << "opened";
    return {};
  }
  EXPECT_EQ(reader.error().subject, "bad.bin");
  return reader.error();
}
Error ErrorOf(const GgmlLegacyFile& file) { return ErrorOf(file.Text()); }

// The type of the first matrix; empty if the file does not open.
std::string TypeOf(GgmlLegacyFile file, std::string_view magic,
                   std::optional<std::uint32_t> version) {
  file.magic = magic;
  file.version = version;
  const auto opened = TestFile(file.Text());
  const auto reader = OpenGgmlLegacy(*opened);
  return reader ? std::string(DtypeName((*reader)->Tensors()[0].dtype)) : "";
}

TEST(GgmlLegacy, ListsHyperparametersAndVocabulary) {
  const auto file = TestFile(ReadFixture("ggml-legacy/ggmf-v1-f16.bin"));
  const auto reader = OpenGgmlLegacy(*file);

  ASSERT_TRUE(Ok(reader));
  EXPECT_EQ((*reader)->FormatDetail(), "GGMF v1");
  const auto metadata = (*reader)->Metadata();
  const std::vector<std::pair<std::string, std::uint64_t>> numbers = {
      {"n_vocab", 24}, {"n_embd", 32}, {"n_mult", 32}, {"n_head", 2},
      {"n_layer", 1},  {"n_rot", 16},  {"ftype", 1}};
  ASSERT_EQ(metadata.size(), numbers.size() + 2);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_EQ(metadata[i].key, numbers[i].first);
    EXPECT_EQ(metadata[i].value, MetadataValue(numbers[i].second)) << metadata[i].key;
  }
  const auto array = [&](std::size_t i) {
    return std::get<std::shared_ptr<const MetadataArray>>(metadata[i].value);
  };
  EXPECT_EQ(metadata[7].key, "tokens");
  ASSERT_EQ(array(7)->Size(), 24u);
  EXPECT_EQ(array(7)->TextAt(0), "");
  EXPECT_EQ(array(7)->TextAt(23), " tok23");
  EXPECT_EQ(metadata[8].key, "scores");
  EXPECT_EQ(array(8)->At(23), MetadataValue(-23.0));
}

TEST(GgmlLegacy, HasNoScoresWithoutAVersion) {
  const auto file = TestFile(ReadFixture("ggml-legacy/ggml-f16.bin"));
  const auto reader = OpenGgmlLegacy(*file);

  ASSERT_TRUE(Ok(reader));
  EXPECT_EQ((*reader)->FormatDetail(), "GGML, unversioned");
  EXPECT_EQ((*reader)->Metadata().back().key, "tokens");
}

// One number, three layouts of blocks: by their sizes in ggml.c of each version.
TEST(GgmlLegacy, TellsBlocksByTheVersion) {
  struct Row {
    std::uint32_t id;
    std::size_t bytes;  // of 32 values
    std::string_view magic;
    std::optional<std::uint32_t> version;
    std::string_view name;
  };
  for (const Row& row : {Row{2, 20, "lmgg", std::nullopt, "q4_0_ggjt1"},
                         Row{2, 20, "fmgg", 1, "q4_0_ggjt1"},
                         Row{2, 20, "tjgg", 1, "q4_0_ggjt1"},
                         Row{2, 20, "tjgg", 2, "q4_0_ggjt2"},
                         Row{2, 18, "tjgg", 3, "q4_0"},
                         Row{3, 24, "tjgg", 1, "q4_1_ggjt1"},
                         Row{3, 24, "tjgg", 2, "q4_1_ggjt2"},
                         Row{3, 20, "tjgg", 3, "q4_1"},
                         Row{4, 20, "tjgg", 1, "q4_2"},
                         Row{4, 20, "tjgg", 2, ""},
                         Row{5, 24, "tjgg", 1, "q4_3"},
                         Row{5, 24, "tjgg", 3, ""},
                         Row{6, 22, "tjgg", 1, "q5_0_ggjt1"},
                         Row{6, 22, "tjgg", 2, "q5_0"},
                         Row{7, 24, "tjgg", 1, "q5_1_ggjt1"},
                         Row{7, 24, "tjgg", 3, "q5_1"},
                         Row{8, 36, "tjgg", 1, "q8_0_ggjt2"},
                         Row{8, 36, "tjgg", 2, "q8_0_ggjt2"},
                         Row{8, 34, "tjgg", 3, "q8_0"},
                         Row{1, 64, "lmgg", std::nullopt, "f16"}}) {
    EXPECT_EQ(TypeOf(SmallGgml(32, row.id, row.bytes), row.magic, row.version), row.name)
        << row.id << " " << row.magic << " " << row.version.value_or(0);
  }
  EXPECT_EQ(TypeOf(SmallGgml(256, 12, 144), "tjgg", 3), "q4_k");
  EXPECT_EQ(TypeOf(SmallGgml(256, 12, 144), "tjgg", 2), "");
  EXPECT_EQ(ErrorOf(SmallGgml(32, 16, 18)).code, Errc::kUnsupported);  // iq2_xxs: later than GGJT
}

TEST(GgmlLegacy, NamesVersionsItDoesNotRead) {
  GgmlLegacyFile file = SmallGgml();
  file.version = 4;
  EXPECT_EQ(ErrorOf(file).code, Errc::kUnsupported);
  EXPECT_EQ(ErrorOf(file).message, "this is GGJT version 4, limit 3");
  EXPECT_EQ(ErrorOf(file).offset, 4u);
  file.magic = "fmgg";
  file.version = 2;
  EXPECT_EQ(ErrorOf(file).message, "this is GGMF version 2, limit 1");
}

// Headers as whisper.cpp and ggml's GPT-2 and GPT-J examples begin them.
TEST(GgmlLegacy, NamesHeadersOfOtherModels) {
  const std::vector<std::array<std::uint32_t, 7>> headers = {{51864, 1500, 384, 6, 4, 448, 384},
                                                             {50257, 1024, 768, 12, 12, 1, 50257},
                                                             {50400, 2048, 4096, 16, 28, 64, 1}};
  for (const auto& header : headers) {
    GgmlLegacyFile file{.magic = "lmgg", .version = std::nullopt, .hyperparameters = header};
    const Error error = ErrorOf(file.Text() + std::string(400000, 'x'));
    EXPECT_EQ(error.code, Errc::kUnsupported) << header[0];
    EXPECT_THAT(error.message, HasSubstr("not LLaMA's"));
    EXPECT_THAT(error.hint, HasSubstr("Whisper"));
  }
}

TEST(GgmlLegacy, RefusesNumbersThatLie) {
  for (std::size_t i = 0; i < 7; ++i) {
    GgmlLegacyFile file = SmallGgml();
    file.hyperparameters[i] = 0xffffffff;
    EXPECT_EQ(ErrorOf(file).code, Errc::kMalformed) << i;
    EXPECT_THAT(ErrorOf(file).message, HasSubstr(" is -1")) << i;
  }
  GgmlLegacyFile file = SmallGgml();
  file.hyperparameters[0] = 0x7fffffff;
  EXPECT_THAT(ErrorOf(file).message, HasSubstr("2147483647 tokens cannot fit"));
  file = SmallGgml();
  file.hyperparameters[4] = 0x7fffffff;  // layers
  EXPECT_EQ(ErrorOf(file).code, Errc::kUnsupported);

  std::string text = SmallGgml().Text();
  text.replace(36, 4, Le32(0xfffffff0));  // the length of the first token
  EXPECT_EQ(ErrorOf(text).code, Errc::kMalformed);
}

TEST(GgmlLegacy, RefusesBrokenTensors) {
  struct Row {
    std::string_view what;
    GgmlLegacyTensor tensor;
    std::string_view message;
  };
  for (const Row& row :
       {Row{"no dimensions", {"norm.weight", {}, 0, ""}, "of 0 dimensions"},
        Row{"dimensions", {"norm.weight", {1, 1, 1}, 0, "1234"}, "of 3 dimensions"},
        Row{"negative", {"norm.weight", {0xffffffff}, 0, "1234"}, "a dimension is -1"},
        Row{"long name", {std::string(129, 'n'), {1}, 0, "1234"}, "a name of 129 bytes"},
        Row{"beyond the end", {"norm.weight", {0x7fffffff}, 0, "1234"}, "exceed the 4 bytes"},
        Row{"broken block", {"norm.weight", {33}, 2, std::string(18, 'x')}, "not whole blocks"},
        Row{"unknown", {"rope.freqs", {1}, 0, "1234"}, "rope.freqs stands twice or is none"}}) {
    GgmlLegacyFile file = SmallGgml();
    const std::size_t before = file.Text().size();
    file.tensors.push_back(row.tensor);
    const Error error = ErrorOf(file);
    EXPECT_EQ(error.code, Errc::kMalformed) << row.what;
    EXPECT_THAT(error.message, HasSubstr(row.message)) << row.what;
    EXPECT_GE(error.offset, before) << row.what;
  }
  GgmlLegacyFile twice = SmallGgml();
  twice.tensors.push_back(twice.tensors[1]);
  EXPECT_THAT(ErrorOf(twice).message, HasSubstr("norm.weight stands twice"));
}

// Cut between two tensors a file still looks whole.
TEST(GgmlLegacy, MissesTensorsThatWereCutOff) {
  GgmlLegacyFile file = SmallGgml();
  file.tensors.pop_back();
  const Error error = ErrorOf(file);
  EXPECT_EQ(error.message,
            "1 of the tensors of 1 layers are missing, first layers.0.ffn_norm.weight");
  EXPECT_EQ(error.offset, file.Text().size());
  EXPECT_THAT(error.hint, HasSubstr("truncated"));
}

TEST(GgmlLegacy, RefusesPaddingThatHoldsSomething) {
  GgmlLegacyFile file = SmallGgml();
  std::string text = file.Text();
  const std::size_t padding = file.Header().size() + 20 + file.tensors[0].name.size();
  ASSERT_NE(padding % 32, 0u);
  text[padding] = 'x';
  EXPECT_EQ(ErrorOf(text).offset, padding);
}

TEST(GgmlLegacy, CountsTheFilesOfAModel) {
  GgmlLegacyFile part = SmallGgml();
  const auto whole = TestFile(part.Text());
  const auto one = OpenGgmlLegacy(*whole);
  ASSERT_TRUE(Ok(one));
  EXPECT_EQ(GgmlLegacyParts(**one), 1u);

  part.hyperparameters[1] = 16;  // four times as wide as this part's embedding
  part.hyperparameters[5] = 8;
  const auto file = TestFile(part.Text());
  const auto reader = OpenGgmlLegacy(*file);
  ASSERT_TRUE(Ok(reader));
  EXPECT_EQ(GgmlLegacyParts(**reader), 4u);
}

// An adapter and a session are not models: they stay foreign.
TEST(GgmlLegacy, LeavesItsKinToTheRegistry) {
  for (const std::string_view magic : {"algg", "nsgg"}) {
    const auto file = TestFile(std::string(magic) + Le32(1) + std::string(64, 'x'));
    const auto reader = OpenContainer(*file);
    ASSERT_FALSE(reader);
    EXPECT_EQ(reader.error().code, Errc::kUnsupported);
    EXPECT_THAT(reader.error().message, HasSubstr(magic == "algg" ? "(ggla)" : "(ggsn)"));
  }
}

// Damage anywhere must end in an error or in a reader that keeps its promises.
TEST(GgmlLegacy, SurvivesEveryChangedByteOfTheHeader) {
  const std::string whole = SmallGgml().Text();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char change : {'\x01', '\x80', '\xff'}) {
      std::string text = whole;
      text[at] = static_cast<char>(text[at] ^ change);
      const auto file = TestFile(text);
      const auto reader = OpenGgmlLegacy(*file);
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
