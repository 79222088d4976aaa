#include "src/hash/digest_cache.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <thread>

#include "src/base/text.h"
#include "src/hash/hash_files.h"
#include "src/hash/hasher.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {
namespace fs = std::filesystem;
using namespace std::chrono_literals;

const DigestCache::Time kDay(std::chrono::seconds(1'738'324'800));  // 2025-01-31T12:00:00Z

// Of a file that was last changed a minute before kDay.
FileStamp StampOf(std::uint64_t inode, std::uint64_t size = 7) {
  const std::int64_t time = std::chrono::nanoseconds((kDay - 1min).time_since_epoch()).count();
  return {.device = 8, .inode = inode, .size = size, .modified_ns = time, .changed_ns = time};
}

HashOutcome OutcomeOf(std::string_view text,
                      std::initializer_list<Algorithm> algorithms = {Algorithm::kSha256}) {
  HashOutcome outcome;
  for (const Algorithm algorithm : algorithms) {
    outcome.digests.push_back(HashBytes(algorithm, AsBytes(text)));
  }
  return outcome;
}

std::string ReadBytes(const fs::path& path) {
  return ReadWholeFile(**OpenFile(path), 1 << 30).value();
}

class DigestCacheTest : public testing::Test {
 protected:
  std::unique_ptr<DigestCache> Open(std::uint64_t limit = DigestCache::kUsualLimit) {
    auto cache = DigestCache::Open(Place(), limit);
    EXPECT_TRUE(Ok(cache));
    return cache ? *std::move(cache) : nullptr;
  }
  fs::path Place() const { return folder_.Path() / "made" / "hallmark"; }
  fs::path Database() const { return Place() / "digests.sqlite"; }

  TemporaryFolder folder_;
};

constexpr Algorithm kSha256[] = {Algorithm::kSha256};

TEST_F(DigestCacheTest, RecallsWhatWasRememberedAndWhen) {
  const FileStamp stamp = StampOf(1, std::uint64_t{1} << 40);
  HashOutcome outcome = OutcomeOf("weights", {Algorithm::kTree, Algorithm::kMd5});
  outcome.sub_roots.resize(3);
  outcome.sub_roots[1].fill(std::byte{0x5a});
  Open()->Remember(stamp, outcome, kDay);
  Open()->Remember(stamp, OutcomeOf("weights"), kDay + 24h);

  const auto cache = Open();
  const Algorithm all[] = {Algorithm::kMd5, Algorithm::kSha256, Algorithm::kTree};
  const auto recalled = cache->Recall(stamp, all);
  ASSERT_TRUE(recalled);
  ASSERT_EQ(recalled->outcome.digests.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(recalled->outcome.digests[i], HashBytes(all[i], AsBytes("weights")));
  }
  EXPECT_EQ(recalled->outcome.sub_roots, outcome.sub_roots);
  EXPECT_EQ(recalled->date, "2025-01-31T12:00:00Z");
  EXPECT_EQ(cache->Recall(stamp, kSha256)->date, "2025-02-01T12:00:00Z");
  // One digest that is not known: the file has to be read for it, and is for all.
  const Algorithm more[] = {Algorithm::kMd5, Algorithm::kSha1};
  EXPECT_FALSE(cache->Recall(stamp, more));
  EXPECT_FALSE(cache->Problem());
}

TEST_F(DigestCacheTest, AnotherStampIsAnotherFile) {
  const auto cache = Open();
  const FileStamp stamp = StampOf(1);
  cache->Remember(stamp, OutcomeOf("weights"), kDay);
  cache->Save();
  ASSERT_TRUE(cache->Recall(stamp, kSha256));
  FileStamp other = stamp;
  ++other.device;
  EXPECT_FALSE(cache->Recall(other, kSha256));
  other = stamp, ++other.inode;
  EXPECT_FALSE(cache->Recall(other, kSha256));
  other = stamp, ++other.size;
  EXPECT_FALSE(cache->Recall(other, kSha256));
  other = stamp, ++other.modified_ns;
  EXPECT_FALSE(cache->Recall(other, kSha256));
  other = stamp, ++other.changed_ns;
  EXPECT_FALSE(cache->Recall(other, kSha256));
}

TEST_F(DigestCacheTest, AChangedFileReplacesWhatItWas) {
  const auto cache = Open();
  const FileStamp before = StampOf(1);
  FileStamp after = before;
  after.changed_ns += 1;
  cache->Remember(before, OutcomeOf("before"), kDay);
  cache->Remember(after, OutcomeOf("after"), kDay);
  cache->Save();
  EXPECT_FALSE(cache->Recall(before, kSha256));
  EXPECT_EQ(cache->Recall(after, kSha256)->outcome.digests, OutcomeOf("after").digests);
}

// Stamps that real changes leave behind.
TEST_F(DigestCacheTest, MissesAfterTouchRewriteAndRename) {
  const fs::path path = folder_.Write("file", "weights");
  const auto stamp_now = [&] { return (*OpenFile(path))->Stamp(); };
  const auto cache = Open();
  const DigestCache::Time later = std::chrono::system_clock::now() + 1h;
  const std::function<void()> changes[] = {
      // The same size, and the time of modification set back: the time of change tells.
      [&] {
        const auto time = fs::last_write_time(path);
        std::fstream(path, std::ios::in | std::ios::out) << "W";
        fs::last_write_time(path, time);
      },
      [&] { fs::last_write_time(path, fs::file_time_type::clock::now() - 1h); },
      [&] { fs::rename(folder_.Write("other", "WEIGHTS"), path); },
      [&] { fs::resize_file(path, 3); },
      [&] { fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write); },
  };
  for (std::size_t i = 0; i < std::size(changes); ++i) {
    SCOPED_TRACE(i);
    const FileStamp stamp = stamp_now();
    cache->Remember(stamp, OutcomeOf("weights"), later);
    cache->Save();
    EXPECT_TRUE(cache->Recall(stamp_now(), kSha256));
    std::this_thread::sleep_for(20ms);  // the grain of the kernel's clock
    changes[i]();
    EXPECT_FALSE(cache->Recall(stamp_now(), kSha256));
  }
}

// A change right after reading could leave the times as they are.
TEST_F(DigestCacheTest, ForgetsFilesThatChangedAMomentAgo) {
  const auto cache = Open();
  const auto ns = [](DigestCache::Time time) {
    return std::int64_t{std::chrono::nanoseconds(time.time_since_epoch()).count()};
  };
  FileStamp stamp = StampOf(1);
  const auto kept = [&] {
    cache->Remember(stamp, OutcomeOf("weights"), kDay);
    cache->Save();
    return cache->Recall(stamp, kSha256).has_value();
  };
  stamp.changed_ns = ns(kDay - 1999ms);
  EXPECT_FALSE(kept());
  stamp.changed_ns = ns(kDay + 1h);  // by a clock that was wrong then or is now
  EXPECT_FALSE(kept());
  stamp = StampOf(1);
  stamp.modified_ns = ns(kDay - 1s);
  EXPECT_FALSE(kept());
  stamp.modified_ns = stamp.changed_ns = ns(kDay - 2s);
  EXPECT_TRUE(kept());
}

TEST_F(DigestCacheTest, DropsTheOldestBeyondItsLimit) {
  constexpr std::uint64_t kLimit = 256 << 10;
  const auto cache = Open(kLimit);
  constexpr std::uint64_t kFiles = 5000;
  for (std::uint64_t i = 1; i <= kFiles; ++i) {
    cache->Remember(StampOf(i), OutcomeOf(std::to_string(i)), kDay);
    if (i % 100 == 0) cache->Save();
  }
  EXPECT_FALSE(cache->Problem());
  EXPECT_LE(fs::file_size(Database()), 2 * kLimit);
  EXPECT_FALSE(cache->Recall(StampOf(1), kSha256));
  for (std::uint64_t i = kFiles - 100; i <= kFiles; ++i) {
    ASSERT_TRUE(cache->Recall(StampOf(i), kSha256)) << i;
  }
}

// Whatever is broken, an answer is right or there is none.
TEST_F(DigestCacheTest, ADamagedFileGivesNoWrongDigest) {
  constexpr std::uint64_t kFiles = 200;
  {
    const auto cache = Open();
    for (std::uint64_t i = 0; i < kFiles; ++i) {
      cache->Remember(StampOf(i), OutcomeOf(std::to_string(i)), kDay);
    }
  }
  const std::string whole = ReadBytes(Database());
  std::mt19937 random(7);
  std::uint64_t refused = 0, right = 0;
  for (int round = 0; round < 300; ++round) {
    std::string damaged = whole;
    if (round % 10 == 0) {
      damaged.resize(random() % whole.size());
    } else {
      for (int i = 0; i < 20; ++i) damaged[random() % whole.size()] ^= 1 << random() % 8;
    }
    std::ofstream(Database(), std::ios::binary | std::ios::trunc) << damaged;
    auto cache = DigestCache::Open(Place());
    if (!cache) {
      ++refused;
      EXPECT_EQ(cache.error().subject, Database().string());
      continue;
    }
    for (std::uint64_t i = 0; i < kFiles; ++i) {
      const auto recalled = (*cache)->Recall(StampOf(i), kSha256);
      if (!recalled) continue;
      ++right;
      ASSERT_EQ(recalled->outcome.digests, OutcomeOf(std::to_string(i)).digests);
      ASSERT_EQ(recalled->date, "2025-01-31T12:00:00Z");
    }
    (*cache)->Remember(StampOf(round), OutcomeOf("new"), kDay);
    (*cache)->Save();
  }
  EXPECT_GT(refused, 0u);
  EXPECT_GT(right, 0u);
}

TEST_F(DigestCacheTest, LeavesFilesOfOthersAlone) {
  ASSERT_TRUE(Open());
  std::string text = ReadBytes(Database());
  text[63] = 9;  // the last byte of the user version, in SQLite's header
  const auto write = [&](std::string_view bytes) {
    std::ofstream(Database(), std::ios::binary | std::ios::trunc) << bytes;
  };
  write(text);
  auto cache = DigestCache::Open(Place());
  ASSERT_FALSE(cache);
  EXPECT_EQ(cache.error().code, Errc::kUnsupported);
  EXPECT_EQ(ReadBytes(Database()), text);

  write("a letter to somebody else, much longer than the header of a database would be");
  cache = DigestCache::Open(Place());
  ASSERT_FALSE(cache);
  EXPECT_THAT(cache.error().message, testing::HasSubstr("not a database"));

  write("");
  EXPECT_TRUE(Open());
  fs::permissions(Place(), fs::perms::group_write, fs::perm_options::add);
  cache = DigestCache::Open(Place());
  ASSERT_FALSE(cache);
  EXPECT_EQ(cache.error().subject, Place().string());
  EXPECT_FALSE(DigestCache::Open({}));
  EXPECT_FALSE(DigestCache::Open(folder_.Write("file", "") / "hallmark"));
}

TEST_F(DigestCacheTest, AFileThatCannotBeWrittenCostsOnlyMemory) {
  const FileStamp stamp = StampOf(1);
  Open()->Remember(stamp, OutcomeOf("weights"), kDay);
  const auto cache = Open();
  fs::create_directory(Place() / "digests.sqlite-journal");  // where SQLite's own has to be
  cache->Remember(StampOf(2), OutcomeOf("others"), kDay);
  cache->Save();
  ASSERT_TRUE(cache->Problem());
  EXPECT_EQ(cache->Problem()->subject, Database().string());
  EXPECT_FALSE(cache->Recall(StampOf(2), kSha256));
}

// As many as a worker a core would be, each opening the same new file.
TEST_F(DigestCacheTest, SeveralProcessesAndThreadsShareOneFile) {
  constexpr int kProcesses = 4, kThreads = 2;
  constexpr std::uint64_t kEach = 50;
  const auto fill = [&](std::uint64_t worker) {
    auto cache = DigestCache::Open(Place());
    if (!cache) return false;
    for (std::uint64_t i = 0; i < kEach; ++i) {
      const std::uint64_t inode = worker * kEach + i;
      (*cache)->Remember(StampOf(inode), OutcomeOf(std::to_string(inode)), kDay);
      if (i % 10 == 0) (*cache)->Save();
      static_cast<void>((*cache)->Recall(StampOf(i), kSha256));
    }
    (*cache)->Save();
    return !(*cache)->Problem();
  };
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) _exit(fill(static_cast<std::uint64_t>(p)) ? 0 : 1);
    children.push_back(child);
  }
  std::vector<int> fine(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] { fine[t] = fill(static_cast<std::uint64_t>(kProcesses + t)); });
    }
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_THAT(fine, testing::Each(1));
  const auto cache = Open();
  for (std::uint64_t i = 0; i < (kProcesses + kThreads) * kEach; ++i) {
    const auto recalled = cache->Recall(StampOf(i), kSha256);
    ASSERT_TRUE(recalled) << i;
    EXPECT_EQ(recalled->outcome.digests, OutcomeOf(std::to_string(i)).digests);
  }
}

