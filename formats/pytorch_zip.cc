#include "formats/pytorch_zip.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "formats/pytorch.h"
#include "formats/pytorch_reader.h"
#include "formats/zip.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kMaxPickle = std::uint64_t{1} << 30;
constexpr std::uint64_t kMaxNote = 64;  // bytes of records like "version"

// A deflated record, read through the archive.
class ZipRecord final : public BlockSource {
 public:
  ZipRecord(const ZipArchive& archive, const ZipEntry& entry) : archive_(archive), entry_(entry) {}
  std::uint64_t Size() const override { return entry_.size; }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    return archive_.Read(entry_, offset, out);
  }

 private:
  const ZipArchive& archive_;
  const ZipEntry& entry_;
};

// "archive/" of the one entry "archive/data.pkl".
Result<std::string> FindFolder(const ZipArchive& archive) {
  const std::string& name = archive.GetFile().Name();
  std::string folder;
  for (const ZipEntry& entry : archive.Entries()) {
    if (!entry.name.ends_with("/data.pkl")) continue;
    if (!folder.empty()) {
      return Error{Errc::kMalformed, name, "two entries are called data.pkl", entry.payload.offset};
    }
    folder = entry.name.substr(0, entry.name.size() - std::string_view("data.pkl").size());
  }
  if (folder.empty()) {
    return Error{Errc::kUnsupported, name, "a ZIP archive without data.pkl: no PyTorch checkpoint"};
  }
  return folder;
}

// A short record; `absent` if there is none.
Result<std::string> ReadNote(const ZipArchive& archive, const std::string& name,
                             std::string absent) {
  const ZipEntry* const entry = archive.Find(name);
  if (entry == nullptr) return absent;
  const std::vector<std::byte> bytes = HM_TRY(archive.ReadWhole(*entry, kMaxNote));
  return std::string(TrimAscii(AsText(bytes)));
}

// Records that the pickle does not refer to: nothing loads them, but they are part of the file.
void ReportStrayRecords(const ZipArchive& archive, const std::string& folder,
                        const std::vector<bool>& used, std::vector<Finding>& findings) {
  static constexpr std::string_view kKnown[] = {"data.pkl",           "version",
                                                "byteorder",          ".format_version",
                                                ".storage_alignment", ".data/serialization_id"};
  std::size_t count = 0;
  std::string first;
  for (std::size_t i = 0; i < used.size(); ++i) {
    std::string_view name = archive.Entries()[i].name;
    if (used[i] || name.ends_with('/')) continue;
    if (name.starts_with(folder)) {
      name.remove_prefix(folder.size());
      if (std::find(std::begin(kKnown), std::end(kKnown), name) != std::end(kKnown)) continue;
    }
    if (count++ == 0) first = archive.Entries()[i].name;
  }
  if (count == 0) return;
  findings.push_back({Severity::kWarning, "stray-record", archive.GetFile().Name(),
                      fmt::format("{} entries (the first is {}) are not part of the checkpoint",
                                  count, EscapeForPeople(first))});
}

Result<std::vector<StorageBytes>> LocateStorages(const ZipArchive& archive,
                                                 const std::string& folder,
                                                 PytorchCheckpoint& checkpoint) {
  const File& file = archive.GetFile();
  std::vector<StorageBytes> located;
  located.reserve(checkpoint.storages.size());
  std::vector<bool> used(archive.Entries().size(), false);
  for (const PytorchStorage& storage : checkpoint.storages) {
    const std::string name = folder + "data/" + storage.key;
    const ZipEntry* const entry = archive.Find(name);
    if (entry == nullptr) {
      return Error{Errc::kMalformed, file.Name(),
                   fmt::format("the record {} is missing", EscapeForPeople(name))};
    }
    if (entry->size != storage.Bytes()) {
      return Error{
          Errc::kMalformed, file.Name(),
          fmt::format("the record {} has {} bytes, its storage {} items of {}",
                      EscapeForPeople(name), entry->size, storage.count, storage.item_bytes),
          entry->payload.offset};
    }
    used[static_cast<std::size_t>(entry - archive.Entries().data())] = true;
    StorageBytes bytes;
    bytes.stored = entry->payload;
    bytes.is_plain = entry->method == ZipMethod::kStored;
    if (bytes.is_plain) {
      bytes.source = std::make_unique<FilePart>(file, entry->payload);
    } else {
      bytes.source = std::make_unique<ZipRecord>(archive, *entry);
    }
    located.push_back(std::move(bytes));
  }
  ReportStrayRecords(archive, folder, used, checkpoint.findings);
  return located;
}

