#include "formats/foreign.h"

#include "formats/registry.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::HasSubstr;
using namespace std::string_literals;

ForeignKind KindOf(std::string_view text) {
  return RecogniseForeign({AsBytes(text.substr(0, kHeadBytes)), text.size()});
}

struct Row {
  std::string what;  // part of the name it must get
  std::string text;
};

std::string Big16(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}
std::string Big32(std::uint32_t value) { return Big16(value >> 16) + Big16(value & 0xffff); }
std::string Big64(std::uint64_t value) {
  return Big32(static_cast<std::uint32_t>(value >> 32)) + Big32(static_cast<std::uint32_t>(value));
}

// One piece of a sentencepiece model: {piece, score}, as sentencepiece_model.proto has it.
std::string Piece(std::string_view text) {
  const std::string inner = "\x0a" + std::string(1, static_cast<char>(text.size())) +
                            std::string(text) + "\x15" + Le32(0);
  return "\x0a" + std::string(1, static_cast<char>(inner.size())) + inner;
}

TEST(Foreign, NamesWhatPeopleSaveInsteadOfWeights) {
  const std::string zip = "PK\3\4"s + std::string(22, '\0') + Le16(5) + Le16(0);
  for (const Row& row : std::vector<Row>{
           {"an empty file", ""},
           {"nothing but zeros", std::string(5000, '\0')},
           {"nothing but zeros", "\0"s},
           {"an HTML page", "<!DOCTYPE html><html><body>Hello</body></html>"},
           {"an HTML page", "\n\n <HTML lang=en>"},
           {"asks to sign in", "<!doctype html><title>Log In</title><input type=\"password\">"},
           {"error message: Access Denied",
            "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>"
            "<Message>Access Denied</Message></Error>"},
           {"error message: NoSuchKey", "<Error><Code>NoSuchKey</Code></Error>"},
           {"an XML document", "<?xml version=\"1.0\"?><svg/>"},
           {"error message: Invalid username or password.",
            R"({"error":"Invalid username or password."})"},
           {"error message: gone", R"({"error":{"code":404,"message":"gone"}})"},
           {"error message", R"({"errors":[{"code":"DENIED"}]})"},
           {"error message: Entry not found", "Entry not found"},
           {"error message: 404: Not Found", "404: Not Found\n"},
           {"git-lfs pointer to 9976576152 bytes with sha256:ab",
            "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9976576152\n"},
           {"an index of shards", R"({"metadata":{"total_size":1},"weight_map":{"a":"b"}})"},
           {"tokenizer.json", R"({"version":"1.0","truncation":null,"added_tokens":[]})"},
           {"config.json", R"({"architectures":["LlamaForCausalLM"]})"},
           {"params.json", R"({"dim": 4096, "n_layers": 32})"},
           {"a JSON document", R"({"a":1})"},
           {"gzip", "\x1f\x8b\x08"},
           {"Zstandard", "\x28\xb5\x2f\xfd\x04"},
           {"xz", "\xfd"s + "7zXZ\0\0"s},
           {"7z", "7z\xbc\xaf\x27\x1c"},
           {"bzip2", "BZh91AY&SY"},
           {"plain text", "BZhang wrote MZ\n"},
           {"tar", "name"s + std::string(253, '\0') + "ustar\00000"s},
           {"a zip archive", zip + "a.txt"},
           {"a zip archive", "PK\3\4"},
           {"PDF", "%PDF-1.7\n"},
           {"ELF",
            "\x7f"
            "ELF\2\1"},
           {"torrent", "d8:announce33:http://tracker.example/announce"},
           {"torrent", "d4:infod5:filesl"},
           {"SentencePiece", Piece("<unk>") + Piece("<s>") + Piece("</s>")},
           {"HDF5", "\x89HDF\r\n\x1a\n"},
           {"LoRA", Le32(0x67676c61)},
           {"aria2", Big16(1) + Big32(0) + Big32(0) + Big32(1 << 20) + Big64(3 << 20) + Big64(0) +
                         Big32(1) + "\xe0" + Big32(0)},
           {"aria2", Big16(1) + Big32(1) + Big32(20) + std::string(20, 'h') + Big32(1 << 14) +
                         Big64((1 << 20) + 1) + Big64(0) + Big32(9) + std::string(9, '\xff')},
           {"Python pickle", "\x80\x04\x95"},
           {"a list of checksums", std::string(32, 'a') + "  consolidated.00.pth\n"},
           {"a list of checksums", std::string(64, '0') + " *model.safetensors\n"},
           {"plain text", std::string(33, 'a') + "  consolidated.00.pth\n"},
           {"plain text", "hello, world\n"},
           {"plain text", "z\xc3\xa9" + std::string(5000, 'x')},
           {"plain text", std::string(4095, 'x') + "\xc3\xa9 cut within a character"},
       }) {
    EXPECT_THAT(KindOf(row.text).what, HasSubstr(row.what)) << row.text.substr(0, 80);
  }
}

