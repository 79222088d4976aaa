#include "src/hash/digest_cache.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"

namespace hallmark {
namespace {

constexpr int kApplication = 0x686d6463;  // "hmdc", in SQLite's header
constexpr int kVersion = 1;
constexpr int kPatienceMs = 5000;  // with other processes that write
constexpr std::chrono::seconds kSaveEvery{1};
constexpr std::uint64_t kSaveBytes = 1 << 20;
// As git treats an index entry that is no older than the file: times of a file have grains, of two
// seconds on the coarsest file systems.
constexpr std::chrono::seconds kRacy{2};

constexpr char kTable[] =
    "CREATE TABLE digest ("
    " id INTEGER PRIMARY KEY,"  // in the order of being remembered
    " device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL,"
    " modified_ns INTEGER NOT NULL, changed_ns INTEGER NOT NULL, algorithm TEXT NOT NULL,"
    " digest BLOB NOT NULL, sub_roots BLOB NOT NULL, date TEXT NOT NULL, seal BLOB NOT NULL,"
    " UNIQUE (device, inode, algorithm))";
constexpr char kFind[] =
    "SELECT digest, sub_roots, date, seal FROM digest WHERE device = ?1 AND inode = ?2 AND"
    " algorithm = ?6 AND size = ?3 AND modified_ns = ?4 AND changed_ns = ?5";
constexpr char kInsert[] =
    "INSERT OR REPLACE INTO digest (device, inode, size, modified_ns, changed_ns, algorithm,"
    " digest, sub_roots, date, seal) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
constexpr char kDropQuarter[] =
    "DELETE FROM digest WHERE id IN"
    " (SELECT id FROM digest ORDER BY id LIMIT 1 + (SELECT count(*) FROM digest) / 4)";

// Who can write there could have hallmark say anything.
Result<void> CheckOwner(const std::filesystem::path& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return {};  // opening it will say why
  if (info.st_uid == geteuid() && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0) return {};
  return Error{Errc::kIo, path.string(), "others may write to it", std::nullopt,
               "nobody but you may own it or write to it; delete it, or set XDG_CACHE_HOME"};
}

// A statement that runs once; whatever it returns, it holds no lock afterwards.
class Run {
 public:
  explicit Run(sqlite3_stmt* statement) : statement_(statement) {}
  ~Run() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // What is bound outlives the run.
  void Bind(int index, std::int64_t value) { sqlite3_bind_int64(statement_, index, value); }
  void Bind(int index, std::string_view text) {
    sqlite3_bind_text(statement_, index, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
  }
  void Bind(int index, ByteSpan bytes) {
    const void* const data = bytes.empty() ? static_cast<const void*>("") : bytes.data();
    sqlite3_bind_blob64(statement_, index, data, bytes.size(), SQLITE_STATIC);
  }
  void BindKey(const FileStamp& stamp, Algorithm algorithm) {
    Bind(1, static_cast<std::int64_t>(stamp.device));
    Bind(2, static_cast<std::int64_t>(stamp.inode));
    Bind(3, static_cast<std::int64_t>(stamp.size));
    Bind(4, stamp.modified_ns);
    Bind(5, stamp.changed_ns);
    Bind(6, InfoOf(algorithm).name);
  }
  int Step() { return sqlite3_step(statement_); }
  ByteSpan Bytes(int column) {
    const auto* const data = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column));
    return {data, data == nullptr
                      ? 0
                      : static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  sqlite3_stmt* statement_;
};

}  // namespace

void RememberedTotal::Add(const RememberedTotal& other) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  files = CheckedAdd(files, other.files).value_or(kMost);
  bytes = CheckedAdd(bytes, other.bytes).value_or(kMost);
  if (oldest.empty() || (!other.oldest.empty() && other.oldest < oldest)) oldest = other.oldest;
}

void DigestCache::Closer::operator()(sqlite3* database) const { sqlite3_close(database); }
void DigestCache::Closer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

DigestCache::~DigestCache() { Save(); }

Result<std::unique_ptr<DigestCache>> DigestCache::Open(const std::filesystem::path& folder,
                                                       std::uint64_t limit) {
  if (folder.empty()) {
    return Error{Errc::kIo, "", "there is no place to remember digests in", std::nullopt,
                 "set XDG_CACHE_HOME or HOME"};
  }
  std::error_code code;
  std::filesystem::create_directories(folder.parent_path(), code);
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return Error{Errc::kIo, folder.string(), fmt::format("mkdir: {}", std::strerror(errno))};
  }
  std::unique_ptr<DigestCache> cache(new DigestCache(folder / "digests.sqlite", limit));
  HM_TRY(CheckOwner(folder));
  HM_TRY(CheckOwner(cache->path_));
  HM_TRY(cache->Connect());
  return cache;
}

