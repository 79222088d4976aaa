#include "cli/report/verify_report.h"

#include <regex>

#include "src/hash/hasher.h"
#include "src/json/json_reader.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::HasSubstr;
using testing::Not;

FileVerdict FileIn(FileState state, std::string path, std::uint64_t size = 1000) {
  FileVerdict file{};
  file.state = state;
  file.path = path;
  file.listed_as = std::move(path);
  file.size = size;
  return file;
}

VerifyReport ReportOf(Verdict verdict, std::vector<FileVerdict> files) {
  VerifyReport report;
  report.verdict = verdict;
  report.summary = "what holds";
  report.sources.push_back({.name = "list.chk",
                            .dialect = "gnu",
                            .title = "GNU checksum list",
                            .complete = true,
                            .inside_copy = false,
                            .resists_attackers = true,
                            .listed_files = files.size()});
  report.files = std::move(files);
  return report;
}

std::string TextOf(const VerifyReport& report, bool verbose = false) {
  return VerifyText(report, verbose, Style(), 80);
}

// The contract's table of verdicts.
TEST(VerifyExit, FollowsTheVerdict) {
  EXPECT_EQ(VerifyExit(ReportOf(Verdict::kAuthentic, {})), ExitCode::kOk);
  EXPECT_EQ(VerifyExit(ReportOf(Verdict::kMatches, {})), ExitCode::kOk);
  EXPECT_EQ(VerifyExit(ReportOf(Verdict::kSameWeights, {})), ExitCode::kOk);
  EXPECT_EQ(VerifyExit(ReportOf(Verdict::kMismatch, {})), ExitCode::kMismatch);
  EXPECT_EQ(VerifyExit(ReportOf(Verdict::kPartial, {})), ExitCode::kInconclusive);
  EXPECT_EQ(VerifyExit(ReportOf(Verdict::kInconclusive, {})), ExitCode::kInconclusive);
}

TEST(VerifyExit, DangerCountsWhereNoDigestVouchesForTheFile) {
  VerifyReport report = ReportOf(
      Verdict::kMatches, {FileIn(FileState::kOk, "a.pt"), FileIn(FileState::kUnlisted, "b.pt")});
  report.findings.push_back({Severity::kDanger, "code", "a.pt", "calls os.system"});
  EXPECT_EQ(VerifyExit(report), ExitCode::kOk);
  report.findings.push_back({Severity::kDanger, "code", "b.pt", "calls os.system"});
  EXPECT_EQ(VerifyExit(report), ExitCode::kDangerous);
}

TEST(VerifyText, BeginsWithTheVerdict) {
  EXPECT_TRUE(TextOf(ReportOf(Verdict::kMatches, {})).starts_with("matches: what holds\n"));
  EXPECT_TRUE(VerifyText(ReportOf(Verdict::kInconclusive, {}), false, Style(true), 80)
                  .starts_with("\x1b[1;33minconclusive\x1b[0m: what holds\n"));
}

// Green says "checked, and it holds"; nothing else may look like it.
TEST(VerifyText, GreenIsOnlyForWhatWasChecked) {
  for (const FileState state :
       {FileState::kMismatch, FileState::kWrongSize, FileState::kMissing, FileState::kIncomplete,
        FileState::kUnlisted, FileState::kUnread, FileState::kNotComparable}) {
    for (const Verdict verdict : {Verdict::kPartial, Verdict::kMismatch, Verdict::kInconclusive}) {
      const std::string text =
          VerifyText(ReportOf(verdict, {FileIn(state, "a")}), true, Style(true), 80);
      EXPECT_THAT(text, Not(HasSubstr("\x1b[1;32m"))) << FileStateName(state);
    }
  }
}