TEST(Foreign, LeavesOtherBytesUnnamed) {
  for (const std::string& text :
       {"\xde\xff\xbe\xef"s, "\1\2\3"s, "d3:"s + "\xff"s, "\x0a\x05"s + "\xff\xff\xff\xff\xff"s,
        "\x08\x01"s + "\xff\xff"s, Big16(1) + Big32(0) + Big32(0) + std::string(30, '\xff')}) {
    EXPECT_EQ(KindOf(text).what, "");
  }
}

TEST(Foreign, GivesTheNextStep) {
  EXPECT_THAT(KindOf("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n").hint,
              HasSubstr("git lfs pull"));
  EXPECT_THAT(KindOf(R"({"error":"gated"})").hint, HasSubstr("signed in"));
  EXPECT_THAT(KindOf("\x1f\x8b").hint, HasSubstr("unpack"));
}

TEST(Foreign, EscapesWhatItQuotes) {
  const ForeignKind kind = KindOf("{\"error\":\"a\\u001b[31m\\u202e\"}");

  EXPECT_THAT(kind.what, testing::Not(HasSubstr("\x1b")));
  EXPECT_THAT(kind.what, testing::Not(HasSubstr("\u202e")));
}

TEST(Registry, SaysWhatAFileIsThatHoldsNoWeights) {
  const auto page = TestFile("<html>", "model.safetensors");
  const auto opened = OpenContainer(*page);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kUnsupported);
  EXPECT_EQ(opened.error().subject, "model.safetensors");
  EXPECT_EQ(opened.error().message, "this is an HTML page, no weights");

  EXPECT_EQ(OpenContainer(*TestFile("")).error().code, Errc::kMalformed);
  EXPECT_EQ(OpenContainer(*TestFile(std::string(99, '\0'))).error().code, Errc::kMalformed);
  EXPECT_EQ(OpenContainer(*TestFile("\xde\xff")).error().message,
            "2 bytes of no format known here");
}

TEST(Registry, NeverGoesBySuffix) {
  const auto file = TestFile(ReadFixture("gguf/v2.gguf"), "model.safetensors");
  const auto format = SniffFormat(*file);
  ASSERT_TRUE(Ok(format));
  ASSERT_NE(*format, nullptr);
  EXPECT_EQ((*format)->name, "gguf");

  const auto none = SniffFormat(*TestFile("{\"weight_map\":{}}", "x.gguf"));
  ASSERT_TRUE(Ok(none));
  EXPECT_EQ(*none, nullptr);
}

TEST(Registry, LeavesDamagedFilesToTheirReader) {
  EXPECT_THAT(OpenContainer(*TestFile("GGUF")).error().message, HasSubstr("needed"));
  EXPECT_EQ(OpenContainer(*TestFile(Le64(99) + "{}")).error().message,
            "header length 99 exceeds the 2 bytes that follow it");
}

TEST(Registry, NamesEveryFixtureThatIsNoModel) {
  for (const std::string_view name :
       {"hf-safetensors-f32/config.json", "hf-safetensors-f32/tokenizer.model",
        "hf-safetensors-sharded/model.safetensors.index.json", "meta-llama2-bf16/checklist.chk",
        "meta-llama3-fp16/tokenizer.model", "meta-llama2-bf16/params.json"}) {
    const auto file = TestFile(ReadFixture(name), std::string(name));
    const auto opened = OpenContainer(*file);
    ASSERT_FALSE(opened) << name;
    EXPECT_THAT(opened.error().message, testing::StartsWith("this is ")) << name;
  }
}

}  // namespace
}  // namespace hallmark