Result<void> DigestCache::Connect() {
  sqlite3* database = nullptr;
  const int status = sqlite3_open_v2(path_.c_str(), &database,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  database_.reset(database);
  if (status != SQLITE_OK) return LastError();
  sqlite3_busy_timeout(database, kPatienceMs);
  // A rollback journal, not a write-ahead log: that needs memory shared by all who write, which the
  // hosts that mount one home do not have.
  HM_TRY(
      Execute("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
              " PRAGMA journal_mode = DELETE; PRAGMA synchronous = NORMAL"));
  if (HM_TRY(Number("PRAGMA user_version")) == 0) HM_TRY(MakeTable());
  if (HM_TRY(Number("PRAGMA application_id")) != kApplication ||
      HM_TRY(Number("PRAGMA user_version")) != kVersion) {
    return Error{Errc::kUnsupported, path_.string(), "not a file of this version of hallmark",
                 std::nullopt, "delete it, and it is made anew"};
  }
  find_ = HM_TRY(Prepare(kFind));
  insert_ = HM_TRY(Prepare(kInsert));
  return {};
}

Result<void> DigestCache::MakeTable() {
  HM_TRY(Execute("BEGIN IMMEDIATE"));
  const auto make = [&]() -> Result<void> {
    // Another process may have been quicker; a file with other tables is not ours.
    if (HM_TRY(Number("SELECT count(*) FROM sqlite_schema")) > 0) return {};
    HM_TRY(Execute(kTable));
    HM_TRY(Execute(fmt::format("PRAGMA application_id = {}", kApplication).c_str()));
    return Execute(fmt::format("PRAGMA user_version = {}", kVersion).c_str());
  };
  Result<void> made = make();
  if (made) made = Execute("COMMIT");
  if (!made) static_cast<void>(Execute("ROLLBACK"));
  return made;
}

Error DigestCache::LastError() const {
  const char* const message =
      database_ == nullptr ? "out of memory" : sqlite3_errmsg(database_.get());
  return Error{Errc::kIo, path_.string(), message, std::nullopt,
               "it can be deleted at any time: it holds nothing but digests that were computed"};
}

Result<void> DigestCache::Execute(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return LastError();
  }
  return {};
}

Result<DigestCache::Statement> DigestCache::Prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database_.get(), sql, -1, &statement, nullptr) != SQLITE_OK) {
    return LastError();
  }
  return Statement(statement);
}

Result<std::int64_t> DigestCache::Number(const char* sql) {
  const Statement statement = HM_TRY(Prepare(sql));
  if (sqlite3_step(statement.get()) != SQLITE_ROW) return LastError();
  return sqlite3_column_int64(statement.get(), 0);
}

// A digest over all of a row: damage to the file that SQLite does not notice gives no wrong answer.
std::vector<std::byte> DigestCache::Seal(const Row& row) {
  const FileStamp& s = row.stamp;
  const auto hasher = MakeHasher(Algorithm::kSha256);
  hasher->Update(
      AsBytes(fmt::format("{} {} {} {} {} {} {} ", s.device, s.inode, s.size, s.modified_ns,
                          s.changed_ns, row.digest.ToString(), row.date)));
  hasher->Update(row.sub_roots);
  const Digest digest = hasher->Finish();
  return {digest.Bytes().begin(), digest.Bytes().end()};
}

Result<std::optional<DigestCache::Row>> DigestCache::Find(const FileStamp& stamp,
                                                          Algorithm algorithm) {
  Run run(find_.get());
  run.BindKey(stamp, algorithm);
  const int status = run.Step();
  if (status == SQLITE_DONE) return std::optional<Row>();
  if (status != SQLITE_ROW) return LastError();
  if (run.Bytes(0).size() != InfoOf(algorithm).digest_bytes) return std::optional<Row>();
  const ByteSpan sub_roots = run.Bytes(1);
  const ByteSpan date = run.Bytes(2);
  Row row{stamp,
          Digest(algorithm, run.Bytes(0)),
          {sub_roots.begin(), sub_roots.end()},
          std::string(reinterpret_cast<const char*>(date.data()), date.size())};
  if (!std::ranges::equal(run.Bytes(3), Seal(row))) return std::optional<Row>();
  return std::optional<Row>(std::move(row));
}

