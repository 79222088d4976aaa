#include "sign/keys/ssh_wire.h"

#include "src/base/text.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

// RFC 4251, section 5: "testing".
TEST(SshWire, WritesAndTakesStrings) {
  std::string out;
  AppendSshString(out, "testing");
  EXPECT_EQ(out, std::string("\0\0\0\x07testing", 11));
  ByteCursor cursor(AsBytes(out), "");
  const auto text = TakeSshString(cursor);
  ASSERT_TRUE(Ok(text));
  EXPECT_EQ(*text, "testing");
  const std::string lie = std::string("\xff\xff\xff\xff", 4) + "testing";
  ByteCursor lying(AsBytes(lie), "");
  EXPECT_FALSE(TakeSshString(lying));
}

// RFC 4251, section 5, has the first three; the others are the forms that it forbids, zero and a
// negative number.
TEST(SshWire, TakesPositiveNumbersInTheirOneForm) {
  const auto take = [](std::string_view hex, std::size_t max = 20) {
    const auto bytes = FromHex(hex).value();
    ByteCursor cursor(bytes, "");
    const auto number = TakeSshPositive(cursor, max);
    return number ? ToHex(AsBytes(*number)) : "refused";
  };
  EXPECT_EQ(take("0000000809a378f9b2e332a7"), "09a378f9b2e332a7");
  EXPECT_EQ(take("000000020080"), "0080");
  EXPECT_EQ(take("0000000809a378f9b2e332a7", 7), "refused");
  for (const char* wrong : {"00000000", "0000000100", "00000002ed3300", "00000002edcc",
                            "000000020001", "0000000200", "0000000180"}) {
    EXPECT_EQ(take(wrong), "refused") << wrong;
  }
}

// X.690, 8.1.3: lengths in one, two and three bytes.
TEST(SshWire, WritesDer) {
  EXPECT_EQ(ToHex(AsBytes(Der(kDerInteger, "\x05"))), "020105");
  EXPECT_TRUE(ToHex(AsBytes(Der(kDerSequence, std::string(127, 'a')))).starts_with("307f61"));
  EXPECT_TRUE(ToHex(AsBytes(Der(kDerSequence, std::string(128, 'a')))).starts_with("30818061"));
  EXPECT_TRUE(ToHex(AsBytes(Der(kDerSequence, std::string(255, 'a')))).starts_with("3081ff61"));
  EXPECT_TRUE(ToHex(AsBytes(Der(kDerSequence, std::string(258, 'a')))).starts_with("3082010261"));
}

}  // namespace
}  // namespace hallmark
