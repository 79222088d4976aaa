#include <string>

#include "src/json/json_reader.h"
#include "src/json/json_writer.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

TEST(JsonReader, ReadsTypedValues) {
  const auto document = JsonDocument::Parse(R"({"a":[1,-2,3.5],"b":"é\n","c":true,"d":null})", "x");

  ASSERT_TRUE(Ok(document));
  const auto items = document->Root().Find("a")->Items();
  EXPECT_EQ(items[0].AsU64(), 1u);
  EXPECT_EQ(items[1].AsU64(), std::nullopt);
  EXPECT_EQ(items[1].AsDouble(), -2);
  EXPECT_EQ(items[2].AsDouble(), 3.5);
  EXPECT_EQ(document->Root().Find("b")->AsString(), "é\n");
  EXPECT_EQ(document->Root().Find("c")->AsBool(), true);
  EXPECT_EQ(document->Root().Find("d")->GetKind(), JsonValue::Kind::kNull);
  EXPECT_FALSE(document->Root().Find("e"));
}

TEST(JsonReader, RefusesWhatIsNotStrict) {
  for (const std::string_view text :
       {"", " ", "{", "{\"a\":1,}", "[1] x", "{\"a\":1,\"a\":2}", "[{\"k\":{\"a\":1,\"a\":1}}]",
        "{\"\\u0061\":1,\"a\":2}", "\"\xff\"", "01", "nan", "{'a':1}", "[1e999]"}) {
    const auto document = JsonDocument::Parse(text, "x");
    ASSERT_FALSE(document) << text;
    EXPECT_EQ(document.error().code, Errc::kMalformed) << text;
  }
}

TEST(JsonReader, CapsDepthAndSize) {
  const std::string deep = std::string(65, '[') + std::string(65, ']');
  EXPECT_FALSE(JsonDocument::Parse(deep, "x"));
  const std::string fine = std::string(60, '[') + std::string(60, ']');
  EXPECT_TRUE(JsonDocument::Parse(fine, "x"));
  EXPECT_FALSE(JsonDocument::Parse("[1,2,3]", "x", 0, {.max_bytes = 3}));
}

TEST(JsonReader, ValuesSurviveAMove) {
  auto first =
      JsonDocument::Parse(R"({"long":"a string that is longer than any small buffer"})", "x");
  ASSERT_TRUE(Ok(first));
  const JsonDocument second = *std::move(first);
  EXPECT_TRUE(second.Root().Find("long")->AsString()->starts_with("a string"));
}

TEST(JsonWriter, CanonicalFormFollowsRfc8785) {
  JsonWriter writer(JsonWriter::Form::kCanonical);
  writer.BeginObject()
      .Member("\u20ac", "Euro")
      .Member("\r", "CR")
      .Member("\uFB33", "Hebrew")
      .Member("1", "One")
      .Member("\U0001F600", "Smiley")
      .Member("\u0080", "Control")
      .Member("\u00f6", "O")
      .EndObject();

  // RFC 8785 section 3.2.3, the example.
  EXPECT_EQ(
      writer.Take(),
      "{\"\\r\":\"CR\",\"1\":\"One\",\"\u0080\":\"Control\",\"\u00f6\":\"O\",\"\u20ac\":\"Euro\","
      "\"\U0001F600\":\"Smiley\",\"\uFB33\":\"Hebrew\"}");
}

TEST(JsonWriter, KeepsCallOrderInReports) {
  JsonWriter writer(JsonWriter::Form::kPretty);
  writer.BeginObject()
      .Member("b", "x")
      .Key("a")
      .BeginArray()
      .Unsigned(1)
      .BeginObject()
      .EndObject()
      .EndArray()
      .Key("c")
      .BeginArray()
      .EndArray()
      .EndObject();

  EXPECT_EQ(writer.Take(), "{\n  \"b\": \"x\",\n  \"a\": [\n    1,\n    {}\n  ],\n  \"c\": []\n}");
}

TEST(JsonWriter, SpellsOutBytesThatAreNotText) {
  EXPECT_EQ(JsonQuoted("a\xff\xc3\xa9\x01\""), "\"a\\\\xffé\\u0001\\\"\"");
}

TEST(JsonReader, NamesThePlaceOfNumbersThatOnlyPythonWrites) {
  for (const auto& [text, at] : {std::pair(R"({"a": NaN})", 6),
                                 {R"(["NaN", "\"I", -Infinity])", 16},
                                 {R"({"a": Infinity})", 6}}) {
    const auto document = JsonDocument::Parse(text, "x.json", 100);
    ASSERT_FALSE(document.has_value()) << text;
    EXPECT_EQ(document.error().offset, 100u + static_cast<unsigned>(at)) << text;
    EXPECT_THAT(document.error().message, testing::HasSubstr("NaN and Infinity"));
  }
  EXPECT_TRUE(JsonDocument::Parse(R"(["NaN", "Infinity"])", "x.json").has_value());
}

}  // namespace
}  // namespace hallmark
