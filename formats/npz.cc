#include "formats/npz.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "formats/npy.h"
#include "formats/pickle.h"
#include "formats/safetensors.h"
#include "formats/strided_reader.h"
#include "formats/zip.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::string_view kSuffix = ".npy";

std::string_view KeyOf(const ZipEntry& entry) {
  std::string_view key = entry.name;
  if (key.ends_with(kSuffix)) key.remove_suffix(kSuffix.size());
  return key;
}

class Npz {
 public:
  Npz(const File& file, ZipArchive archive)
      : file_(file), archive_(std::make_shared<const ZipArchive>(std::move(archive))) {}

  Result<std::unique_ptr<ModelReader>> Read() {
    for (const ZipEntry& entry : archive_->Entries()) {
      if (entry.name.ends_with('/')) continue;
      HM_TRY(CheckName(entry));
      if (HM_TRY(IsArray(entry))) {
        HM_TRY(AddArray(entry));
      } else {
        HM_TRY(AddOther(entry));
      }
    }
    ReportOthers();
    NoteUnnamedTypes(unnamed_types_, file_.Name(), contents_);
    HM_TRY(CheckScattered(contents_, file_.Name()));
    contents_.format_name = "npz";
    contents_.format_detail =
        fmt::format("numpy archive, {}", deflated_ == 0         ? "stored"
                                         : deflated_ == arrays_ ? "deflated"
                                                                : "partly deflated");
    contents_.keeper = std::move(archive_);
    return MakeStridedReader(std::move(contents_));
  }

 private:
  Error Malformed(const ZipEntry& entry, std::string_view message) const {
    return Error{Errc::kMalformed, file_.Name(),
                 fmt::format("{}: {}", EscapeForPeople(entry.name), message), entry.payload.offset};
  }

  Result<void> CheckName(const ZipEntry& entry) const {
    if (AsciiLower(entry.name).ends_with("/data.pkl")) {
      Error error = Malformed(entry,
                              "numpy reads this archive and PyTorch too, and it may hold two "
                              "models");
      error.hint = "do not use it: what a program sees in it depends on the program";
      return error;
    }
    // numpy looks for an entry of the very name first.
    if (KeyOf(entry) == entry.name || archive_->Find(KeyOf(entry)) == nullptr) return {};
    return Malformed(entry,
                     "another entry has its name without .npy, and numpy gives that instead");
  }

  // numpy tells by the content.
  Result<bool> IsArray(const ZipEntry& entry) const {
    std::array<std::byte, kNpyMagic.size()> start;
    if (entry.size < start.size()) return false;
    HM_TRY(archive_->Read(entry, 0, start));
    return AsText(start) == kNpyMagic;
  }

  Result<void> AddArray(const ZipEntry& entry) {
    const bool is_stored = entry.method == ZipMethod::kStored;
    const std::size_t findings = contents_.findings.size();
    const NpyPlace place{std::string(KeyOf(entry)), file_.Name(), entry.size,
                         [&](ByteRange part) { return StorageInZip(*archive_, entry, part); },
                         pickle_bytes_};
    Result<NpyHeader> header = AddNpy(place, contents_);
    // Offsets in a deflated array are none of the file.
    const auto locate = [&](std::optional<std::uint64_t>& offset) {
      if (offset) offset = entry.payload.offset + (is_stored ? *offset : 0);
    };
    if (!header) {
      Error error = std::move(header).error();
      if (error.code != Errc::kIo) {
        error.message = fmt::format("{}: {}", EscapeForPeople(entry.name), error.message);
      }
      locate(error.offset);
      return error;
    }
    for (std::size_t i = findings; i < contents_.findings.size(); ++i) {
      locate(contents_.findings[i].offset);
    }
    ++arrays_;
    deflated_ += is_stored ? 0 : 1;
    unnamed_types_ += header->IsUnnamed() ? 1 : 0;
    return {};
  }

  Result<void> AddOther(const ZipEntry& entry) {
    if (entry.name.ends_with(kSuffix)) {
      return Malformed(entry, "it does not begin as an array of numpy does");
    }
    if (others_++ == 0) first_other_ = &entry;
    return {};
  }

  void ReportOthers() {
    if (others_ == 0) return;
    contents_.findings.push_back({Severity::kWarning, "stray-record", file_.Name(),
                                  fmt::format("{} entries (the first is {}) are no arrays", others_,
                                              EscapeForPeople(first_other_->name))});
  }

  const File& file_;
  std::shared_ptr<const ZipArchive> archive_;
  StridedContents contents_;
  std::size_t arrays_ = 0, deflated_ = 0, unnamed_types_ = 0, others_ = 0;
  const ZipEntry* first_other_ = nullptr;
  std::uint64_t pickle_bytes_ = kMaxObjects;  // still to be read of pickles, in all entries
};

}  // namespace

bool SniffNpz(const FileHead& head) { return FirstZipEntryName(head.bytes).ends_with(kSuffix); }

Result<std::unique_ptr<ModelReader>> OpenNpz(const File& file) {
  if (HM_TRY(LooksLikeSafetensors(file))) {
    return Error{Errc::kMalformed, file.Name(),
                 "it can be read as a ZIP archive and as safetensors, and may hold two models", 0,
                 "do not use it: what a program sees in it depends on the program"};
  }
  return Npz(file, HM_TRY(ZipArchive::Open(file, ZipNames::kExact))).Read();
}

}  // namespace hallmark
