#include "verify/resume.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "src/base/text.h"
#include "src/hash/hasher.h"
#include "src/json/json_reader.h"
#include "src/json/json_writer.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kMostBytes = 256'000'000;

// A FileStamp's times are signed; JSON holds them as decimal text beside the sizes.
std::string StampText(const FileStamp& stamp) {
  return fmt::format("{}:{}:{}:{}:{}", stamp.device, stamp.inode, stamp.size, stamp.modified_ns,
                     stamp.changed_ns);
}

std::optional<std::pair<std::string, HashOutcome>> ParseLine(std::string_view line,
                                                             std::string* stamp) {
  const auto document = JsonDocument::Parse(line, "");
  if (!document) return std::nullopt;
  const JsonValue root = document->Root();
  const auto path = root.Find("path");
  const auto stamp_text = root.Find("stamp");
  const auto digests = root.Find("digests");
  const auto sub_roots = root.Find("sub_roots");
  if (!path || !path->AsString() || !stamp_text || !stamp_text->AsString() || !digests ||
      !sub_roots) {
    return std::nullopt;
  }
  HashOutcome outcome;
  for (const JsonValue& item : digests->Items()) {
    const auto digest = Digest::Parse(item.AsString().value_or(std::string_view()));
    if (!digest) return std::nullopt;
    outcome.digests.push_back(*digest);
  }
  for (const JsonValue& item : sub_roots->Items()) {
    const auto bytes = FromHex(item.AsString().value_or(std::string_view()));
    TreeNode node;
    if (!bytes || bytes->size() != node.size()) return std::nullopt;
    std::copy(bytes->begin(), bytes->end(), node.begin());
    outcome.sub_roots.push_back(node);
  }
  *stamp = *stamp_text->AsString();
  return std::pair(std::string(*path->AsString()), std::move(outcome));
}

}  // namespace

VerifyJournal::VerifyJournal(VerifyJournal&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      flushed_(other.flushed_),
      entries_(std::move(other.entries_)) {}

VerifyJournal::~VerifyJournal() {
  if (descriptor_ >= 0) close(descriptor_);
}

Result<VerifyJournal> VerifyJournal::Open(const std::filesystem::path& state_folder,
                                          const std::filesystem::path& copy,
                                          const std::string& part) {
  std::error_code code;
  std::filesystem::create_directories(state_folder, code);
  const std::filesystem::path absolute = std::filesystem::weakly_canonical(copy, code);
  const Digest key = HashBytes(Algorithm::kSha256, AsBytes(absolute.string() + '\0' + part));
  VerifyJournal journal;
  journal.path_ = state_folder / ("verify-" + key.Hex().substr(0, 32) + ".jsonl");
  journal.descriptor_ =
      open(journal.path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (journal.descriptor_ < 0) {
    return Error{Errc::kIo, journal.path_.string(), fmt::format("open: {}", std::strerror(errno))};
  }
  const Result<std::unique_ptr<File>> file = OpenFile(journal.path_);
  if (!file) return journal;
  const Result<std::string> text = ReadWholeFile(**file, kMostBytes);
  if (!text) return journal;
  for (std::size_t at = 0; at < text->size();) {
    const std::size_t end = text->find('\n', at);
    if (end == std::string::npos) break;  // a line cut by a crash
    std::string stamp;
    auto entry = ParseLine(std::string_view(*text).substr(at, end - at), &stamp);
    at = end + 1;
    if (entry) {
      journal.entries_.insert_or_assign(std::move(entry->first),
                                        Entry{std::move(stamp), std::move(entry->second)});
    }
  }
  return journal;
}

const HashOutcome* VerifyJournal::Recall(const std::string& path, const FileStamp& stamp,
                                         const std::vector<Algorithm>& algorithms) const {
  const auto found = entries_.find(path);
  if (found == entries_.end() || found->second.stamp != StampText(stamp)) return nullptr;
  const HashOutcome& outcome = found->second.outcome;
  if (outcome.digests.size() != algorithms.size()) return nullptr;
  for (std::size_t i = 0; i < algorithms.size(); ++i) {
    if (outcome.digests[i].GetAlgorithm() != algorithms[i]) return nullptr;
  }
  return &outcome;
}

void VerifyJournal::Remember(const std::string& path, const FileStamp& stamp,
                             const HashOutcome& outcome) {
  JsonWriter json(JsonWriter::Form::kCompact);
  json.BeginObject().Member("path", path).Member("stamp", StampText(stamp));
  json.Key("digests").BeginArray();
  for (const Digest& digest : outcome.digests) json.String(digest.ToString());
  json.EndArray().Key("sub_roots").BeginArray();
  for (const TreeNode& node : outcome.sub_roots) json.String(ToHex(node));
  const std::string line = json.EndArray().EndObject().Take() + "\n";
  // One write a line: a journal that cannot be written only costs the resumption.
  const bool written =
      write(descriptor_, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  // Thousands of small files would wait for the disk longer than for their digests.
  const auto now = std::chrono::steady_clock::now();
  if (!written || now - flushed_ < std::chrono::seconds(1)) return;
  fdatasync(descriptor_);
  flushed_ = now;
}

void VerifyJournal::Discard() { unlink(path_.c_str()); }

}  // namespace hallmark
