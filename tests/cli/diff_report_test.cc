#include "cli/report/diff/diff_report.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <regex>

#include "cli/report/diff/diff_view.h"
#include "cli/report/text.h"
#include "tests/cli/diff_reports.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string TextOf(const DiffReport& report, bool verbose = false, std::size_t width = 100) {
  return DiffText(report, verbose, Style(), width);
}

// However lines are broken and columns padded.
std::string Flat(const std::string& text) {
  return std::regex_replace(text, std::regex("\\s+"), std::string(" "));
}

TEST(DiffExit, FollowsTheVerdictAndDanger) {
  EXPECT_EQ(DiffExit(ReportOf(DiffVerdict::kEqual)), ExitCode::kOk);
  EXPECT_EQ(DiffExit(ReportOf(DiffVerdict::kEqualRelated)), ExitCode::kOk);
  EXPECT_EQ(DiffExit(ReportOf(DiffVerdict::kDifferent)), ExitCode::kMismatch);
  EXPECT_EQ(DiffExit(ReportOf(DiffVerdict::kInconclusive)), ExitCode::kInconclusive);
  for (const DiffVerdict verdict : {DiffVerdict::kEqual, DiffVerdict::kDifferent}) {
    DiffReport report = ReportOf(verdict);
    report.findings.push_back({Severity::kWarning, "code", "a", "b"});
    EXPECT_NE(DiffExit(report), ExitCode::kDangerous);
    report.findings.push_back({Severity::kDanger, "code", "a", "b"});
    EXPECT_EQ(DiffExit(report), ExitCode::kDangerous);
  }
}

