// The file "changes": "hallmark mend 2\n"; the length of the JSON, 8 bytes little-endian; canonical
// JSON that lists the changes; the bytes of all blocks, in its order; then, once it is decided, the
// tree root of each file as it will be, 32 bytes each, and the SHA-256 of all this. Without the
// right one at its end it was not decided.
#include "verify/repair/mend_journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "src/base/checked.h"
#include "src/hash/hasher.h"
#include "src/io/directory.h"
#include "src/json/json_fields.h"
#include "src/json/json_writer.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "hallmark mend 2\n";
constexpr std::uint64_t kHead = 24;  // with the length
constexpr std::uint64_t kDigestBytes = 32;
constexpr std::uint64_t kMaxJsonBytes = 64 << 20;
constexpr std::size_t kBuffer = 1 << 20;

fs::path ChangesIn(const fs::path& folder) { return folder / "changes"; }
fs::path ReplacementsIn(const fs::path& folder) { return folder / "files"; }

std::string ToJson(const std::vector<FileChange>& changes) {
  JsonWriter json(JsonWriter::Form::kCanonical);
  json.BeginArray();
  for (const FileChange& change : changes) {
    json.BeginObject();
    json.Member("path", change.path);
    json.Member("size", change.size);
    if (change.replacement) json.Member("replacement", *change.replacement);
    if (!change.before.empty()) json.Member("before", change.before);
    json.Key("blocks").BeginArray();
    for (const ByteRange& block : change.blocks) {
      json.BeginArray().Unsigned(block.offset).Unsigned(block.size).EndArray();
    }
    json.EndArray();
    json.EndObject();
  }
  json.EndArray();
  return json.Take();
}

Result<FileChange> ParseChange(const JsonValue& value, const std::string& subject) {
  const JsonFields fields(subject);
  FileChange change;
  change.path = HM_TRY(CheckRelativePath(HM_TRY(fields.Text(value, "path"))));
  change.size = HM_TRY(fields.Number(value, "size"));
  if (value.Find("replacement")) {
    change.replacement = HM_TRY(CheckRelativePath(HM_TRY(fields.Text(value, "replacement"))));
  }
  if (value.Find("before")) change.before = HM_TRY(fields.Text(value, "before"));
  std::uint64_t end = 0;
  for (const JsonValue& item : HM_TRY(fields.Array(value, "blocks"))) {
    const std::vector<JsonValue> pair = item.Items();
    if (pair.size() != 2) return fields.Malformed("blocks", "of pairs");
    const auto offset = pair[0].AsU64(), size = pair[1].AsU64();
    if (!offset || !size || *offset < end || *size == 0 || *offset > change.size ||
        *size > change.size - *offset) {
      return fields.Malformed("blocks", "in order and within the file");
    }
    change.blocks.push_back({*offset, *size});
    end = *offset + *size;
  }
  if (change.replacement && !change.blocks.empty()) return fields.Malformed("blocks", "empty");
  return change;
}

std::uint64_t BlockBytes(const FileChange& change) {
  std::uint64_t bytes = 0;
  for (const ByteRange& block : change.blocks) bytes += block.size;  // within its size
  return bytes;
}

// The blocks' bytes within the journal.
class JournalBytes final : public BlockSource {
 public:
  JournalBytes(std::shared_ptr<const DiskFile> file, ByteRange range)
      : file_(std::move(file)), range_(range) {}
  std::uint64_t Size() const override { return range_.size; }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    if (offset > range_.size || out.size() > range_.size - offset) {
      return Error{Errc::kIo, "", "a read beyond the end", offset};
    }
    return file_->Read(range_.offset + offset, out);
  }

 private:
  std::shared_ptr<const DiskFile> file_;
  ByteRange range_;
};