TEST(VerifyText, FoldsManyFilesThatMatchAndNamesTheOneThatDoesNot) {
  std::vector<FileVerdict> files;
  for (int i = 0; i < 30; ++i) files.push_back(FileIn(FileState::kOk, "good-" + std::to_string(i)));
  files.push_back(FileIn(FileState::kMismatch, "bad"));
  files.back().checks.push_back(
      {{HashBytes(Algorithm::kMd5, AsBytes("a"))}, HashBytes(Algorithm::kMd5, AsBytes("b"))});
  files.back().damage.push_back(
      {{0x400, 0x100}, {"model.layers.1.mlp.up_proj.weight"}, {"model.layers.1"}, 3});
  const VerifyReport report = ReportOf(Verdict::kMismatch, files);

  const std::string text = TextOf(report);
  EXPECT_THAT(text, HasSubstr("30 files"));
  EXPECT_THAT(text, Not(HasSubstr("good-7")));
  EXPECT_THAT(text, HasSubstr("md5 expected 0cc175b9c0f1…, got 92eb5ffee6ae…"));  // RFC 1321, A.5
  EXPECT_THAT(text, HasSubstr("bytes 0x400-0x4ff (256 B), 3 bytes differ:"));
  EXPECT_THAT(text, HasSubstr("model.layers.1.mlp.up_proj.weight"));
  EXPECT_LT(text.find("bad"), text.find("30 files"));

  EXPECT_THAT(TextOf(report, true), HasSubstr("good-7"));
  EXPECT_THAT(TextOf(report, true), HasSubstr("0cc175b9c0f1b6a831c399e269772661"));
}

TEST(VerifyText, SaysWhatASourceIsWorth) {
  VerifyReport report = ReportOf(Verdict::kMatches, {FileIn(FileState::kOk, "a")});
  report.sources[0].resists_attackers = false;
  report.sources[0].inside_copy = true;
  report.sources[0].complete = false;
  // However the lines are broken.
  const std::string text = std::regex_replace(TextOf(report), std::regex("\\s+"), std::string(" "));
  EXPECT_THAT(text, HasSubstr("guards against accidents, not attackers"));
  EXPECT_THAT(text, HasSubstr("came with the copy and cannot vouch for it"));
  EXPECT_THAT(text, HasSubstr("not a complete list"));
}

TEST(VerifyText, EscapesEverythingThatComesFromFiles) {
  const std::string evil = "e\x1b[31mvil\n";
  VerifyReport report = ReportOf(Verdict::kMismatch, {});
  for (int state = 0; state <= static_cast<int>(FileState::kNotComparable); ++state) {
    report.files.push_back(FileIn(static_cast<FileState>(state), evil));
    report.files.back().damage.push_back({{0, 1}, {evil}, {evil}, 0});
    report.files.back().error = Error{Errc::kIo, evil, evil};
  }
  report.summary = report.hint = evil;
  report.sources[0].name = report.sources[0].title = evil;
  report.weights.state = WeightsVerdict::State::kDifferent;
  report.weights.source = evil;
  report.weights.differences.push_back({evil, evil, evil, {{evil, {0, 1}}}, {}});
  report.findings.push_back({Severity::kWarning, "code", evil, evil});
  for (const bool verbose : {false, true}) {
    EXPECT_EQ(TextOf(report, verbose).find('\x1b'), std::string::npos);
  }
}

TEST(VerifyText, LinesFitWhereWordsAllowIt) {
  VerifyReport report = ReportOf(Verdict::kPartial, {FileIn(FileState::kMissing, "a.bin")});
  for (int i = 0; i < 40; ++i) {
    report.summary += " word";
    report.hint += " word";
  }
  report.findings.push_back({Severity::kNote, "x", "s", report.summary});
  std::size_t start = 0;
  const std::string text = TextOf(report);
  for (std::size_t end; (end = text.find('\n', start)) != std::string::npos; start = end + 1) {
    EXPECT_LE(end - start, 80u) << text.substr(start, end - start);
  }
}

TEST(VerifyJson, HoldsTheVerdictTheStatusAndEveryFile) {
  VerifyReport report = ReportOf(Verdict::kMismatch, {FileIn(FileState::kWrongSize, "a\x1b", 7)});
  report.files[0].listed_size = 9;
  const std::string text = VerifyJson(report, ExitCode::kMismatch);
  const Result<JsonDocument> document = JsonDocument::Parse(text, "report");

  ASSERT_TRUE(Ok(document));
  const JsonValue root = document->Root();
  EXPECT_EQ(root.Find("schema")->AsString(), "hallmark.report/1");
  EXPECT_EQ(root.Find("verdict")->AsString(), "mismatch");
  EXPECT_EQ(root.Find("exit_code")->AsU64(), 1u);
  const JsonValue file = root.Find("files")->Items().at(0);
  EXPECT_EQ(file.Find("state")->AsString(), "wrong-size");
  EXPECT_EQ(file.Find("path")->AsString(), "a\x1b");
  EXPECT_EQ(file.Find("size")->AsU64(), 7u);
  EXPECT_EQ(file.Find("listed_size")->AsU64(), 9u);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace hallmark
