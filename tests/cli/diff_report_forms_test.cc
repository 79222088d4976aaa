// The forms of a diff report that are for machines and for other pages.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <regex>
#include <set>

#include "cli/report/diff/diff_report.h"
#include "src/json/json_reader.h"
#include "tests/cli/diff_reports.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(DiffJson, HoldsEverythingAndIsReadAgain) {
  for (const std::string& word : {std::string("plain"), kHostile}) {
    const DiffReport report = Full(word);
    const auto document = JsonDocument::Parse(DiffJson(report, ExitCode::kMismatch), "report");
    ASSERT_TRUE(Ok(document));
    const JsonValue root = document->Root();
    EXPECT_EQ(root.Find("schema")->AsString(), "hallmark.report/1");
    EXPECT_EQ(root.Find("verb")->AsString(), "diff");
    EXPECT_EQ(root.Find("verdict")->AsString(), "different");
    EXPECT_EQ(root.Find("exit_code")->AsU64(), 1u);
    EXPECT_EQ(root.Find("tensors")->Items().size(), report.tensors.size());
    EXPECT_EQ(root.Find("groups")->Items().size(), report.groups.size());
    EXPECT_EQ(root.Find("counts")->Find("only_in_a")->AsU64(), 1u);
    EXPECT_EQ(root.Find("fields")->Find("differing")->Items().size(), 2u);
    const JsonValue numbers = *root.Find("explanations")->Items()[0].Find("numbers");
    EXPECT_EQ(numbers.Items()[0].Find("value")->AsDouble(), 16.0);
    EXPECT_EQ(numbers.Items()[1].Find("value")->GetKind(), JsonValue::Kind::kNull);
    const JsonValue tensor = root.Find("tensors")->Items()[1];
    EXPECT_EQ(tensor.Find("ulps")->Find("bins")->Items().size(), 6u);
    EXPECT_EQ(tensor.Find("rounding")->Find("within")->AsU64(), 60u);
  }
}

TEST(DiffJson, WhatIsNoNumberIsNull) {
  const auto values_of = [](const ValueComparison& values) {
    return DiffJsonLine(Pair("t", TensorState::kDifferent, values));
  };
  ValueComparison nothing_finite;
  nothing_finite.values = nothing_finite.differing = nothing_finite.not_finite = 5;
  nothing_finite.nan_a = 5;
  EXPECT_THAT(values_of(nothing_finite),
              HasSubstr(R"("nan_a":5,"nan_b":0,"infinite_a":0,"infinite_b":0,"not_finite":5,)"
                        R"("max_abs":null,"max_relative":null,"rms":null,"relative_norm":null,)"
                        R"("cosine":null)"));
  ValueComparison from_zero = Apart(4, 4, 1);
  from_zero.squares_a = from_zero.products = 0;
  EXPECT_THAT(values_of(from_zero), HasSubstr(R"("rms":1,"relative_norm":null,"cosine":0,)"));
  ValueComparison huge = Apart(4, 4, std::numeric_limits<double>::infinity());
  EXPECT_THAT(values_of(huge), HasSubstr(R"("max_abs":null)"));
}

TEST(DiffJson, ALineATensorAndTheRestWithoutThem) {
  const DiffReport report = Full("plain");
  for (const TensorDiff& tensor : report.tensors) {
    const std::string line = DiffJsonLine(tensor);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    const auto document = JsonDocument::Parse(line, "line");
    ASSERT_TRUE(Ok(document));
    EXPECT_EQ(document->Root().Find("state")->AsString(), TensorStateName(tensor.state));
  }
  const std::string end = DiffJsonLinesEnd(report, ExitCode::kDangerous);
  EXPECT_EQ(end.find('\n'), end.size() - 1);
  const auto document = JsonDocument::Parse(end, "end");
  ASSERT_TRUE(Ok(document));
  EXPECT_EQ(document->Root().Find("records")->AsU64(), report.tensors.size());
  EXPECT_FALSE(document->Root().Find("tensors"));
  EXPECT_EQ(document->Root().Find("exit_code")->AsU64(), 7u);
}

// What is not in a code span, by CommonMark 6.1: a run of backticks, up to the next as long.
std::string OutsideCode(const std::string& line) {
  std::string out;
  for (std::size_t i = 0; i < line.size();) {
    const std::size_t run = std::min(line.find_first_not_of('`', i), line.size()) - i;
    if (run == 0) {
      out += line[i++];
      continue;
    }
    std::size_t close = i + run;
    while (close < line.size()) {
      close = std::min(line.find('`', close), line.size());
      const std::size_t length = std::min(line.find_first_not_of('`', close), line.size()) - close;
      if (length == run) break;
      close += std::max<std::size_t>(length, 1);
    }
    EXPECT_LT(close, line.size()) << "a span that does not end: " << line;
    i = std::min(close + run, line.size());
  }
  return out;
}

