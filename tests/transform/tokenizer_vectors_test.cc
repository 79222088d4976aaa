// Small real tokenizers and the keys that llama.cpp's converter gives them
// (tests/vectors/tokenizers/make.py), and back again.
#include <algorithm>
#include <filesystem>
#include <optional>

#include "src/json/json_reader.h"
#include "tests/support/test_support.h"
#include "transform/tokenizer_gguf.h"

namespace hallmark {
namespace {

std::filesystem::path VectorPath(const std::string& name) {
  return FixturePath("../tokenizers/" + name);
}

std::string ReadAll(const std::filesystem::path& path) {
  const auto file = OpenFile(path);
  EXPECT_TRUE(Ok(file));
  return *ReadWholeFile(**file, 1 << 24);
}

bool Same(const MetadataValue& ours, JsonValue theirs) {
  if (const auto* flag = std::get_if<bool>(&ours)) return theirs.AsBool() == *flag;
  if (const auto* number = std::get_if<std::uint64_t>(&ours)) return theirs.AsU64() == *number;
  if (const auto* number = std::get_if<std::int64_t>(&ours)) return theirs.AsDouble() == *number;
  if (const auto* number = std::get_if<double>(&ours)) {
    return theirs.AsDouble() && static_cast<float>(*theirs.AsDouble()) == *number;
  }
  if (const auto* text = std::get_if<std::string>(&ours)) return theirs.AsString() == *text;
  const auto& array = *std::get<std::shared_ptr<const MetadataArray>>(ours);
  const auto items = theirs.Items();
  if (array.Size() != items.size()) return false;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!Same(array.At(i), items[i])) {
      ADD_FAILURE() << "value " << i;
      return false;
    }
  }
  return true;
}

const MetadataEntry* FindKey(const std::vector<MetadataEntry>& entries, std::string_view key) {
  const auto found = std::ranges::find(entries, key, &MetadataEntry::key);
  return found == entries.end() ? nullptr : &*found;
}

struct Converted {
  Tokenizer tokenizer;
  std::vector<MetadataEntry> keys;
};

void Convert(const std::filesystem::path& folder, Converted& out) {
  auto read = ReadTokenizer(*FolderOnDisk(folder));
  ASSERT_TRUE(Ok(read));
  ASSERT_TRUE(read->has_value());
  out.tokenizer = std::move(**read);
  auto keys = GgufTokenizer(out.tokenizer);
  ASSERT_TRUE(Ok(keys));
  out.keys = std::move(*keys);
}

void WriteInto(const TemporaryFolder& folder, const std::vector<TokenizerFile>& files) {
  for (const TokenizerFile& file : files) {
    folder.Write(file.name, {reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()});
  }
}

class TokenizerVectors : public testing::TestWithParam<const char*> {};

TEST_P(TokenizerVectors, GivesTheKeysOfLlamaCppsConverter) {
  const auto theirs = JsonDocument::Parse(ReadAll(VectorPath(GetParam()) / "keys.json"), "keys");
  ASSERT_TRUE(Ok(theirs));
  Converted ours;
  Convert(VectorPath(GetParam()), ours);
  if (HasFatalFailure()) return;
  std::vector<std::string_view> order;
  for (const JsonMember& key : theirs->Root().Members()) {
    const MetadataEntry* entry = FindKey(ours.keys, key.key);
    ASSERT_NE(entry, nullptr) << key.key;
    EXPECT_TRUE(Same(entry->value, key.value)) << key.key;
    order.push_back(key.key);
  }
  if (std::string_view(GetParam()) == "meta-llama3") return;  // transformers tells no more of it
  std::vector<std::string_view> our_order;
  for (const MetadataEntry& entry : ours.keys) our_order.push_back(entry.key);
  EXPECT_EQ(our_order, order);
}