// Appends to a file what it hashes.
class Appender {
 public:
  Appender(DiskFile* file, Hasher* hasher, std::uint64_t at)
      : file_(*file), hasher_(*hasher), at_(at) {}
  Result<void> Add(ByteSpan bytes) {
    hasher_.Update(bytes);
    HM_TRY(file_.Write(at_, bytes));
    at_ += bytes.size();
    return {};
  }
  Result<void> AddDigest() { return file_.Write(at_, hasher_.Finish().Bytes()); }

 private:
  DiskFile& file_;
  Hasher& hasher_;
  std::uint64_t at_;
};

// On the disk too, so that what is put into them cannot be lost with them.
Result<void> MakeFolders(Disk& disk, const fs::path& root, const fs::path& folder) {
  HM_TRY(disk.MakeFolder(folder));
  for (fs::path at = folder; at != root && at.has_relative_path(); at = at.parent_path()) {
    HM_TRY(disk.FlushFolder(at.parent_path()));
  }
  return {};
}

}  // namespace

Result<MendJournal> MendJournal::Write(
    Disk& disk, const fs::path& folder, std::vector<FileChange> changes,
    std::span<const std::shared_ptr<const BlockSource>> contents) {
  MendJournal journal;
  journal.folder_ = folder;
  std::shared_ptr<DiskFile> file = HM_TRY(disk.Create(ChangesIn(folder)));
  journal.hasher_ = MakeHasher(Algorithm::kSha256);
  Appender out(file.get(), journal.hasher_.get(), 0);
  const std::string json = ToJson(changes);
  HM_TRY(out.Add(AsBytes(kMagic)));
  std::array<std::byte, 8> length;
  StoreLittle<std::uint64_t>(length.data(), json.size());
  HM_TRY(out.Add(length));
  HM_TRY(out.Add(AsBytes(json)));
  std::uint64_t at = kHead + json.size();
  std::vector<std::byte> buffer;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    journal.payload_at_.push_back(at);
    for (const ByteRange& block : changes[i].blocks) {
      for (std::uint64_t done = 0; done < block.size; done += buffer.size()) {
        buffer.resize(
            static_cast<std::size_t>(std::min<std::uint64_t>(kBuffer, block.size - done)));
        HM_TRY(contents[i]->Read(block.offset + done, buffer));
        HM_TRY(out.Add(buffer));
      }
    }
    at += BlockBytes(changes[i]);
  }
  journal.changes_ = std::move(changes);
  journal.file_ = std::move(file);
  journal.end_ = at;
  return journal;
}

Result<void> MendJournal::Decide(Disk& disk, std::vector<Digest> trees) {
  HM_CHECK(hasher_ != nullptr && trees.size() == changes_.size());
  // Once the digest is there, so must be all that the changes need.
  HM_TRY(disk.FlushFolder(ReplacementsIn(folder_)));
  HM_TRY(file_->Flush());
  Appender out(file_.get(), hasher_.get(), end_);
  for (const Digest& tree : trees) HM_TRY(out.Add(tree.Bytes()));
  HM_TRY(out.AddDigest());
  hasher_.reset();
  trees_ = std::move(trees);
  HM_TRY(file_->Flush());
  HM_TRY(disk.FlushFolder(folder_));
  return disk.FlushFolder(folder_.parent_path().empty() ? "." : folder_.parent_path());
}

