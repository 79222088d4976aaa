// The table of verdicts in docs/verdicts.md, row by row.
#include "verify/conclude.h"

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

FileVerdict File(FileState state, bool weights) {
  FileVerdict file{};
  file.state = state;
  file.path = "f";
  file.holds_weights = weights;
  return file;
}

VerifyReport Report(std::vector<FileVerdict> files) {
  VerifyReport report;
  report.sources.push_back({"list", "gnu", "GNU list", true, false, true, files.size()});
  report.files = std::move(files);
  return report;
}

Verdict VerdictOf(VerifyReport report, const VerifyAsked& asked = {}) {
  report.asked = asked;
  Conclude(report);
  EXPECT_FALSE(report.summary.empty());
  return report.verdict;
}

constexpr bool kWeights = true;
constexpr bool kSide = false;

TEST(Conclude, MatchesWhenEveryListedFileMatches) {
  EXPECT_EQ(VerdictOf(Report({File(FileState::kOk, kWeights), File(FileState::kOk, kSide)})),
            Verdict::kMatches);
  EXPECT_EQ(VerdictOf(Report({File(FileState::kRenamed, kWeights)})), Verdict::kMatches);
}

TEST(Conclude, IsAuthenticOnATrustedWordAlone) {
  auto report = Report({File(FileState::kOk, kWeights)});
  report.sources[0].endorsements.push_back(
      {.signer = "release.pub", .scheme = "minisign signature"});
  EXPECT_EQ(VerdictOf(report), Verdict::kAuthentic);
  auto weak = report;
  weak.sources[0].resists_attackers = false;
  EXPECT_EQ(VerdictOf(weak), Verdict::kMatches);
  auto two = report;
  two.sources.push_back({"other", "gnu", "GNU list", true, false, true, 1});
  EXPECT_EQ(VerdictOf(two), Verdict::kMatches);
  auto interrupted = report;
  interrupted.files[0].remembered = true;
  EXPECT_EQ(VerdictOf(interrupted), Verdict::kMatches);
  auto remembered = report;
  remembered.remembered.Add({1, 10, "2025-02-01T12:00:00Z"});
  EXPECT_EQ(VerdictOf(remembered), Verdict::kMatches);
  auto gaps = report;
  gaps.files.push_back(File(FileState::kUnlisted, kWeights));
  EXPECT_EQ(VerdictOf(gaps), Verdict::kPartial);
  auto differs = report;
  differs.files.push_back(File(FileState::kMismatch, kSide));
  EXPECT_EQ(VerdictOf(differs), Verdict::kMismatch);
}

TEST(Conclude, AuthenticWeightsAreThoseOfASignedSource) {
  auto report = Report({});
  report.weights.state = WeightsVerdict::State::kSame;
  report.weights.ours = "hm1:00";
  report.weights.source = "list";
  EXPECT_EQ(VerdictOf(report), Verdict::kSameWeights);
  report.sources[0].endorsements.push_back({.signer = "release.pub", .scheme = "signed manifest"});
  EXPECT_EQ(VerdictOf(report), Verdict::kAuthentic);
  auto two = report;
  two.sources.push_back({"other", "gnu", "GNU list", true, false, true, 1});
  EXPECT_EQ(VerdictOf(two), Verdict::kSameWeights);
  // The signed file itself is here, with another tokenizer in it.
  report.files = {File(FileState::kMismatch, kWeights)};
  report.files[0].same_weights = true;
  EXPECT_EQ(VerdictOf(report), Verdict::kSameWeights);
}

TEST(Conclude, WhatASourceForbidsIsAMismatch) {
  EXPECT_EQ(VerdictOf(Report({File(FileState::kOk, kWeights), File(FileState::kForbidden, kSide)})),
            Verdict::kMismatch);
}