TEST_P(TokenizerVectors, ComesBackFromGguf) {
  Converted before;
  Convert(VectorPath(GetParam()), before);
  if (HasFatalFailure()) return;
  auto gguf = before.keys;
  gguf.push_back({"general.architecture", before.tokenizer.architecture, MetadataType::kString});
  const auto read = ReadGgufTokenizer(gguf, "test.gguf");
  ASSERT_TRUE(Ok(read));
  ASSERT_TRUE(read->has_value());
  const auto files = WriteTokenizerFiles(**read, TokenizerFiles::kHuggingFace);
  ASSERT_TRUE(Ok(files));

  const TemporaryFolder folder;
  WriteInto(folder, *files);
  if (std::filesystem::exists(VectorPath(GetParam()) / "config.json")) {
    std::filesystem::copy(VectorPath(GetParam()) / "config.json", folder.Path());
  }
  Converted after;
  Convert(folder.Path(), after);
  if (HasFatalFailure()) return;
  ASSERT_EQ(after.tokenizer.tokens.size(), before.tokenizer.tokens.size());
  for (std::size_t id = 0; id < after.tokenizer.tokens.size(); ++id) {
    const Token& token = before.tokenizer.tokens[id];
    EXPECT_EQ(after.tokenizer.tokens[id].text, token.text) << id;
    // The unknown token comes back as an added one, which is of no consequence.
    if (token.type == TokenType::kUnknown || token.type == TokenType::kControl) continue;
    EXPECT_EQ(after.tokenizer.tokens[id].type, token.type) << id;
    EXPECT_EQ(after.tokenizer.tokens[id].score, token.score) << id;
  }
  EXPECT_EQ(after.tokenizer.merges, before.tokenizer.merges);
  for (const MetadataEntry& entry : before.keys) {
    const MetadataEntry* found = FindKey(after.keys, entry.key);
    ASSERT_NE(found, nullptr) << entry.key;
    if (entry.type == MetadataType::kArray) continue;
    EXPECT_EQ(found->value, entry.value) << entry.key;
  }
  for (const MetadataEntry& entry : after.keys) {  // what was not told is told to be no
    if (FindKey(before.keys, entry.key) != nullptr) continue;
    EXPECT_THAT(entry.key, testing::EndsWith("_token"));
    EXPECT_EQ(entry.value, MetadataValue(false)) << entry.key;
  }
}

INSTANTIATE_TEST_SUITE_P(All, TokenizerVectors,
                         testing::Values("llama", "gemma", "phi3", "llama3", "qwen2", "smollm",
                                         "meta-llama3"),
                         [](const auto& vector) {
                           std::string name = vector.param;
                           std::erase(name, '-');
                           return name;
                         });

// tokenizer.json has no scores; its merges tell those that the trainer gave.
TEST(TokenizerVectors, ScoresComeBackFromMerges) {
  Converted trained;
  Convert(VectorPath("llama"), trained);
  if (HasFatalFailure()) return;
  const auto files = WriteTokenizerFiles(trained.tokenizer, TokenizerFiles::kHuggingFace);
  ASSERT_TRUE(Ok(files));
  const TemporaryFolder folder;
  WriteInto(folder, *files);
  std::filesystem::remove(folder.Path() / "tokenizer.model");
  Converted again;
  Convert(folder.Path(), again);
  if (HasFatalFailure()) return;
  EXPECT_EQ(again.tokenizer.kind, TokenizerKind::kSentencePiece);
  for (std::size_t id = 0; id < again.tokenizer.tokens.size(); ++id) {
    const Token& token = again.tokenizer.tokens[id];
    if (token.type != TokenType::kNormal) continue;
    EXPECT_EQ(token.score, trained.tokenizer.tokens[id].score) << id;
  }
}

TEST(TokenizerVectors, RanksAreWrittenAsTheyWere) {
  Converted meta;
  Convert(VectorPath("meta-llama3"), meta);
  if (HasFatalFailure()) return;
  const auto files = WriteTokenizerFiles(meta.tokenizer, TokenizerFiles::kMeta);
  ASSERT_TRUE(Ok(files));
  ASSERT_EQ(files->size(), 1u);
  EXPECT_EQ(files->front().name, "tokenizer.model");
  EXPECT_EQ(files->front().bytes, BytesOf(ReadAll(VectorPath("meta-llama3") / "tokenizer.model")));
}

}  // namespace
}  // namespace hallmark