Result<std::optional<MendJournal>> MendJournal::Find(Disk& disk, const fs::path& folder) {
  const fs::path path = ChangesIn(folder);
  if (!disk.Has(path)) return std::nullopt;
  std::shared_ptr<DiskFile> file = HM_TRY(disk.Open(path));
  const std::uint64_t size = HM_TRY(file->Size());
  if (size < kHead + kDigestBytes) return std::nullopt;
  const auto hasher = MakeHasher(Algorithm::kSha256);
  std::vector<std::byte> buffer;
  for (std::uint64_t at = 0; at < size - kDigestBytes; at += buffer.size()) {
    buffer.resize(
        static_cast<std::size_t>(std::min<std::uint64_t>(kBuffer, size - kDigestBytes - at)));
    HM_TRY(file->Read(at, buffer));
    hasher->Update(buffer);
  }
  buffer.resize(kDigestBytes);
  HM_TRY(file->Read(size - kDigestBytes, buffer));
  if (hasher->Finish() != Digest(Algorithm::kSha256, buffer)) return std::nullopt;

  const std::string subject = path.string();
  const Error not_ours{Errc::kMalformed, subject, "it is no list of changes of a repair",
                       std::nullopt, "move its folder away"};
  buffer.resize(kHead);
  HM_TRY(file->Read(0, buffer));
  const std::uint64_t length = LoadLittle<std::uint64_t>(buffer.data() + kMagic.size());
  if (AsText(ByteSpan(buffer).first(kMagic.size())) != kMagic || length > kMaxJsonBytes ||
      length > size - kHead - kDigestBytes) {
    return not_ours;
  }
  buffer.resize(static_cast<std::size_t>(length));
  HM_TRY(file->Read(kHead, buffer));
  const JsonDocument document = HM_TRY(JsonDocument::Parse(AsText(buffer), subject, kHead));
  if (!document.Root().IsArray()) return not_ours;
  MendJournal journal;
  journal.folder_ = folder;
  journal.file_ = file;
  std::uint64_t at = kHead + length;
  for (const JsonValue& value : document.Root().Items()) {
    FileChange change = HM_TRY(ParseChange(value, subject));
    const std::uint64_t bytes = BlockBytes(change);
    if (bytes > size - kDigestBytes - at) return not_ours;
    journal.payload_at_.push_back(at);
    at += bytes;
    journal.changes_.push_back(std::move(change));
  }
  // Wanted: a tree root for each, and the digest.
  const std::uint64_t trees = size - kDigestBytes - at;
  if (trees != journal.changes_.size() * kDigestBytes) return not_ours;
  buffer.resize(static_cast<std::size_t>(trees));
  HM_TRY(file->Read(at, buffer));
  for (std::size_t i = 0; i < journal.changes_.size(); ++i) {
    journal.trees_.emplace_back(Algorithm::kTree,
                                ByteSpan(buffer).subspan(i * kDigestBytes, kDigestBytes));
  }
  return journal;
}

std::shared_ptr<const BlockSource> MendJournal::BytesOf(std::size_t change) const {
  return std::make_shared<JournalBytes>(
      file_, ByteRange{payload_at_[change], BlockBytes(changes_[change])});
}

Result<void> MendJournal::Apply(Disk& disk, const fs::path& root) const {
  std::vector<std::byte> buffer;
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    const FileChange& change = changes_[i];
    if (change.replacement) continue;
    const auto file = HM_TRY(disk.Open(root / change.path));
    const auto bytes = BytesOf(i);
    std::uint64_t at = 0;
    for (const ByteRange& block : change.blocks) {
      for (std::uint64_t done = 0; done < block.size; done += buffer.size()) {
        buffer.resize(
            static_cast<std::size_t>(std::min<std::uint64_t>(kBuffer, block.size - done)));
        HM_TRY(bytes->Read(at, buffer));
        HM_TRY(file->Write(block.offset + done, buffer));
        at += buffer.size();
      }
    }
    HM_TRY(file->Truncate(change.size));
    HM_TRY(file->Flush());
  }
  for (const FileChange& change : changes_) {
    if (!change.replacement) continue;
    const fs::path from = ReplacementsIn(folder_) / *change.replacement;
    const fs::path to = root / change.path;
    if (disk.Has(from)) {
      HM_TRY(MakeFolders(disk, root, to.parent_path()));
      HM_TRY(disk.Rename(from, to));
    }
    HM_TRY(disk.FlushFolder(to.parent_path()));  // also where an earlier run had got so far
  }
  return {};
}

Result<void> MendJournal::Forget(Disk& disk) const {
  HM_TRY(disk.Remove(ChangesIn(folder_)));
  return disk.FlushFolder(folder_);
}

}  // namespace hallmark
