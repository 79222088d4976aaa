#include "cli/report/diff/diff_html.h"

#include <chrono>
#include <cmath>
#include <regex>
#include <set>

#include "cli/report/diff/diff_html_parts.h"
#include "cli/report/html.h"
#include "src/base/text.h"
#include "src/json/json_reader.h"
#include "tests/support/diff_sample.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::HasSubstr;
using testing::Not;

std::size_t CountOf(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1))
    ++count;
  return count;
}

// What stands between the first `open` and the next `close`.
std::string_view Between(std::string_view text, std::string_view open, std::string_view close) {
  const std::size_t start = text.find(open);
  EXPECT_NE(start, std::string_view::npos) << open;
  if (start == std::string_view::npos) return "";
  const std::string_view rest = text.substr(start + open.size());
  return rest.substr(0, rest.find(close));
}

std::string_view DataOf(std::string_view page) {
  return Between(page, R"(<script type="application/json" id="data">)", "</script>");
}

TEST(EscapeHtml, LeavesNoMarkup) {
  EXPECT_EQ(EscapeHtml("a<b>&\"'c"), "a&lt;b&gt;&amp;&quot;&#39;c");
  EXPECT_EQ(EscapeHtml("&lt;"), "&amp;lt;");
}

TEST(CutForPeople, CutsBetweenCharacters) {
  EXPECT_EQ(CutForPeople("short"), "short");
  EXPECT_EQ(CutForPeople(""), "\"\"");
  EXPECT_EQ(CutForPeople("a\nb\xE2\x80\xAE"), "a\\nb\\u{202e}");
  for (std::size_t limit = 8; limit < 24; ++limit) {
    std::string text;
    for (int i = 0; i < 30; ++i) text += "\xC3\xA9\xE2\x82\xAC";
    const std::string cut = CutForPeople(text, limit);
    EXPECT_THAT(cut, HasSubstr("more bytes"));
    EXPECT_THAT(cut, Not(HasSubstr("\\x")));
    EXPECT_LT(cut.size(), limit + 40);
    EXPECT_TRUE(IsValidUtf8(cut)) << limit;
  }
}

TEST(JsonForHtml, CannotEndItsElement) {
  EXPECT_EQ(JsonForHtml("[\"</script><!--&\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA\"]"),
            "[\"\\u003c/script\\u003e\\u003c!--\\u0026\\u2028\\u2029\xE2\x80\xAA\"]");
}

TEST(CspHash, IsThatOfTheStandardsExample) {
  // Content Security Policy Level 3, section 8.3: alert('Hello, world.');
  EXPECT_EQ(CspHash("alert('Hello, world.');"),
            "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='");
}

TEST(ShownNumber, HasThreeDigits) {
  EXPECT_EQ(ShownNumber(0), "0");
  EXPECT_EQ(ShownNumber(-0.0), "0");
  EXPECT_EQ(ShownNumber(0.012345), "0.0123");
  EXPECT_EQ(ShownNumber(1.23456e-7), "1.23e-7");
  EXPECT_EQ(ShownNumber(1e-100), "1.00e-100");
  EXPECT_EQ(ShownNumber(12345), "12345");
  EXPECT_EQ(ShownNumber(123456), "1.23e5");
  EXPECT_EQ(ShownNumber(2), "2");
  EXPECT_EQ(ShownNumber(INFINITY), "infinite");
  EXPECT_EQ(ShownNumber(NAN), "NaN");
  EXPECT_EQ(ShownCosine(1), "1");
  EXPECT_EQ(ShownCosine(0.98), "0.98");
  EXPECT_EQ(ShownCosine(1 - 1e-6), "1 - 1.00e-6");
}