// By HashFiles: the second time nothing is read, a file that changes is, and so is one that changed
// a moment ago.
TEST_F(DigestCacheTest, FilesAreReadOnceUntilTheyChange) {
  std::vector<FileToHash> files;
  for (const std::string_view name : {"a", "b", "c"}) {
    files.push_back({folder_.Write(name, name), {Algorithm::kSha256, Algorithm::kTree}});
  }
  std::this_thread::sleep_for(2100ms);
  const fs::path fresh = folder_.Write("c", "C");
  const auto read = [&] {
    const auto cache = Open();
    std::string names;  // of files that were read
    EXPECT_TRUE(Ok(HashFiles(
        files, Task{2},
        [&](std::size_t i, Result<HashedFile> file) -> Result<void> {
          EXPECT_TRUE(Ok(file));
          if (!file) return {};
          const std::string text = ReadBytes(files[i].path);
          EXPECT_EQ(file->stamp.size, text.size());
          EXPECT_EQ(file->outcome.digests[0], HashBytes(Algorithm::kSha256, AsBytes(text)));
          EXPECT_EQ(file->outcome.digests[1], HashBytes(Algorithm::kTree, AsBytes(text)));
          if (file->remembered_from.empty())
            names += files[i].path.filename().string();
          else
            EXPECT_TRUE(IsUtcText(file->remembered_from));
          return {};
        },
        cache.get())));
    std::ranges::sort(names);
    return names;
  };
  EXPECT_EQ(read(), "abc");
  EXPECT_EQ(read(), "c");
  folder_.Write("b", "B");
  EXPECT_EQ(read(), "bc");
}

}  // namespace
}  // namespace hallmark