TEST(Conclude, SaysHowMuchWasNotReadAndFromWhen) {
  auto report = Report({File(FileState::kOk, kWeights), File(FileState::kOk, kSide)});
  Conclude(report);
  EXPECT_THAT(report.summary, testing::Not(testing::HasSubstr("not read")));
  report.remembered.Add({1, 10, "2025-02-01T12:00:00Z"});
  Conclude(report);
  EXPECT_EQ(report.verdict, Verdict::kMatches);
  EXPECT_THAT(report.summary, testing::EndsWith("; 1 file was not read now, by digests remembered "
                                                "from 2025-02-01T12:00:00Z"));
  report.remembered.Add({2, 10, "2025-01-31T12:00:00Z"});
  report.files[0].state = FileState::kMismatch;
  Conclude(report);
  EXPECT_EQ(report.verdict, Verdict::kMismatch);
  EXPECT_THAT(report.summary,
              testing::EndsWith("; 3 files were not read now, by digests "
                                "remembered from as early as 2025-01-31T12:00:00Z"));
}

TEST(Conclude, UnlistedSideFilesAreNoGapButUnlistedWeightsAre) {
  EXPECT_EQ(VerdictOf(Report({File(FileState::kOk, kWeights), File(FileState::kUnlisted, kSide)})),
            Verdict::kMatches);
  EXPECT_EQ(
      VerdictOf(Report({File(FileState::kOk, kWeights), File(FileState::kUnlisted, kWeights)})),
      Verdict::kPartial);
}

TEST(Conclude, PartialWhenSomethingListedIsNotThere) {
  for (const FileState gap :
       {FileState::kMissing, FileState::kIncomplete, FileState::kNotComparable}) {
    const auto report = Report({File(FileState::kOk, kWeights), File(gap, kSide)});
    EXPECT_EQ(VerdictOf(report), Verdict::kPartial);
    EXPECT_EQ(VerdictOf(report, {.include = {"f"}}), Verdict::kPartial);
  }
}

TEST(Conclude, PartialWhenAFolderCouldNotBeLookedInto) {
  auto report = Report({File(FileState::kOk, kWeights)});
  report.unread_folders = 1;
  EXPECT_EQ(VerdictOf(report), Verdict::kPartial);
  EXPECT_EQ(VerdictOf(report, {.include = {"f"}}), Verdict::kMatches);
}

TEST(Conclude, PartialWhenTheSourceIsKnownToBeIncomplete) {
  auto report = Report({File(FileState::kOk, kWeights)});
  report.sources[0].complete = false;
  EXPECT_EQ(VerdictOf(report), Verdict::kPartial);
  EXPECT_EQ(VerdictOf(report, {.include = {"f"}}), Verdict::kMatches);
}

TEST(Conclude, AnyDifferenceIsAMismatch) {
  for (const FileState bad : {FileState::kMismatch, FileState::kWrongSize}) {
    EXPECT_EQ(VerdictOf(Report({File(FileState::kOk, kWeights), File(bad, kWeights)})),
              Verdict::kMismatch);
    EXPECT_EQ(VerdictOf(Report({File(FileState::kOk, kWeights), File(bad, kSide)})),
              Verdict::kMismatch);
  }
}

TEST(Conclude, WeightsOnlyForgivesSideFilesAndNothingElse) {
  const VerifyAsked options{.weights_only = true};
  EXPECT_EQ(VerdictOf(Report({File(FileState::kOk, kWeights), File(FileState::kMismatch, kSide)}),
                      options),
            Verdict::kMatches);
  EXPECT_EQ(VerdictOf(Report({File(FileState::kMismatch, kWeights)}), options), Verdict::kMismatch);
}

FileVerdict Excused(FileState state) {
  FileVerdict file = File(state, kWeights);
  file.same_weights = true;
  return file;
}

TEST(Conclude, SameWeightsExcuseFilesThatHoldThemAndNoOthers) {
  auto report = Report({Excused(FileState::kMissing), Excused(FileState::kUnlisted),
                        Excused(FileState::kMismatch), File(FileState::kOk, kSide)});
  report.weights.state = WeightsVerdict::State::kSame;
  EXPECT_EQ(VerdictOf(report), Verdict::kSameWeights);

  for (const FileState gap : {FileState::kUnlisted, FileState::kMissing}) {
    auto more = report;
    more.files.push_back(File(gap, kWeights));
    EXPECT_EQ(VerdictOf(more), Verdict::kPartial);
  }
  for (const bool weights : {kWeights, kSide}) {
    auto more = report;
    more.files.push_back(File(FileState::kMismatch, weights));
    EXPECT_EQ(VerdictOf(more), Verdict::kMismatch);
  }
}

