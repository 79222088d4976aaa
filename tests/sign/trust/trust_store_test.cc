#include "sign/trust/trust_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "tests/support/signing.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kNow = 1'800'000'000;

Result<void> AddKey(const TrustStore& store, const std::string& origin, unsigned char fill) {
  return store.Change(origin,
                      [&](OriginTrust& trust) { return trust.AddKey(TestKey(fill), kNow); });
}

TEST(TrustStore, KeepsWhatWasChanged) {
  const TemporaryFolder folder;
  const TrustStore store(folder.Path() / "deep" / "trust");
  EXPECT_FALSE(store.Find("a/b").value().has_value());
  EXPECT_TRUE(store.List().value().empty());
  ASSERT_TRUE(Ok(AddKey(store, "a/b", 1)));
  ASSERT_TRUE(Ok(AddKey(store, "a/b", 2)));
  ASSERT_TRUE(Ok(AddKey(store, "a", 3)));
  const auto found = store.Find("a/b");
  ASSERT_TRUE(Ok(found));
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->Root().keys.size(), 2u);
  const auto all = store.List();
  ASSERT_TRUE(Ok(all));
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0].Origin(), "a");
  ASSERT_TRUE(Ok(store.Forget("a/b")));
  EXPECT_FALSE(store.Find("a/b").value().has_value());
  EXPECT_EQ(store.Forget("a/b").error().code, Errc::kNotFound);
}

TEST(TrustStore, AFailedChangeChangesNothing) {
  const TemporaryFolder folder;
  const TrustStore store(folder.Path());
  ASSERT_TRUE(Ok(AddKey(store, "a/b", 1)));
  const auto changed = store.Change("a/b", [](OriginTrust& trust) -> Result<void> {
    EXPECT_TRUE(trust.AddKey(TestKey(2), kNow));
    return Error{Errc::kUntrusted, "", "no"};
  });
  EXPECT_FALSE(changed);
  EXPECT_EQ(store.Find("a/b").value()->Root().keys.size(), 1u);
}

TEST(TrustStore, WhatCannotBeReadIsNotForgotten) {
  const TemporaryFolder folder;
  const TrustStore store(folder.Path());
  ASSERT_TRUE(Ok(AddKey(store, "a/b", 1)));
  const fs::path file = folder.Path() / "a%2Fb.trust.json";
  ASSERT_TRUE(fs::exists(file));
  for (const std::string_view text : {"", "{}", "not json"}) {
    folder.Write("a%2Fb.trust.json", text);
    const auto found = store.Find("a/b");
    ASSERT_FALSE(found) << text;
    EXPECT_EQ(found.error().code, Errc::kUntrusted);
    EXPECT_FALSE(found.error().hint.empty());
    EXPECT_FALSE(AddKey(store, "a/b", 2)) << text;
    EXPECT_FALSE(store.List()) << text;
  }
}

TEST(TrustStore, AFileThatOthersMayWriteIsNotBelieved) {
  const TemporaryFolder folder;
  const TrustStore store(folder.Path());
  ASSERT_TRUE(Ok(AddKey(store, "a/b", 1)));
  ASSERT_EQ(chmod((folder.Path() / "a%2Fb.trust.json").c_str(), 0666), 0);
  EXPECT_EQ(store.Find("a/b").error().code, Errc::kUntrusted);
}

TEST(TrustStore, IsForItsUserWhateverTheUmask) {
  const TemporaryFolder folder;
  const TrustStore store(folder.Path() / "deep" / "trust");
  const mode_t before = umask(0);
  const auto added = AddKey(store, "a/b", 1);
  umask(before);
  ASSERT_TRUE(Ok(added));
  ASSERT_TRUE(Ok(store.Find("a/b")));
  EXPECT_TRUE(Ok(store.List()));
  ASSERT_EQ(chmod((folder.Path() / "deep" / "trust").c_str(), 0777), 0);
  EXPECT_EQ(store.Find("a/b").error().code, Errc::kUntrusted);
  EXPECT_EQ(store.List().error().code, Errc::kUntrusted);
}

TEST(TrustStore, AnotherOriginsFileIsNotBelieved) {
  const TemporaryFolder folder;
  const TrustStore store(folder.Path());
  ASSERT_TRUE(Ok(AddKey(store, "a/b", 1)));
  fs::copy_file(folder.Path() / "a%2Fb.trust.json", folder.Path() / "a%2Fc.trust.json");
  EXPECT_EQ(store.Find("a/c").error().code, Errc::kUntrusted);
}

TEST(TrustStore, TwoAtOnceLoseNothing) {
  const TemporaryFolder folder;
  const TrustStore store(folder.Path());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 8; ++i) {
        EXPECT_TRUE(Ok(AddKey(store, "a/b", static_cast<unsigned char>(1 + t * 8 + i))));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(store.Find("a/b").value()->Root().keys.size(), 32u);
}

TEST(TrustStore, OriginsThatLeaveTheFolderAreNone) {
  const TemporaryFolder folder;
  const TrustStore store(folder.Path() / "trust");
  for (const char* origin : {"../a", "", "a/../b", "."}) {
    EXPECT_EQ(AddKey(store, origin, 1).error().code, Errc::kUsage) << origin;
    EXPECT_FALSE(store.Find(origin).value().has_value());
    EXPECT_FALSE(store.Forget(origin));
  }
}

TEST(TrustStore, WithoutAFolderNothingIsKept) {
  const TrustStore store({});
  EXPECT_TRUE(store.List().value().empty());
  EXPECT_FALSE(store.Find("a/b").value().has_value());
  EXPECT_EQ(AddKey(store, "a/b", 1).error().code, Errc::kUsage);
}

}  // namespace
}  // namespace hallmark
