#include "sign/sigstore/dsse.h"

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<DsseEnvelope> Parse(const std::string& text) {
  const JsonDocument document = HM_TRY(JsonDocument::Parse(text, "bundle"));
  return ParseDsseEnvelope(document.Root(), "bundle");
}

// The example of the protocol's own page.
TEST(Dsse, EncodesAsItsProtocolSays) {
  EXPECT_EQ(DssePreAuthEncoding("http://example.com/HelloWorld", "hello world"),
            "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  EXPECT_EQ(DssePreAuthEncoding("", ""), "DSSEv1 0  0 ");
}

TEST(Dsse, ReadsAnEnvelope) {
  const auto envelope = Parse(
      R"({"payload":"aGVsbG8=","payloadType":"text/plain","signatures":[{"sig":"Zm9v","keyid":null},{"sig":"YmFy","keyid":"k"}]})");
  ASSERT_TRUE(Ok(envelope));
  EXPECT_EQ(envelope->payload, "hello");
  EXPECT_EQ(envelope->payload_type, "text/plain");
  EXPECT_THAT(envelope->signatures, ElementsAre("foo", "bar"));
}

TEST(Dsse, RefusesWhatIsBroken) {
  const struct {
    const char *text, *reason;
  } kCases[] = {
      {"[]", "dsseEnvelope is not an object"},
      {R"({"payloadType":"t","signatures":[{"sig":"Zm9v"}]})", "payload is not a text"},
      {R"({"payload":"aGVs bG8=","payloadType":"t","signatures":[{"sig":"Zm9v"}]})",
       "payload is not base64"},
      {R"({"payload":"-_-_","payloadType":"t","signatures":[{"sig":"Zm9v"}]})",
       "payload is not base64"},
      {R"({"payload":"aGVsbG8","payloadType":"t","signatures":[{"sig":"Zm9v"}]})",
       "payload is not base64"},
      {R"({"payload":"","payloadType":1,"signatures":[{"sig":"Zm9v"}]})", "payloadType"},
      {R"({"payload":"","payloadType":"t","signatures":[]})", "a list of 1 to 32"},
      {R"({"payload":"","payloadType":"t"})", "signatures is not a list"},
      {R"({"payload":"","payloadType":"t","signatures":[{"keyid":"a"}]})", "signatures[0].sig"},
      {R"({"payload":"","payloadType":"t","signatures":[{"sig":"Zm9v","x":1}]})", "not known"},
      {R"({"payload":"","payloadType":"t","signatures":[{"sig":"Zm9v"}],"x":1})", "not known"},
  };
  for (const auto& row : kCases) {
    SCOPED_TRACE(row.text);
    const auto envelope = Parse(row.text);
    ASSERT_FALSE(envelope.has_value());
    EXPECT_THAT(envelope.error().message, HasSubstr(row.reason));
    EXPECT_EQ(envelope.error().subject, "bundle");
  }
}

}  // namespace
}  // namespace hallmark
