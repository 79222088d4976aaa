#include "verify/diff/fields/compare_json.h"

#include <fmt/format.h>

#include "tests/support/test_support.h"
#include "verify/diff/fields/field_text.h"

namespace hallmark {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

FieldComparison Compare(std::string_view a, std::string_view b, JsonFile file = {"f.json", "x"}) {
  const auto in_a = JsonDocument::Parse(a, "a");
  const auto in_b = JsonDocument::Parse(b, "b");
  EXPECT_TRUE(Ok(in_a));
  EXPECT_TRUE(Ok(in_b));
  FieldComparison out;
  if (in_a && in_b) CompareJson(file, in_a->Root(), in_b->Root(), out);
  return out;
}

std::vector<std::string> Lines(const FieldComparison& compared) {
  std::vector<std::string> lines;
  for (const FieldDiff& field : compared.differing) {
    lines.push_back(fmt::format("{}: {} | {}", field.field, field.a, field.b));
  }
  return lines;
}

TEST(CompareJson, IsBlindToOrderAndSpelling) {
  EXPECT_THAT(Lines(Compare("{\"a\": 1, \"b\": [1, 2.0, \"\\u0041\"]}",
                            "{\"b\":[1.0,2,\"A\"],\n\"a\":1e0}")),
              IsEmpty());
  EXPECT_EQ(
      Compare("{\"a\": [1, {}], \"b\": {\"c\": null}}", "{\"a\": [1, {}], \"b\": {\"c\": null}}")
          .compared,
      3u);
}

TEST(CompareJson, TellsKindsApart) {
  EXPECT_THAT(Lines(Compare("[1, true, null, \"1\", [], 18446744073709551615, -0.5]",
                            "[\"1\", 1, false, 1, {}, 18446744073709551614, 0.5]")),
              ElementsAre("[0]: 1 | \"1\"", "[1]: true | 1", "[2]: null | false", "[3]: \"1\" | 1",
                          "[4]: [] | {}", "[5]: 18446744073709551615 | 18446744073709551614",
                          "[6]: -0.5 | 0.5"));
}

TEST(CompareJson, NamesPathsAndWhatIsAbsent) {
  EXPECT_THAT(Lines(Compare("{\"a\": {\"b\": [{\"c\": 1}]}, \"gone\": null}",
                            "{\"a\": {\"b\": [{\"c\": 2}, 3]}, \"new\": \"\"}")),
              ElementsAre("a.b[0].c: 1 | 2", "a.b[1]:  | 3", "gone: null | ", "new:  | \"\""));
  EXPECT_THAT(Lines(Compare("1", "2")), ElementsAre("everything: 1 | 2"));
}

TEST(CompareJson, EscapesHostileKeysAndValues) {
  const std::string long_key(300, 'k');
  EXPECT_THAT(Lines(Compare("{\"\\u001b[2J\": \"\\u001b\\u009b\\u202e\\u2028\\u0000\", \"" +
                                long_key + "\": 1}",
                            "{}")),
              ElementsAre("\\x1b[2J: \"\\u001b\\u009b\\u202e\\u2028\\u0000\" | ",
                          std::string(80, 'k') + "…: 1 | "));
}

TEST(CompareJson, ReadsMergesInBothForms) {
  const JsonFile file{"tokenizer.json", "tokenizer"};
  const auto with = [](std::string_view merges) {
    return fmt::format("{{\"model\": {{\"merges\": {}}}}}", merges);
  };
  EXPECT_THAT(
      Lines(Compare(with("[\"a b\", \"c d\"]"), with("[[\"a\", \"b\"], [\"c\", \"d\"]]"), file)),
      IsEmpty());
  EXPECT_THAT(Lines(Compare(with("[\"a b\", \"c d\"]"), with("[\"c d\", \"a b\"]"), file)),
              ElementsAre("merge 0: \"a b\" | \"c d\"", "merge 1: \"c d\" | \"a b\""));
  EXPECT_THAT(Lines(Compare(with("[[\"a b\", \"c\"]]"), with("[[\"a\", \"b c\"]]"), file)),
              ElementsAre("merge 0: [\"a b\",\"c\"] | [\"a\",\"b c\"]"));
}

TEST(CompareJson, KeepsLongListsShort) {
  std::string a = "[", b = "[";
  for (int i = 0; i < 100'000; ++i) {
    a += fmt::format("{}{{\"v\":[{}]}}", i ? "," : "", i);
    b += fmt::format("{}{{\"v\":[{}]}}", i ? "," : "", i + 1);
  }
  const auto compared = Compare(a + "]", b + "]");
  ASSERT_EQ(compared.differing.size(), 11u);
  EXPECT_EQ(compared.differing[10].field,
            "everything: 100000 entries differ, the first 10 of them shown");
  EXPECT_EQ(compared.compared, 100'000u);
}

TEST(CompareJson, KeepsWideTreesShort) {
  // 20 * 20 * 20 leaves, no list of them long.
  const auto tree = [](std::string_view leaf) {
    std::string text(leaf);
    for (int depth = 0; depth < 3; ++depth) {
      std::string list = "[" + text;
      for (int i = 1; i < 20; ++i) list += "," + text;
      text = list + "]";
    }
    return text;
  };
  const auto compared = Compare(tree("1"), tree("2"));
  ASSERT_EQ(compared.differing.size(), 201u);
  EXPECT_EQ(compared.differing.back().field, "elsewhere: 7800 more fields differ");
}

TEST(ShowTexts, ShowsTheFirstDifference) {
  const std::string same(5000, 'x');
  const ShownTexts shown = ShowTexts(same + "ä1", same + "ö1");
  EXPECT_TRUE(shown.a.starts_with("\"…xxx") && shown.a.ends_with("xä1\"")) << shown.a;
  EXPECT_TRUE(shown.b.starts_with("\"…xxx") && shown.b.ends_with("xö1\"")) << shown.b;
  EXPECT_LT(shown.a.size(), 100u);
  EXPECT_EQ(ShowTexts("a", "b").b, "\"b\"");
  // One begins the other.
  EXPECT_NE(ShowTexts(same, same + "y").a, ShowTexts(same, same + "y").b);
}

TEST(ShortText, CutsAtACharacter) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "🦙";
  const std::string shown = ShortText(text);
  EXPECT_EQ(shown.size(), 200 * 4 + 3 + 2u);
  EXPECT_TRUE(shown.ends_with("🦙…\""));
  EXPECT_EQ(ShortText("\xff\x80"), "\"\\\\xff\\\\x80\"");
  EXPECT_LT(ShortText(std::string(100'000, '\x80')).size(), 10'000u);
}

}  // namespace
}  // namespace hallmark
