// Digests remembered from one run to the next, by what the file system says of a file (--cached);
// docs/cache.md says what they show and what they do not.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/hash/hash_sources.h"
#include "src/io/file.h"

struct sqlite3;
struct sqlite3_stmt;

namespace hallmark {

struct RememberedDigests {
  HashOutcome outcome;
  std::string date;  // when the file was read, as UtcText; of several digests the oldest
};

// How much a report says that was not read for it.
struct RememberedTotal {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::string oldest = {};  // date; empty if there are none

  void Add(const RememberedTotal& other);
};

// An SQLite file of digests. Not thread-safe; several processes may use one file at once. What goes
// wrong after it was opened costs memory of digests and nothing else: Problem() says it.
class DigestCache {
 public:
  using Time = std::chrono::system_clock::time_point;
  static constexpr std::uint64_t kUsualLimit = std::uint64_t{64} << 20;  // bytes

  // "digests.sqlite" in `folder`, both made if needed; beyond `limit` bytes the oldest digests are
  // dropped. Errors: kIo (no folder given, cannot be made or opened, damaged, in use for too long,
  // or others than its owner may write to it), kUnsupported (another version's file, or none of
  // hallmark's).
  static Result<std::unique_ptr<DigestCache>> Open(const std::filesystem::path& folder,
                                                   std::uint64_t limit = kUsualLimit);
  ~DigestCache();  // saves
  DigestCache(const DigestCache&) = delete;
  DigestCache& operator=(const DigestCache&) = delete;

  // The digests of `algorithms`, in that order, if all of them are remembered of a file with this
  // very stamp.
  std::optional<RememberedDigests> Recall(const FileStamp& stamp,
                                          std::span<const Algorithm> algorithms);
  // What reading a file gave that had `stamp` before and after. `began`: before it was opened. Not
  // kept if the file changed less than two seconds before that (or will have, by its times): a
  // later change could leave the same times.
  void Remember(const FileStamp& stamp, const HashOutcome& outcome, Time began);
  // Writes what is not written yet; Remember does so now and then.
  void Save();
  // The first thing that went wrong, if any.
  const std::optional<Error>& Problem() const { return problem_; }

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
    void operator()(sqlite3_stmt* statement) const;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Closer>;
  struct Row {
    FileStamp stamp;
    Digest digest;
    std::vector<std::byte> sub_roots;  // of kTree, one after another
    std::string date;
  };

  DigestCache(std::filesystem::path path, std::uint64_t limit)
      : path_(std::move(path)), limit_(limit) {}
  Result<void> Connect();
  Result<void> MakeTable();
  Result<void> Execute(const char* sql);
  Result<std::int64_t> Number(const char* sql);  // of one row and column
  Result<Statement> Prepare(const char* sql);
  Result<std::optional<Row>> Find(const FileStamp& stamp, Algorithm algorithm);
  Result<void> Insert(const Row& row);
  Result<void> SaveRows();
  Result<void> DropOldest();
  Error LastError() const;
  static std::vector<std::byte> Seal(const Row& row);

  std::filesystem::path path_;
  std::uint64_t limit_;
  std::unique_ptr<sqlite3, Closer> database_;  // before the statements, which go first
  Statement find_;
  Statement insert_;
  std::vector<Row> unsaved_;
  std::uint64_t unsaved_bytes_ = 0;
  std::chrono::steady_clock::time_point saved_ = std::chrono::steady_clock::now();
  bool readable_ = true;
  bool writable_ = true;
  std::optional<Error> problem_;
};

}  // namespace hallmark
