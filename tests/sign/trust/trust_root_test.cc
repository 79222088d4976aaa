#include "sign/trust/trust_root.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/signing.h"

namespace hallmark {
namespace {

const std::string kOrigin = "my-org/my-model";

TEST(TrustRoot, IsReadBack) {
  SignedRoot root = TestRoot(kOrigin, 3, 2, {1, 2, 3}, {1, 2}, 1'900'000'000);
  const auto read = ReadSignedRoot(root.json, root.signature, "root");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->root.origin, kOrigin);
  EXPECT_EQ(read->root.version, 3u);
  EXPECT_EQ(read->root.threshold, 2u);
  EXPECT_EQ(read->root.keys.size(), 3u);
  EXPECT_EQ(read->root.expires, 1'900'000'000u);
  EXPECT_EQ(WriteTrustRoot(read->root), root.json);
}

TEST(TrustRoot, RefusesWhatCannotBeMet) {
  const std::string good = TestRoot(kOrigin, 1, 1, {1, 2}, {1}).json;
  const std::string one = WriteNoteKey("one", TestKey(1).key, NoteKind::kEd25519);
  const std::string witness = WriteNoteKey("w", TestKey(1).key, NoteKind::kCosignature);
  const struct {
    std::string json;
    std::string_view why;
  } kCases[] = {
      {R"({"schema":"hallmark.root/1","origin":"a/b","version":1,"threshold":2,"keys":[")" + one +
           "\"]}",
       "threshold beyond the keys"},
      {R"({"schema":"hallmark.root/1","origin":"a/b","version":1,"threshold":0,"keys":[")" + one +
           "\"]}",
       "threshold 0"},
      {R"({"schema":"hallmark.root/1","origin":"a/b","version":1,"threshold":1,"keys":[]})",
       "no keys"},
      {R"({"schema":"hallmark.root/1","origin":"a/b","version":1,"threshold":1,"keys":[")" + one +
           "\",\"" + one + "\"]}",
       "a key twice"},
      {R"({"schema":"hallmark.root/1","origin":"a/b","version":1,"threshold":1,"keys":[")" +
           witness + "\"]}",
       "the key of a witness"},
      {R"({"schema":"hallmark.root/1","origin":"a/b","version":0,"threshold":1,"keys":[")" + one +
           "\"]}",
       "version 0"},
      {R"({"schema":"hallmark.root/1","origin":"../b","version":1,"threshold":1,"keys":[")" + one +
           "\"]}",
       "no origin"},
      {R"({"schema":"hallmark.root/2","origin":"a/b","version":1,"threshold":1,"keys":[")" + one +
           "\"]}",
       "another schema"},
      {R"({"schema":"hallmark.root/1","origin":"a/b","version":1,"version":1,"threshold":1,)"
       R"("keys":[")" +
           one + "\"]}",
       "a member twice"},
      {good.substr(0, good.size() / 2), "cut short"},
  };
  ASSERT_TRUE(ParseTrustRoot(good, "root"));
  for (const auto& one_case : kCases) {
    EXPECT_FALSE(ParseTrustRoot(one_case.json, "root")) << one_case.why;
  }
}

TEST(TrustRoot, SignsForItself) {
  const SignedRoot root = TestRoot(kOrigin, 1, 2, {1, 2, 3}, {1});
  const auto too_few = ReadSignedRoot(root.json, root.signature, "root");
  ASSERT_FALSE(too_few);
  EXPECT_EQ(too_few.error().code, Errc::kUntrusted);
  const SignedRoot other = TestRoot(kOrigin, 1, 1, {1}, {1});
  EXPECT_FALSE(ReadSignedRoot(other.json, root.signature, "root"));
}

TEST(TrustRoot, NoChangedByteOfARootIsAccepted) {
  const SignedRoot root = TestRoot(kOrigin, 1, 1, {1}, {1});
  for (std::size_t i = 0; i < root.json.size(); ++i) {
    std::string changed = root.json;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(ReadSignedRoot(changed, root.signature, "root")) << i;
  }
}

}  // namespace
}  // namespace hallmark