// Never 0% of what differs and never 100% of what does not quite.
TEST(ShownShare, DoesNotRoundAway) {
  EXPECT_EQ(ShownShare(0, 0), "");
  EXPECT_EQ(ShownShare(0, 7), "0%");
  EXPECT_EQ(ShownShare(7, 7), "100%");
  EXPECT_EQ(ShownShare(1, 1'000'000'000), "under 0.001%");
  EXPECT_EQ(ShownShare(999'999'999, 1'000'000'000), "over 99.9%");
  EXPECT_EQ(ShownShare(1, 8), "12.5%");
}

TEST(HeatClass, StepsHalfADecade) {
  EXPECT_EQ(HeatClass(0), 0);
  EXPECT_EQ(HeatClass(9e-6), 0);
  EXPECT_EQ(HeatClass(1.1e-5), 1);
  EXPECT_EQ(HeatClass(3.3e-5), 2);
  EXPECT_EQ(HeatClass(1.1e-1), 9);
  EXPECT_EQ(HeatClass(0.99), 10);
  EXPECT_EQ(HeatClass(1), 11);
  EXPECT_EQ(HeatClass(INFINITY), 11);
  EXPECT_EQ(HeatClass(NAN), 0);
}

TEST(DiffHtml, MayDoOnlyWhatItsPolicyNames) {
  const std::string page = DiffHtml(SampleDiff());
  const std::string_view policy = Between(page, "Content-Security-Policy\" content=\"", "\"");
  EXPECT_THAT(std::string(policy), testing::StartsWith("default-src 'none'; "));
  EXPECT_THAT(std::string(policy), Not(HasSubstr("unsafe")));
  EXPECT_THAT(std::string(policy),
              HasSubstr("script-src " + CspHash(Between(page, "<script>", "</script>")) + ";"));
  EXPECT_THAT(std::string(policy),
              HasSubstr("style-src " + CspHash(Between(page, "<style>", "</style>")) + ";"));
  EXPECT_LT(page.find("Content-Security-Policy"), page.find("<style>"));
  EXPECT_EQ(CountOf(page, "<script"), 2u);
  EXPECT_EQ(CountOf(page, "<style"), 1u);
  // No address of another file, and no code in attributes.
  const std::string body(Between(page, "<body>", "<script"));
  EXPECT_THAT(body, HasSubstr(" class="));
  for (const char* attribute : {" src=", " style=", " srcset=", " action=", " xlink:href="}) {
    EXPECT_THAT(body, Not(HasSubstr(attribute)));
  }
  EXPECT_EQ(CountOf(body, "href="), CountOf(body, "href=\"#"));
  EXPECT_EQ(CountOf(page, "url("), CountOf(page, "url(#"));
  EXPECT_THAT(page, Not(HasSubstr("@import")));
  const std::string_view script = Between(page, "<script>", "</script>");
  for (const char* sink : {"innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("}) {
    EXPECT_EQ(script.find(sink), std::string_view::npos) << sink;
  }
}

TEST(DiffHtml, BeginsWithTheVerdict) {
  DiffReport report = SampleDiff();
  const std::string page = DiffHtml(report);
  const std::size_t verdict = page.find("<h1>different</h1>");
  ASSERT_NE(verdict, std::string::npos);
  EXPECT_LT(verdict, page.find("<h2"));
  EXPECT_LT(page.find(report.summary), page.find("<h2"));
  EXPECT_THAT(page, HasSubstr("<title>different: models/llama-2-7b and "));
}

// Each has its own class and its own sign, so that no two look alike, in colour or without.
TEST(DiffHtml, VerdictsLookDifferent) {
  std::set<std::string> looks, signs;
  for (const DiffVerdict verdict : {DiffVerdict::kEqual, DiffVerdict::kEqualRelated,
                                    DiffVerdict::kDifferent, DiffVerdict::kInconclusive}) {
    DiffReport report;
    report.verdict = verdict;
    const std::string page = DiffHtml(report);
    looks.emplace(Between(page, "<header class=\"", "\""));
    signs.emplace(Between(page, "<p class=\"sign\" aria-hidden=\"true\">", "<"));
  }
  EXPECT_EQ(looks.size(), 4u);
  EXPECT_EQ(signs.size(), 4u);
  EXPECT_EQ(looks.count("verdict v-unknown"), 1u);
}

// Every state has a mark of its own shape: what is left without classes differs.
TEST(StateMark, DiffersInShape) {
  std::set<std::string> shapes;
  const std::regex css(" class=\"[^\"]*\"");
  for (const TensorState state :
       {TensorState::kEqual, TensorState::kRelated, TensorState::kDifferent, TensorState::kOnlyInA,
        TensorState::kOnlyInB}) {
    shapes.insert(std::regex_replace(StateMark(state, -1, {0, 0, 20, 14}), css, ""));
  }
  EXPECT_EQ(shapes.size(), 5u);
  EXPECT_THAT(StateMark(TensorState::kNotCompared, -1, {0, 0, 9, 9}), HasSubstr("hatched"));
}

TEST(DiffHtml, HoldsEveryTensorOnceInTheDataAndOnceInTheMap) {
  const DiffReport report = SampleDiff();
  const std::string page = DiffHtml(report);
  const auto data = JsonDocument::Parse(DataOf(page), "data");
  ASSERT_TRUE(Ok(data));
  const std::vector<JsonValue> rows = data->Root().Find("rows")->Items();
  ASSERT_EQ(rows.size(), report.tensors.size());
  const std::size_t columns = data->Root().Find("columns")->Items().size();
  for (std::size_t i = 0; i < report.tensors.size(); ++i) {
    const std::vector<JsonValue> row = rows[i].Items();
    ASSERT_EQ(row.size(), columns);
    EXPECT_EQ(row[0].AsString(), report.tensors[i].Name());
    EXPECT_EQ(CountOf(page, "<a href=\"#t" + std::to_string(i) + "\" "), 1u) << i;
  }
}

TEST(DiffHtml, ShowsAllParts) {
  const std::string page = DiffHtml(SampleDiff());
  for (const char* part : {"tensors-by-state", "explanations", "findings", "read", "map", "plots",
                           "tensors", "layers", "fields", "left-out"}) {
    EXPECT_EQ(CountOf(page, std::string("<section id=\"") + part + "\""), 1u) << part;
    EXPECT_EQ(CountOf(page, std::string("<li><a href=\"#") + part + "\""), 1u) << part;
  }
  EXPECT_THAT(page, HasSubstr("layers 8 to 31 moved a little"));
  EXPECT_THAT(page, HasSubstr("B holds NaN where A holds numbers"));
  EXPECT_THAT(page, HasSubstr("derived: made again from rope_theta"));
  EXPECT_THAT(page, HasSubstr("B has no generation configuration"));
  EXPECT_THAT(page, HasSubstr("<code>500000</code>"));
  EXPECT_THAT(page, HasSubstr("Values by distance in steps of bf16"));
  EXPECT_EQ(CountOf(page, "data-group="), 33u);
  EXPECT_THAT(page, HasSubstr("<noscript>"));
}

// Without explanations, findings and values there are no empty parts and no links to them.
TEST(DiffHtml, LeavesOutWhatThereIsNot) {
  DiffReport report;
  report.summary = "nothing to compare";
  const std::string page = DiffHtml(report);
  for (const char* part : {"explanations", "findings", "map", "plots", "left-out"}) {
    EXPECT_THAT(page, Not(HasSubstr(std::string("id=\"") + part + "\""))) << part;
    EXPECT_THAT(page, Not(HasSubstr(std::string("href=\"#") + part + "\""))) << part;
  }
}

TEST(DiffHtml, IsTheSameEveryTime) {
  EXPECT_EQ(DiffHtml(SampleDiff()), DiffHtml(SampleDiff()));
  EXPECT_EQ(DiffHtml(HostileDiff()), DiffHtml(HostileDiff()));
}

TEST(DiffHtml, MakesHostileTextHarmless) {
  const std::string page = DiffHtml(HostileDiff());
  EXPECT_EQ(CountOf(page, "<script"), 2u);
  EXPECT_EQ(CountOf(page, "</script"), 2u);
  EXPECT_EQ(CountOf(page, "<style"), 1u);
  EXPECT_EQ(CountOf(page, "<img"), 0u);
  EXPECT_EQ(CountOf(page, "<!--"), 0u);
  EXPECT_EQ(DataOf(page).find_first_of("<>&"), std::string_view::npos);
  EXPECT_TRUE(Ok(JsonDocument::Parse(DataOf(page), "data")));
  for (const unsigned char c : page) EXPECT_TRUE(c >= 0x20 || c == '\n') << static_cast<int>(c);
  for (const char* bidi : {"\xE2\x80\xAE", "\xE2\x81\xA6", "\xE2\x80\x8F", "\xE2\x80\xA8"}) {
    EXPECT_THAT(page, Not(HasSubstr(bidi)));
  }
  EXPECT_TRUE(IsValidUtf8(page));
  // The names of 64 KiB are cut.
  EXPECT_LT(page.size(), 300'000u);
  EXPECT_THAT(page, HasSubstr("more bytes…"));
}

TEST(DiffHtml, TakesTenThousandTensors) {
  const DiffReport report = LargeDiff(126);
  ASSERT_GT(report.tensors.size(), 9900u);
  const auto start = std::chrono::steady_clock::now();
  const std::string page = DiffHtml(report);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(page.size(), 12u << 20);
  EXPECT_LT(took.count(), 10);  // a tenth of a second where nothing slows it down
  EXPECT_EQ(CountOf(page, " data-c=\""), report.tensors.size());
}

// Many experts: their numbers fold, and a cell shows the worst of those in it.
TEST(DiffHtml, FoldsExperts) {
  DiffReport report;
  for (int expert = 0; expert < 200; ++expert) {
    TensorDiff tensor;
    tensor.a = tensor.b =
        TensorDiff::Side{"model.layers.3.mlp.experts." + std::to_string(expert) + ".up_proj.weight",
                         "",
                         Dtype::kF16,
                         {4}};
    tensor.group = "model.layers.3";
    tensor.state = expert == 77 ? TensorState::kDifferent : TensorState::kEqual;
    report.tensors.push_back(tensor);
  }
  report.groups.push_back({.key = "model.layers.3", .tensors = 200});
  const std::string page = DiffHtml(report);
  EXPECT_EQ(CountOf(page, " data-c=\""), 1u);
  EXPECT_EQ(CountOf(page, "<a href=\"#t77\""), 1u);
  EXPECT_THAT(page, HasSubstr("200 tensors, 199 of them equal"));
  EXPECT_THAT(page, HasSubstr("mlp.experts.*.up_proj.weight"));
}

// Names that make no map (a stack for each tensor, a kind for each) still have a cell each.
TEST(DiffHtml, MapsWhatIsNoGrid) {
  DiffReport report;
  for (int i = 0; i < 2000; ++i) {
    TensorDiff tensor;
    const std::string group = "stack" + std::to_string(i) + ".0";
    tensor.a = TensorDiff::Side{group + ".w", "", Dtype::kF16, {4}};
    tensor.group = i % 2 ? group : "globals";
    tensor.state = TensorState::kOnlyInA;
    report.tensors.push_back(tensor);
  }
  const std::string page = DiffHtml(report);
  EXPECT_EQ(CountOf(page, " data-c=\""), 2000u);
  EXPECT_EQ(CountOf(page, "<svg class=\"cells\""), 14u);  // twelve panels, the globals, the others
}

}  // namespace
}  // namespace hallmark
