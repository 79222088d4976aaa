// Every dialect against tests/vectors/sources: real lists by real tools, odd ones, hostile ones.
// NAME.expect says what NAME must be read as.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "src/json/json_reader.h"
#include "tests/support/test_support.h"
#include "verify/sources/source.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

fs::path Folder() { return FixturePath("..") / "sources"; }

std::string ReadAll(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

std::vector<std::string> VectorNames() {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(Folder())) {
    if (entry.path().extension() == ".expect") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string TextOf(const JsonValue& object, std::string_view key) {
  const auto value = object.Find(key);
  return std::string(value ? value->AsString().value_or("") : "");
}

class Dialects : public testing::TestWithParam<std::string> {};

void ExpectFiles(const Source& source, const JsonValue& expected) {
  const std::vector<JsonValue> files = expected.Find("files")->Items();
  ASSERT_EQ(source.files.size(), files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    const ListedFile& file = source.files[i];
    EXPECT_EQ(file.path, TextOf(files[i], "path"));
    const auto size = files[i].Find("size");
    EXPECT_EQ(file.size, size ? size->AsU64() : std::nullopt) << file.path;
    if (const auto line = files[i].Find("line")) {
      EXPECT_EQ(file.line, line->AsU64()) << file.path;
    }
    std::vector<std::string> digests;
    for (const ListedDigest& listed : file.digests) digests.push_back(listed.digest.ToString());
    std::vector<std::string> wanted;
    for (const JsonValue& digest : files[i].Find("digests")->Items()) {
      wanted.emplace_back(*digest.AsString());
    }
    EXPECT_EQ(digests, wanted) << file.path;
  }
}

void ExpectFindings(const Source& source, const JsonValue& expected) {
  const std::vector<JsonValue> findings = expected.Find("findings")->Items();
  std::vector<std::string> codes;
  for (const Finding& finding : source.findings) codes.push_back(finding.code);
  EXPECT_EQ(source.findings.size(), findings.size()) << testing::PrintToString(codes);
  for (const JsonValue& finding : findings) {
    const std::string code(*finding.Items()[0].AsString());
    const std::string part(*finding.Items()[1].AsString());
    EXPECT_TRUE(std::any_of(source.findings.begin(), source.findings.end(),
                            [&](const Finding& found) {
                              return found.code == code &&
                                     found.message.find(part) != std::string::npos;
                            }))
        << code << ": " << part;
  }
}

TEST_P(Dialects, AreReadAsExpected) {
  const std::string text = ReadAll(Folder() / GetParam());
  const auto document =
      JsonDocument::Parse(ReadAll(Folder() / (GetParam() + ".expect")), GetParam());
  ASSERT_TRUE(Ok(document));
  const JsonValue expected = document->Root();
  const std::string alias = TextOf(expected, "as");
  const std::string name = "lists/" + (alias.empty() ? GetParam() : alias);
  const std::string verdict = TextOf(expected, "verdict");

  const auto source = ParseSource(text, name);

  if (verdict == "ok") {
    ASSERT_TRUE(Ok(source));
    EXPECT_EQ(source->name, name);
    EXPECT_EQ(source->dialect, TextOf(expected, "dialect"));
    EXPECT_EQ(source->complete, expected.Find("complete")->AsBool());
    ExpectFiles(*source, expected);
    ExpectFindings(*source, expected);
    return;
  }
  ASSERT_FALSE(source) << source->dialect;
  EXPECT_EQ(source.error().code, verdict == "malformed" ? Errc::kMalformed : Errc::kUnsupported);
  EXPECT_EQ(source.error().subject, name);
  EXPECT_THAT(source.error().message, testing::HasSubstr(TextOf(expected, "error")));
}

// Reading must not depend on where a text happens to end.
TEST_P(Dialects, SurviveBeingCutAnywhere) {
  const std::string text = ReadAll(Folder() / GetParam());
  const std::size_t step = text.size() > 600 ? 7 : 1;
  for (std::size_t size = 0; size < text.size(); size += step) {
    const auto source = ParseSource(std::string_view(text).substr(0, size), GetParam());
    if (!source) {
      EXPECT_FALSE(source.error().message.empty());
      continue;
    }
    for (const ListedFile& file : source->files) {
      EXPECT_EQ(file.path.find("../"), std::string::npos);
      EXPECT_FALSE(file.path.starts_with('/'));
    }
  }
}

std::string TestName(const testing::TestParamInfo<std::string>& vector) {
  std::string name = vector.param;
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Vectors, Dialects, testing::ValuesIn(VectorNames()), TestName);

TEST(AllDialects, EachHasAVectorOfItsOwnButTheOnesThatOtherSuitesRead) {
  std::vector<std::string> seen = {"manifest", "catalogue"};
  for (const std::string& name : VectorNames()) {
    const auto document = JsonDocument::Parse(ReadAll(Folder() / (name + ".expect")), name);
    seen.push_back(TextOf(document->Root(), "dialect"));
  }
  for (const Dialect& dialect : AllDialects()) {
    EXPECT_THAT(seen, testing::Contains(std::string(dialect.name)));
  }
}

// A hostile list must not fill the memory with complaints.
TEST(ParseSource, TellsOnlyTheFirstHundredBrokenLines) {
  std::string text = "5d41402abc4b2a76b9719d911017c592  a.bin\n";
  for (int i = 0; i < 5000; ++i) text += i % 2 == 0 ? "prose\n" : "5d41402abc4b2a76b9719d  b\n";

  const auto source = ParseSource(text, "list.md5");

  ASSERT_TRUE(Ok(source));
  EXPECT_EQ(source->files.size(), 1u);
  EXPECT_FALSE(source->complete);
  ASSERT_EQ(source->findings.size(), 102u);  // and one for the rest, and one for md5
  EXPECT_EQ(source->findings[0].message, "line 2: not a checksum line");
  EXPECT_EQ(source->findings[1].message, "line 3: 22 hex digits, an md5 has 32");
  EXPECT_EQ(source->findings[100].message, "4900 further lines are not usable");
}

}  // namespace
}  // namespace hallmark