TEST(Conclude, DifferentWeightsAreAMismatchWhateverElseMatches) {
  auto report = Report({File(FileState::kMissing, kWeights), File(FileState::kOk, kSide)});
  report.weights.state = WeightsVerdict::State::kDifferent;
  EXPECT_EQ(VerdictOf(report), Verdict::kMismatch);
}

TEST(Conclude, NothingComparedIsNeverGood) {
  EXPECT_EQ(VerdictOf(Report({})), Verdict::kInconclusive);
  EXPECT_EQ(VerdictOf(Report({File(FileState::kMissing, kWeights)})), Verdict::kInconclusive);
  EXPECT_EQ(VerdictOf(Report({File(FileState::kUnlisted, kWeights)})), Verdict::kInconclusive);
  EXPECT_EQ(VerdictOf(Report({File(FileState::kNotComparable, kWeights)})), Verdict::kInconclusive);
  EXPECT_EQ(VerdictOf(Report({File(FileState::kOk, kSide), File(FileState::kUnread, kWeights)})),
            Verdict::kInconclusive);
  VerifyReport without_source;
  EXPECT_EQ(VerdictOf(without_source), Verdict::kInconclusive);
}

TEST(Conclude, AMismatchOutweighsWhatCouldNotBeRead) {
  EXPECT_EQ(
      VerdictOf(Report({File(FileState::kMismatch, kWeights), File(FileState::kUnread, kWeights)})),
      Verdict::kMismatch);
}

TEST(Conclude, SaysWhatTheWordIsWorth) {
  auto report = Report({File(FileState::kOk, kWeights)});
  report.sources[0].inside_copy = true;
  report.sources[0].resists_attackers = false;
  Conclude(report);
  EXPECT_THAT(report.summary, testing::HasSubstr("came with the copy"));
  EXPECT_THAT(report.summary, testing::HasSubstr("accidents, not attackers"));
}

TEST(Conclude, APartIsPartialAndHoldsAsAsked) {
  auto report = Report({File(FileState::kOk, kWeights)});
  report.part = PartStamp{.part = {2, 3}};
  report.sources[0].complete = false;  // a matter of the whole
  Conclude(report);
  EXPECT_EQ(report.verdict, Verdict::kPartial);
  EXPECT_TRUE(report.holds_as_asked);
  EXPECT_THAT(report.summary, testing::HasSubstr("part 2 of 3: 1 listed file matches"));

  report.files.clear();
  Conclude(report);
  EXPECT_TRUE(report.holds_as_asked);  // nothing fell to it

  report = Report({File(FileState::kOk, kWeights), File(FileState::kMissing, kSide)});
  report.part = PartStamp{.part = {2, 3}};
  Conclude(report);
  EXPECT_EQ(report.verdict, Verdict::kPartial);
  EXPECT_FALSE(report.holds_as_asked);
}

TEST(Conclude, ASampleNeverMatches) {
  auto report = Report({File(FileState::kOk, kSide), File(FileState::kSampled, kWeights),
                        File(FileState::kNotSampled, kSide)});
  report.files[1].path = "g";
  report.files[2].path = "h";
  report.sample = SampleSummary{.asked = "5%", .pieces = 3, .all_pieces = 60, .likely_found = 59};
  Conclude(report);
  EXPECT_EQ(report.verdict, Verdict::kPartial);
  EXPECT_TRUE(report.holds_as_asked);
  EXPECT_THAT(report.summary, testing::HasSubstr("3 of 60 pieces"));
  EXPECT_THAT(report.summary, testing::HasSubstr("damage in 59 or more pieces"));

  report.holds_as_asked = false;
  report.files.push_back(File(FileState::kMissing, kWeights));
  Conclude(report);
  EXPECT_EQ(report.verdict, Verdict::kPartial);
  EXPECT_FALSE(report.holds_as_asked);

  report.files.push_back(File(FileState::kMismatch, kWeights));
  Conclude(report);
  EXPECT_EQ(report.verdict, Verdict::kMismatch);

  report.files = {File(FileState::kNotSampled, kWeights)};
  report.sample->pieces = 0;
  Conclude(report);
  EXPECT_EQ(report.verdict, Verdict::kInconclusive);
}

}  // namespace
}  // namespace hallmark