TEST(DiffView, NumbersNeverSayMoreThanTheyKnow) {
  EXPECT_EQ(NumberText(0.031249), "0.0312");
  EXPECT_EQ(NumberText(1.25e-7), "1.25e-07");
  EXPECT_EQ(NumberText(std::numeric_limits<double>::infinity()), "infinite");
  EXPECT_EQ(NumberText(std::nan("")), "NaN");
  EXPECT_EQ(ShareText(0, 100), "0 %");
  EXPECT_EQ(ShareText(100, 100), "100 %");
  EXPECT_EQ(ShareText(1, 1'000'000'000), "<0.001 %");
  EXPECT_EQ(ShareText(999'999'999, 1'000'000'000), ">99.9 %");
  EXPECT_EQ(ShareText(1, 3), "33.3 %");
  EXPECT_EQ(ShareText(0, 0), "-");
  EXPECT_EQ(CosineText(1), "1");
  EXPECT_EQ(CosineText(0.5), "0.5000");
  EXPECT_EQ(CosineText(-1), "-1.0000");
  EXPECT_EQ(CosineText(0.9999981), "0.9999981");
  EXPECT_EQ(CosineText(1 - 1e-14), ">0.9999999999");
  for (double gap = 0.5; gap > 1e-17; gap /= 3) {  // only 1 is shown as 1
    if (1 - gap < 1) {
      EXPECT_THAT(CosineText(1 - gap), Not(testing::MatchesRegex("1(\\.0*)?"))) << gap;
    }
  }
}

TEST(DiffView, CutsTextsBetweenCharacters) {
  EXPECT_EQ(ShownText("abc", 3), "abc");
  EXPECT_EQ(ShownText("abcd", 3), "ab…");
  EXPECT_EQ(ShownText("äöüß", 3), "äö…");
}

TEST(DiffView, LayersThatAreAlikeAreOneRow) {
  const std::vector<LayerRow> rows = LayerRows(Different());
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows[0].name, "model.layers.5");
  EXPECT_EQ(rows[1].name, "model.layers.31");
  EXPECT_EQ(rows[2].name, "model.layers.3");
  EXPECT_EQ(LayerTensors(rows[2]), "1 of 9");
  EXPECT_EQ(rows[3].name, "globals");
  EXPECT_EQ(rows[4].name, "model.layers.0-2,4,6-30");
  EXPECT_EQ(rows[4].layers, 29u);
  EXPECT_EQ(LayerTensors(rows[4]), "9 tensors each");
}

TEST(DiffView, LayersThatAreNotAlikeAreNot) {
  DiffReport report = Equal(4);
  report.tensors[10].state = TensorState::kNotCompared;
  report.tensors[19].state = TensorState::kRelated;
  Group(&report);
  const std::vector<LayerRow> rows = LayerRows(report);
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].name, "model.layers.1");
  EXPECT_EQ(LayerTensors(rows[0]), "1 of 9 tensors, the others equal");
  EXPECT_EQ(rows[1].name, "globals");
  EXPECT_EQ(rows[2].name, "model.layers.0,3");
  EXPECT_EQ(rows[3].name, "model.layers.2");
  EXPECT_EQ(LayerTensors(rows[3]), "9 tensors, 1 of them after relations");
}

TEST(DiffView, NewNaNIsWorstThenWhatHasNoMeasure) {
  DiffReport report = Different();
  report.tensors.push_back(Pair("by-digest", TensorState::kDifferent));
  ValueComparison nan = Apart(2048, 1, 0);
  nan.nan_b = nan.not_finite = 1;
  report.tensors.push_back(Pair("with-nan", TensorState::kDifferent, nan));
  ValueComparison from_zero = Apart(4, 4, 1);
  from_zero.squares_a = from_zero.products = 0;  // relative norm infinite
  report.tensors.push_back(Pair("from-zero", TensorState::kDifferent, from_zero));
  std::vector<std::string> names;
  for (const TensorDiff* tensor : WorstTensors(report)) names.emplace_back(tensor->Name());
  EXPECT_THAT(names, testing::ElementsAre(
                         "with-nan", "by-digest", "from-zero", "model.layers.5.part_2.weight",
                         "model.layers.31.part_0.weight", "model.layers.3.part_2.weight"));
}

TEST(DiffText, ToldInAFewLinesWhenEqual) {
  const std::string text = TextOf(Equal(32));
  EXPECT_TRUE(text.starts_with("equal: what holds\n"));
  EXPECT_THAT(Flat(text), HasSubstr("equal globals 1 tensor equal model.layers.0-31 9 tensors "));
  EXPECT_THAT(text, HasSubstr("289 tensors compared by value, 0 not compared"));
  EXPECT_THAT(text, HasSubstr("13.5 GB"));
  EXPECT_LE(Occurrences(text, "\n"), 10u) << text;
}

TEST(DiffText, GreenIsOnlyForWhatWasComparedAndHolds) {
  const auto text = [](const DiffReport& report) {
    return DiffText(report, true, Style(true), 80);
  };
  EXPECT_THAT(text(Equal(1)), HasSubstr("\x1b[1;32mequal\x1b[0m: "));
  EXPECT_THAT(text(Equal(1, DiffVerdict::kEqualRelated)),
              HasSubstr("\x1b[1;32mequal-after-relations\x1b[0m: "));
  EXPECT_TRUE(text(Equal(1, DiffVerdict::kDifferent)).starts_with("\x1b[1;31mdifferent\x1b[0m: "));
  EXPECT_TRUE(
      text(Equal(1, DiffVerdict::kInconclusive)).starts_with("\x1b[1;33minconclusive\x1b[0m: "));
  for (const TensorState state : {TensorState::kDifferent, TensorState::kOnlyInA,
                                  TensorState::kOnlyInB, TensorState::kNotCompared}) {
    DiffReport report = ReportOf(DiffVerdict::kInconclusive);
    report.tensors.push_back(Pair("a", state));
    report.tensors.push_back(Pair("b", TensorState::kEqual));
    Group(&report);
    EXPECT_THAT(text(report), Not(HasSubstr("\x1b[1;32m"))) << TensorStateName(state);
  }
}

TEST(DiffText, NamesWhatDiffersWorstFirst) {
  const std::string text = TextOf(Different());
  EXPECT_LT(text.find("model.layers.5 "), text.find("model.layers.31 "));
  EXPECT_LT(text.find("model.layers.31 "), text.find("model.layers.3 "));
  // All of 2048 by 1: relative norm 1/2; the directions are the same.
  EXPECT_THAT(Flat(text), HasSubstr("model.layers.5.part_2.weight 100 % 1 1 0.5 1 "));
  EXPECT_THAT(Flat(text), HasSubstr("model.layers.3.part_2.weight 0.342 % 0.01 "));
  EXPECT_THAT(text, HasSubstr("values 0 to 6 only"));
  EXPECT_THAT(text, Not(HasSubstr("model.layers.7.")));
}

TEST(DiffText, LimitsWhatIsShownUnlessVerbose) {
  DiffReport report = Equal(40, DiffVerdict::kDifferent);
  for (TensorDiff& tensor : report.tensors) {
    tensor.state = TensorState::kDifferent;
    tensor.values = Apart(2048, 20, 0.5);
  }
  Group(&report);
  const std::string text = TextOf(report);
  EXPECT_THAT(text, HasSubstr("… and 31 more layers; --verbose shows them"));
  EXPECT_THAT(text, HasSubstr("… and 351 more tensors; --verbose shows them"));
  EXPECT_LT(Occurrences(text, "\n"), 60u);
  const std::string all = TextOf(report, true);
  EXPECT_THAT(all, Not(HasSubstr("--verbose")));
  EXPECT_THAT(all, HasSubstr("model.layers.39.part_8.weight"));
}

TEST(DiffText, GroupsRelationsWhateverTheLayer) {
  DiffReport report = Equal(3, DiffVerdict::kEqualRelated);
  for (std::size_t layer = 0; layer < 3; ++layer) {
    TensorDiff& tensor = report.tensors[1 + layer * 9];
    tensor.state = TensorState::kRelated;
    tensor.relations = {"rows of rotary pairs put into halves",
                        fmt::format("moved from model.layers.{}.other_1.weight", layer + 1)};
  }
  report.tensors[0].relations = {"rows 32000 to 32063 only in B, all zero"};
  report.tensors[0].state = TensorState::kDifferent;
  Group(&report);
  const std::string text = Flat(TextOf(report));
  EXPECT_THAT(text, HasSubstr("rows of rotary pairs put into halves: 3 tensors "));
  EXPECT_THAT(text, HasSubstr("moved from model.layers.*.other_1.weight: 3 tensors "));
  EXPECT_THAT(text, HasSubstr("rows 32000 to 32063 only in B, all zero: model.embed_tokens.weight, "
                              "which differs all the same"));
}

TEST(DiffText, SaysWhatIsInOneOnlyAndWhatWasNotCompared) {
  DiffReport report = ReportOf(DiffVerdict::kInconclusive);
  for (int i = 0; i < 12; ++i) {
    report.tensors.push_back(Pair(fmt::format("model.layers.{}.bias", i), TensorState::kOnlyInB));
  }
  for (int i = 0; i < 5; ++i) {
    report.tensors.push_back(Pair(fmt::format("odd{}", i), TensorState::kNotCompared));
    report.tensors.back().reason = "no such type";
  }
  Group(&report);
  const std::string text = Flat(TextOf(report));
  EXPECT_THAT(text, HasSubstr("only in B model.layers.{0-11}.bias f16 32x64 ×12"));
  EXPECT_THAT(text, HasSubstr("not compared odd0, odd1, odd2 and 2 more: no such type"));
  EXPECT_THAT(text, HasSubstr("5 not compared, 12 in one model only"));
}

TEST(DiffText, FieldsThatChangeTheModelComeFirst) {
  DiffReport report = Equal(1, DiffVerdict::kDifferent);
  report.fields = {{"metadata", "general.name", "\"x\"", "\"y\"", false},
                   {"configuration", "rope_theta", "10000", "", true}};
  report.fields_not_compared = {"B has no tokenizer"};
  const std::string text = Flat(TextOf(report));
  EXPECT_THAT(text, HasSubstr("fields that differ, 2 of 57 A B"));
  EXPECT_THAT(text, HasSubstr("configuration rope_theta 10000 absent"));
  EXPECT_LT(text.find("rope_theta"), text.find("general.name"));
  EXPECT_THAT(text, HasSubstr("not compared: B has no tokenizer"));
}

TEST(DiffText, SumsUpRoundingAndSteps) {
  DiffReport report = Equal(1, DiffVerdict::kDifferent);
  for (std::size_t i = 0; i < 3; ++i) {
    TensorDiff& tensor = report.tensors[i];
    tensor.rounding = BlockRounding{Dtype::kQ4_0, 64, 64 - i, 0.5 + static_cast<double>(i) / 4};
    tensor.ulps = UlpHistogram{};
    tensor.ulps->bins[0] = 90;
    tensor.ulps->bins[3] = 10;
    tensor.ulp_unit = Dtype::kBf16;
  }
  const std::string text = Flat(TextOf(report));
  EXPECT_THAT(text, HasSubstr("3 tensors: 192 blocks of q4_0, 3 of which are no honest rounding, "
                              "values up to 1 steps off"));
  EXPECT_THAT(text, HasSubstr("distance in steps of bf16, 3 tensors 0 270 90 % 4-7 30 10 %"));
}

TEST(DiffText, NaNIsNamed) {
  DiffReport report = Equal(1, DiffVerdict::kDifferent);
  ValueComparison values;
  values.values = values.differing = values.not_finite = values.nan_b = 2048;
  report.tensors[0] = Pair("model.embed_tokens.weight", TensorState::kDifferent, values);
  Group(&report);
  const std::string text = Flat(TextOf(report));
  EXPECT_THAT(text, HasSubstr("model.embed_tokens.weight 100 % - - - - "));
  EXPECT_THAT(text, HasSubstr("NaN: 0 in A, 2,048 in B"));
}

TEST(DiffText, EscapesEverythingThatComesFromFiles) {
  for (const bool verbose : {false, true}) {
    const std::string text = TextOf(Full(kHostile), verbose);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find('\xff'), std::string::npos);
    EXPECT_THAT(text, HasSubstr("\\n\\x1b[31m"));
  }
}

