#include "sign/keys/pem.h"

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

// RFC 4648, 10: "Zm9vYmFy" is "foobar".
TEST(Pem, ReadsBlocksAmongOtherText) {
  const auto blocks = ReadPem(
      "a note\n-----BEGIN A-----\r\nZm9v\r\nYmFy\r\n-----END A-----\r\n\n"
      "-----BEGIN B C-----\nZg==\n-----END B C-----",
      "");
  ASSERT_TRUE(Ok(blocks));
  ASSERT_EQ(blocks->size(), 2U);
  EXPECT_EQ(blocks->at(0).label, "A");
  EXPECT_EQ(blocks->at(0).der, "foobar");
  EXPECT_EQ(blocks->at(1).label, "B C");
  EXPECT_EQ(blocks->at(1).der, "f");
}

TEST(Pem, NoBlockIsNoError) {
  const auto blocks = ReadPem("-----BEGINNING", "");
  ASSERT_TRUE(Ok(blocks));
  EXPECT_TRUE(blocks->empty());
}

TEST(Pem, RefusesBrokenBlocks) {
  for (const char* text :
       {"-----BEGIN A-----\nZm9v\n", "-----BEGIN A-----\nZm9v\n-----END B-----\n",
        "-----BEGIN A--\nZm9v\n-----END A-----\n", "-----BEGIN ", "-----BEGIN -----",
        "-----BEGIN A-----\nZm9v*\n-----END A-----\n",
        "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nZm9v\n-----END A-----\n"}) {
    SCOPED_TRACE(text);
    const auto blocks = ReadPem(text, "key");
    ASSERT_FALSE(blocks.has_value());
    EXPECT_EQ(blocks.error().code, Errc::kMalformed);
  }
}

TEST(Pem, WritesLinesOf64) {
  EXPECT_EQ(WritePem("A", std::string(49, '\0')),
            "-----BEGIN A-----\n" + std::string(64, 'A') + "\nAA==\n-----END A-----\n");
}

}  // namespace
}  // namespace hallmark
