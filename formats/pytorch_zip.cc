#include "formats/pytorch_zip.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "formats/pytorch.h"
#include "formats/safetensors.h"
#include "formats/strided_reader.h"
#include "formats/zip.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kMaxNote = 64;  // bytes of records like "version"

// The folder of a checkpoint's records, "archive/". torch takes that of the first entry, whatever
// it is, and finds names in any case.
Result<std::string> FindFolder(const ZipArchive& archive) {
  const std::string& name = archive.GetFile().Name();
  std::string folder;
  if (!archive.Entries().empty()) {
    const std::string& first = archive.Entries().front().name;
    folder = first.substr(0, first.find('/') + 1);
  }
  if (!folder.empty() && archive.FindInAnyCase(folder + "data.pkl") != nullptr) return folder;
  for (const ZipEntry& entry : archive.Entries()) {
    if (!AsciiLower(entry.name).ends_with("/data.pkl")) continue;
    return Error{Errc::kMalformed, name,
                 fmt::format("{} is not in the folder of the first entry, where torch looks for it",
                             EscapeForPeople(entry.name)),
                 entry.payload.offset};
  }
  return Error{Errc::kUnsupported, name, "a ZIP archive without data.pkl: no PyTorch checkpoint",
               std::nullopt, "unpack it, then give what is in it"};
}

// A short record; `absent` if there is none.
Result<std::string> ReadNote(const ZipArchive& archive, const std::string& name,
                             std::string absent) {
  const ZipEntry* const entry = archive.FindInAnyCase(name);
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
      if (std::ranges::find(kKnown, AsciiLower(name)) != std::end(kKnown)) continue;
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
    const ZipEntry* const entry = archive.FindInAnyCase(name);
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
    located.push_back(StorageInZip(archive, *entry, {0, entry->size}));
  }
  const auto deflated = std::ranges::count(located, false, &StorageBytes::is_plain);
  if (deflated > 0) {
    checkpoint.findings.push_back(
        {Severity::kNote, "deflated-record", file.Name(),
         fmt::format("{} records are deflated: torch.load(mmap=True) would take the deflated bytes "
                     "for numbers",
                     deflated)});
  }
  ReportStrayRecords(archive, folder, used, checkpoint.findings);
  return located;
}

Result<PytorchCheckpoint> Unpickle(const ZipArchive& archive, const ZipEntry& entry,
                                   unsigned& protocol) {
  const std::string& name = archive.GetFile().Name();
  const std::vector<std::byte> bytes = HM_TRY(archive.ReadWhole(
      entry, entry.method == ZipMethod::kStored ? kMaxPickle : kMaxDeflatedPickle));
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
  // Any order of entries can be a checkpoint; only numpy's archives are told by their names.
  const std::string_view name = FirstZipEntryName(head.bytes);
  return !name.empty() && !name.ends_with(".npy");
}

Result<std::unique_ptr<ModelReader>> OpenPytorchZip(const File& file) {
  if (HM_TRY(LooksLikeSafetensors(file))) {
    return Error{Errc::kMalformed, file.Name(),
                 "it can be read as a ZIP archive and as safetensors, and may hold two models", 0,
                 "do not use it: what a program sees in it depends on the program"};
  }
  auto archive = std::make_shared<const ZipArchive>(HM_TRY(ZipArchive::Open(file)));
  const std::string folder = HM_TRY(FindFolder(*archive));
  for (const ZipEntry& entry : archive->Entries()) {
    const std::string lower = AsciiLower(entry.name);
    if (lower == AsciiLower(folder) + "constants.pkl" ||
        lower.starts_with(AsciiLower(folder) + "code/")) {
      return Error{Errc::kUnsupported, file.Name(),
                   "a TorchScript archive: it carries a program, not a checkpoint",
                   entry.payload.offset, "save its state_dict() with torch.save instead"};
    }
  }
  const ZipEntry& pickled = *archive->FindInAnyCase(folder + "data.pkl");
  PytorchCheckpoint checkpoint;
  unsigned protocol = 0;
  if (Result<PytorchCheckpoint> rebuilt = Unpickle(*archive, pickled, protocol)) {
    checkpoint = *std::move(rebuilt);
  } else {
    return Locate(std::move(rebuilt).error(), pickled);
  }
  if (pickled.method == ZipMethod::kDeflated) {
    for (Finding& finding : checkpoint.findings) finding.offset.reset();
  }
  std::vector<StorageBytes> storages = HM_TRY(LocateStorages(*archive, folder, checkpoint));
  const std::string order = HM_TRY(ReadNote(*archive, folder + "byteorder", "little"));
  if (order != "little" && order != "big") {
    return Error{Errc::kMalformed, file.Name(),
                 fmt::format("the byte order is {}", EscapeForPeople(order))};
  }
  StridedContents out = JoinStorages(std::move(checkpoint), std::move(storages), order == "big");
  HM_TRY(CheckScattered(out, file.Name()));
  const std::string version = HM_TRY(ReadNote(*archive, folder + "version", "unknown"));
  out.format_name = "pytorch-zip";
  out.format_detail = fmt::format(
      "PyTorch ZIP, version {}, folder {}, pickle protocol {}, {}-endian", EscapeForPeople(version),
      EscapeForPeople(folder.substr(0, folder.size() - 1)), protocol, order);
  out.keeper = std::move(archive);
  return MakeStridedReader(std::move(out));
}

}  // namespace hallmark