TEST(DiffMarkdown, HostileNamesStayInCodeSpansAndCells) {
  const std::string text = DiffMarkdown(Full(kHostile));
  std::size_t columns = 0;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = text.find('\n', start);
    const std::string line = text.substr(start, end - start);
    start = end + 1;
    const std::string outside = OutsideCode(line);
    EXPECT_EQ(outside.find_first_of("<>@[]\\"), std::string::npos) << line;
    EXPECT_EQ(outside.find("http"), std::string::npos) << line;
    EXPECT_EQ(line.find('\x1b'), std::string::npos);
    if (!line.starts_with('|')) {
      columns = 0;
      continue;
    }
    // Pipes that no backslash stands before part cells, in code spans too.
    std::size_t pipes = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '|' && (i == 0 || line[i - 1] != '\\')) ++pipes;
    }
    if (columns == 0) columns = pipes;
    EXPECT_EQ(pipes, columns) << line;
  }
}

TEST(DiffMarkdown, AddressesAndMentionsAreCode) {
  DiffReport report = ReportOf(DiffVerdict::kDifferent);
  report.summary = "see https://evil.example www.evil.example @everyone #1 *bold* _it_ ``";
  const std::string text = DiffMarkdown(report);
  EXPECT_THAT(text, HasSubstr("Summary: see `https://evil.example` `www.evil.example` "
                              "`@everyone` `#1` `*bold*` `_it_` ``` `` ```\n"));
}

TEST(DiffMarkdown, FitsIntoAComment) {
  DiffReport report = Full(kHostile);
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = fmt::format("{}{}", std::string(500, '|'), i);
    const auto state = static_cast<TensorState>(i % 6);
    report.tensors.push_back(Pair(name, state, Apart(2048, 3, 1)));
    report.tensors.back().group = fmt::format("{}{}", name, i / 3);
    report.tensors.back().relations = {name, name};
    report.tensors.back().reason = name;
    report.fields.push_back({name, name, name, name, true});
    report.fields_not_compared.push_back(name);
    report.findings.push_back({Severity::kNote, name, name, name});
    report.explanations.push_back({Explanation::Kind::kDamage, name, name, {}});
    report.b.left_out.push_back({name, name});
  }
  Group(&report);
  EXPECT_LT(DiffMarkdown(report).size(), 65'536u);
}

TEST(DiffMarkdown, SignsOfBoundsAreNoTags) {
  DiffReport report = Equal(1, DiffVerdict::kDifferent);
  report.tensors[0] =
      Pair("model.embed_tokens.weight", TensorState::kDifferent, Apart(1'000'000, 1, 1e-6));
  Group(&report);
  const std::string text = DiffMarkdown(report);
  EXPECT_THAT(text, HasSubstr("| &lt;0.001 % | 1e-06 | 1e-09 | 5e-10 | "));
  EXPECT_EQ(text.find_first_of("<>"), std::string::npos);
}

TEST(DiffMarkdown, WhatEndsAClauseIsNoPartOfAName) {
  DiffReport report = ReportOf(DiffVerdict::kDifferent);
  report.summary = "in q4_0: a_b, c_d; ::";
  EXPECT_THAT(DiffMarkdown(report), HasSubstr("Summary: in `q4_0`: `a_b`, `c_d`; ::\n"));
}

TEST(DiffMarkdown, HasTablesOfLayersAndTensors) {
  const std::string text = DiffMarkdown(Different());
  EXPECT_TRUE(text.starts_with("### hallmark diff: different\n\nSummary: what holds\n"));
  EXPECT_THAT(text, HasSubstr("\n| `model.layers.0-2,4,6-30` | equal | 9 tensors each |"));
  EXPECT_THAT(text,
              HasSubstr("\n| `model.layers.5.part_2.weight` | 100 % | 1 | 1 | 0.5 | 1 | 0 |"));
}

TEST(DiffSarif, OneResultForEachDifference) {
  for (const std::string& word : {std::string("plain"), kHostile}) {
    const DiffReport report = Full(word);
    const auto document = JsonDocument::Parse(DiffSarif(report), "sarif");
    ASSERT_TRUE(Ok(document));
    const JsonValue run = document->Root().Find("runs")->Items()[0];
    std::map<std::string, int> found;
    std::set<std::string> rules;
    for (const JsonValue& rule : run.Find("tool")->Find("driver")->Find("rules")->Items()) {
      EXPECT_TRUE(rules.emplace(*rule.Find("id")->AsString()).second);
    }
    for (const JsonValue& result : run.Find("results")->Items()) {
      const std::string id(*result.Find("ruleId")->AsString());
      EXPECT_TRUE(rules.contains(id)) << id;
      ++found[id];
    }
    const std::map<std::string, int> expected = {
        {"tensor-differs", 4},      {"tensor-only-in-a", 1},
        {"tensor-only-in-b", 1},    {"tensor-not-compared", 1},
        {"layer-differs", 4},       {"field-differs", 1},
        {"description-differs", 1}, {"fields-not-compared", 1},
        {"explanation", 1},         {"some-code", 3}};
    EXPECT_EQ(found, expected);
    EXPECT_EQ(run.Find("properties")->Find("verdict")->AsString(), "different");
    EXPECT_EQ(run.Find("invocations")->Items()[0].Find("exitCode")->AsU64(), 7u);
  }
}