TEST(DiffText, LinesFitWhereWordsAllowIt) {
  for (const std::size_t width : {80u, 100u}) {
    DiffReport report = Different();
    for (int i = 0; i < 40; ++i) {
      report.summary += " word";
      report.hint += " word";
      report.tensors[0].relations.push_back("some words");
    }
    for (TensorDiff& tensor : report.tensors) tensor.values->sign_flips = 12345;
    report.explanations = {{Explanation::Kind::kNoise, "", report.summary, {}}};
    report.findings.push_back({Severity::kNote, "x", "s", report.summary});
    report.fields = {{"configuration", "a_field", report.summary, report.hint, true}};
    report.fields_not_compared = {report.hint};
    Group(&report);
    const std::string text = TextOf(report, false, width);
    for (std::size_t start = 0; start < text.size();) {
      const std::size_t end = text.find('\n', start);
      const std::string line = text.substr(start, end - start);
      EXPECT_LE(Columns(line), width) << line;
      start = end + 1;
    }
    // What tells least gives way.
    EXPECT_EQ(Occurrences(text, "cosine"), width < 100 ? 1u : 2u) << text;
  }
}

TEST(DiffReport, CountsAndSumsUp) {
  const DiffReport report = Different();
  EXPECT_EQ(report.CountOf(TensorState::kDifferent), 3u);
  EXPECT_EQ(report.CountOf(TensorState::kEqual), 286u);
  const ValueComparison total = report.Total();
  EXPECT_EQ(total.values, 289u * 2048u);
  EXPECT_EQ(total.differing, 7u + 2048u + 1024u);
  EXPECT_EQ(total.max_abs, 1);
  EXPECT_EQ(total.max_abs_at, 0u);
  EXPECT_EQ(total.first_differing, 0u);
  EXPECT_EQ(total.last_differing, 0u);
}

// Scripts rely on these words.
TEST(DiffReport, Names) {
  EXPECT_EQ(DiffVerdictName(DiffVerdict::kEqualRelated), "equal-after-relations");
  EXPECT_EQ(TensorStateName(TensorState::kRelated), "equal-after-relations");
  EXPECT_EQ(TensorStateName(TensorState::kOnlyInA), "only-in-a");
  EXPECT_EQ(TensorStateName(TensorState::kOnlyInB), "only-in-b");
  EXPECT_EQ(TensorStateName(TensorState::kNotCompared), "not-compared");
  EXPECT_EQ(ExplanationKindName(Explanation::Kind::kTensorEdit), "tensor-edit");
  EXPECT_EQ(ExplanationKindName(Explanation::Kind::kUnrelated), "unrelated");
}

}  // namespace
}  // namespace hallmark