std::optional<RememberedDigests> DigestCache::Recall(const FileStamp& stamp,
                                                     std::span<const Algorithm> algorithms) {
  RememberedDigests remembered;
  for (const Algorithm algorithm : algorithms) {
    if (!readable_) return std::nullopt;
    Result<std::optional<Row>> row = Find(stamp, algorithm);
    if (!row) {
      readable_ = writable_ = false;
      if (!problem_) problem_ = std::move(row).error();
      return std::nullopt;
    }
    if (!*row) return std::nullopt;
    remembered.outcome.digests.push_back((*row)->digest);
    const std::vector<std::byte>& sub_roots = (*row)->sub_roots;
    for (std::size_t at = 0; at + sizeof(TreeNode) <= sub_roots.size(); at += sizeof(TreeNode)) {
      TreeNode& node = remembered.outcome.sub_roots.emplace_back();
      std::copy_n(sub_roots.begin() + static_cast<std::ptrdiff_t>(at), node.size(), node.begin());
    }
    if (remembered.date.empty() || (*row)->date < remembered.date) {
      remembered.date = std::move((*row)->date);
    }
  }
  if (remembered.outcome.digests.empty()) return std::nullopt;
  return remembered;
}

void DigestCache::Remember(const FileStamp& stamp, const HashOutcome& outcome, Time began) {
  const auto latest = std::chrono::nanoseconds(std::max(stamp.modified_ns, stamp.changed_ns));
  if (!writable_ || latest > began.time_since_epoch() - kRacy) return;
  for (const Digest& digest : outcome.digests) {
    Row& row = unsaved_.emplace_back(Row{stamp, digest, {}, UtcText(began)});
    if (digest.GetAlgorithm() == Algorithm::kTree) {
      for (const TreeNode& node : outcome.sub_roots) {
        row.sub_roots.insert(row.sub_roots.end(), node.begin(), node.end());
      }
    }
    unsaved_bytes_ += sizeof(Row) + row.sub_roots.size();
  }
  // Each time waits for the disk: not for each of thousands of small files.
  const bool due = std::chrono::steady_clock::now() - saved_ >= kSaveEvery;
  if (due || unsaved_bytes_ >= kSaveBytes) Save();
}

void DigestCache::Save() {
  if (unsaved_.empty()) return;
  if (Result<void> saved = SaveRows(); !saved) {
    static_cast<void>(Execute("ROLLBACK"));
    writable_ = false;
    if (!problem_) problem_ = std::move(saved).error();
  }
  unsaved_.clear();
  unsaved_bytes_ = 0;
  saved_ = std::chrono::steady_clock::now();
}

Result<void> DigestCache::SaveRows() {
  HM_TRY(Execute("BEGIN IMMEDIATE"));
  for (const Row& row : unsaved_) HM_TRY(Insert(row));
  HM_TRY(DropOldest());
  return Execute("COMMIT");
}

Result<void> DigestCache::Insert(const Row& row) {
  const std::vector<std::byte> seal = Seal(row);
  Run run(insert_.get());
  run.BindKey(row.stamp, row.digest.GetAlgorithm());
  run.Bind(7, row.digest.Bytes());
  run.Bind(8, ByteSpan(row.sub_roots));
  run.Bind(9, std::string_view(row.date));
  run.Bind(10, ByteSpan(seal));
  if (run.Step() != SQLITE_DONE) return LastError();
  return {};
}

Result<void> DigestCache::DropOldest() {
  const auto page = static_cast<std::uint64_t>(HM_TRY(Number("PRAGMA page_size")));
  for (;;) {
    const std::int64_t used =
        HM_TRY(Number("PRAGMA page_count")) - HM_TRY(Number("PRAGMA freelist_count"));
    if (static_cast<std::uint64_t>(used) <= limit_ / page) return {};
    HM_TRY(Execute(kDropQuarter));
    if (sqlite3_changes(database_.get()) == 0) return {};
  }
}

}  // namespace hallmark