Result<PytorchCheckpoint> Unpickle(const ZipArchive& archive, const ZipEntry& entry,
                                   unsigned& protocol) {
  const std::string& name = archive.GetFile().Name();
  const std::vector<std::byte> bytes = HM_TRY(archive.ReadWhole(entry, kMaxPickle));
  ByteCursor cursor(bytes, name, entry.method == ZipMethod::kStored ? entry.payload.offset : 0);
  const PickleReading pickle = HM_TRY(ReadPickle(cursor));
  if (!cursor.AtEnd()) {
    return cursor.Malformed(fmt::format("{} bytes follow the pickle", cursor.Remaining()));
  }
  protocol = pickle.protocol;
  PytorchCheckpoint checkpoint = HM_TRY(RebuildCheckpoint(pickle, PytorchLayout::kZip, name));
  checkpoint.findings.insert(checkpoint.findings.begin(), pickle.findings.begin(),
                             pickle.findings.end());
  return checkpoint;
}

// Offsets in a deflated pickle are none of the file.
Error Locate(Error error, const ZipEntry& pickled) {
  if (pickled.method != ZipMethod::kDeflated || error.code == Errc::kIo) return error;
  if (error.offset) {
    error.message += fmt::format(" (byte {} of the inflated pickle)", *error.offset);
  }
  error.offset = pickled.payload.offset;
  return error;
}

}  // namespace

bool SniffPytorchZip(const FileHead& head) {
  const std::string_view name = FirstZipEntryName(head.bytes);
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view rest = name.substr(slash + 1);
  static constexpr std::string_view kFirst[] = {"", "data.pkl", "version", "byteorder",
                                                "constants.pkl"};
  if (std::find(std::begin(kFirst), std::end(kFirst), rest) != std::end(kFirst)) return true;
  return rest.ends_with("/data.pkl") || rest.starts_with("data/") || rest.starts_with("code/") ||
         rest.starts_with(".data/") || rest.starts_with(".format_version") ||
         rest.starts_with(".storage_alignment") || rest.ends_with("/version") ||
         rest.ends_with("/byteorder");
}

Result<std::unique_ptr<ModelReader>> OpenPytorchZip(const File& file) {
  auto archive = std::make_shared<const ZipArchive>(HM_TRY(ZipArchive::Open(file)));
  const std::string folder = HM_TRY(FindFolder(*archive));
  for (const ZipEntry& entry : archive->Entries()) {
    if (entry.name == folder + "constants.pkl" || entry.name.starts_with(folder + "code/")) {
      return Error{Errc::kUnsupported, file.Name(),
                   "a TorchScript archive: it carries a program, not a checkpoint",
                   entry.payload.offset, "save its state_dict() with torch.save instead"};
    }
  }
  const ZipEntry& pickled = *archive->Find(folder + "data.pkl");
  PytorchFile out;
  unsigned protocol = 0;
  if (Result<PytorchCheckpoint> rebuilt = Unpickle(*archive, pickled, protocol)) {
    out.checkpoint = *std::move(rebuilt);
  } else {
    return Locate(std::move(rebuilt).error(), pickled);
  }
  if (pickled.method == ZipMethod::kDeflated) {
    for (Finding& finding : out.checkpoint.findings) finding.offset.reset();
  }
  out.storages = HM_TRY(LocateStorages(*archive, folder, out.checkpoint));
  const std::string order = HM_TRY(ReadNote(*archive, folder + "byteorder", "little"));
  if (order != "little" && order != "big") {
    return Error{Errc::kMalformed, file.Name(),
                 fmt::format("the byte order is {}", EscapeForPeople(order))};
  }
  out.is_big_endian = order == "big";
  const std::string version = HM_TRY(ReadNote(*archive, folder + "version", "unknown"));
  out.format_name = "pytorch-zip";
  out.format_detail = fmt::format(
      "PyTorch ZIP, version {}, folder {}, pickle protocol {}, {}-endian", EscapeForPeople(version),
      EscapeForPeople(folder.substr(0, folder.size() - 1)), protocol, order);
  out.keeper = std::move(archive);
  return MakePytorchReader(std::move(out));
}

}  // namespace hallmark