// SARIF 2.1.0, 3.11.5: braces of a message are doubled; 3.11.6: "](" makes a link.
TEST(DiffSarif, MessagesHaveNeitherPlaceholdersNorLinks) {
  const std::string text = DiffSarif(Full(kHostile));
  const std::regex message("\"text\": \"(.*)\"");
  for (auto m = std::sregex_iterator(text.begin(), text.end(), message);
       m != std::sregex_iterator(); ++m) {
    const std::string found = (*m)[1];
    EXPECT_THAT(found, Not(HasSubstr("](")));
    EXPECT_THAT(std::regex_replace(found, std::regex("\\{\\{|\\}\\}"), std::string()),
                Not(testing::AnyOf(HasSubstr("{"), HasSubstr("}"))));
  }
}

TEST(DiffSarif, PathsAreReferences) {
  DiffReport report = Different();
  report.b.name = "/models/a b#1%/x:y";
  EXPECT_THAT(DiffSarif(report), HasSubstr("\"uri\": \"file:///models/a%20b%231%25/x%3Ay\""));
  report.b.name = "https://example.org/x?y=1";
  EXPECT_THAT(DiffSarif(report), HasSubstr("\"uri\": \"https://example.org/x?y=1\""));
}

TEST(DiffJunit, ASuiteALayerACaseATensor) {
  DiffReport report = Different();
  report.tensors[4].state = TensorState::kNotCompared;
  report.tensors[4].reason = "no such type";
  Group(&report);
  const std::string text = DiffJunit(report);
  EXPECT_THAT(text, HasSubstr("<testsuites name=\"hallmark diff\" tests=\"290\" failures=\"4\" "
                              "errors=\"0\" skipped=\"1\">"));
  EXPECT_THAT(text, HasSubstr("<testsuite name=\"model.layers.5\" tests=\"9\" failures=\"1\" "
                              "errors=\"0\" skipped=\"0\">"));
  EXPECT_THAT(text, HasSubstr("message=\"all 2,048 values differ, by up to 1; RMS 1, relative norm "
                              "0.5, cosine 1\""));
  EXPECT_THAT(text, HasSubstr("<skipped message=\"no such type\"/>"));
  EXPECT_EQ(Occurrences(text, "<testsuite "), 34u);
  EXPECT_EQ(Occurrences(text, "<testcase "), 290u);
}

// What is skipped looks fine in most places that show such files.
TEST(DiffJunit, InconclusiveIsAnError) {
  DiffReport report = Equal(1, DiffVerdict::kInconclusive);
  EXPECT_THAT(DiffJunit(report),
              HasSubstr("<error type=\"inconclusive\" message=\"what holds\"/>"));
  EXPECT_THAT(DiffJunit(Equal(1)), Not(HasSubstr("<error")));
  EXPECT_THAT(DiffJunit(Equal(1)), Not(HasSubstr("<failure")));
}

TEST(DiffJunit, HoldsNoCharacterThatXmlForbids) {
  std::string all = kHostile;
  for (int c = 0; c < 32; ++c) all += static_cast<char>(c);
  const std::string text = DiffJunit(Full(all));
  for (const char c : text) EXPECT_FALSE(static_cast<unsigned char>(c) < 0x20 && c != '\n');
  EXPECT_EQ(text.find("\xEF\xBF\xBF"), std::string::npos);
  EXPECT_EQ(text.find("</a>"), std::string::npos);
  EXPECT_EQ(text.find("]]>"), std::string::npos);
}

TEST(DiffReports, TenThousandTensorsTakeNoTime) {
  DiffReport report = Equal(1111, DiffVerdict::kDifferent);
  for (TensorDiff& tensor : report.tensors) {
    tensor.state = TensorState::kDifferent;
    tensor.values = Apart(2048, 100, 0.5);
    tensor.relations = {"cast from f16 to bf16", "moved from " + tensor.a->name};
  }
  Group(&report);
  ASSERT_EQ(report.tensors.size(), 10'000u);
  const auto start = std::chrono::steady_clock::now();
  std::size_t size = DiffText(report, false, Style(), 100).size();
  size += DiffText(report, true, Style(), 100).size();
  size += DiffJson(report, ExitCode::kMismatch).size();
  size += DiffMarkdown(report).size() + DiffSarif(report).size() + DiffJunit(report).size();
  for (const TensorDiff& tensor : report.tensors) size += DiffJsonLine(tensor).size();
  EXPECT_GT(size, 10'000'000u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace hallmark
