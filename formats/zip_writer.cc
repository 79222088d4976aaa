#include "formats/zip_writer.h"

#include <fmt/format.h>
#include <zlib.h>

#include <string_view>
#include <vector>

#include "formats/layout_builder.h"
#include "formats/tensor_layout.h"
#include "formats/zip_records.h"
#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/io/directory.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kAlignment = 64;
constexpr std::string_view kPaddingField = "FB";
constexpr std::uint64_t kFieldHeader = 4;  // id and length of an extra field
constexpr std::uint16_t kVersion = 20, kVersionWithZip64 = 45;
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kTime = 0, kDate = (1 << 5) | 1;  // midnight; 1980-01-01
constexpr std::uint64_t kZip64Sizes = 16;                 // both sizes in a zip64 field

Result<void> CheckName(std::string_view name) {
  const auto refuse = [&](std::string_view why) {
    return Error{Errc::kMalformed, "",
                 fmt::format("an archive cannot hold {}: {}", QuoteName(name), why)};
  };
  if (name.size() > kZipMax16) return refuse("the name is longer than 65535 bytes");
  if (!IsValidUtf8(name)) return refuse("the name is not valid UTF-8");
  const Result<std::string> clean = CheckRelativePath(name);
  if (!clean) return refuse(clean.error().message);
  if (*clean != name || name.ends_with('/')) return refuse("the path is not written plainly");
  return {};
}

std::uint32_t Crc32(std::string_view text) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size()));
}

std::uint32_t AtMost32(std::uint64_t value) {
  return value < kZipMax32 ? static_cast<std::uint32_t>(value) : kZipMax32;
}
std::uint16_t AtMost16(std::uint64_t value) {
  return value < kZipMax16 ? static_cast<std::uint16_t>(value) : kZipMax16;
}

// Lays out one archive. Lives for one LayOutZip.
class ZipLayout {
 public:
  void AddEntry(const ZipEntryToWrite& entry, std::uint64_t payload_bytes) {
    const Placed placed{&entry, entry.literal.size() + payload_bytes, layout_.Size()};
    const bool needs_zip64 = placed.size >= kZipMax32;
    const std::uint64_t zip64_bytes = needs_zip64 ? kFieldHeader + kZip64Sizes : 0;
    const std::uint64_t unpadded =
        placed.offset + kZipLocalBytes + entry.name.size() + zip64_bytes + kFieldHeader;
    const std::uint64_t padding = *CheckedRoundUp(unpadded, kAlignment) - unpadded;

    layout_.AddLittle(kZipLocalSignature);
    AddCommonHeader(placed, needs_zip64, zip64_bytes + kFieldHeader + padding);
    layout_.Add(entry.name);
    if (needs_zip64) {
      layout_.AddLittle(kZip64Field);
      layout_.AddLittle(static_cast<std::uint16_t>(kZip64Sizes));
      layout_.AddLittle(placed.size);
      layout_.AddLittle(placed.size);
    }
    layout_.Add(kPaddingField);
    layout_.AddLittle(static_cast<std::uint16_t>(padding));
    layout_.Add(std::string(padding, 'Z'));
    layout_.Add(entry.literal);
    if (entry.tensor) layout_.AddPayload(*entry.tensor, payload_bytes);
    placed_.push_back(placed);
  }

  FileLayout Finish() {
    const std::uint64_t directory = layout_.Size();
    for (const Placed& placed : placed_) AddCentralHeader(placed);
    AddEnd(directory, layout_.Size() - directory);
    return layout_.Take();
  }

 private:
  struct Placed {
    const ZipEntryToWrite* entry;
    std::uint64_t size;
    std::uint64_t offset;  // of its local header
  };

  // What stands in both headers of an entry, from the version needed to the length of extra fields.
  void AddCommonHeader(const Placed& placed, bool needs_zip64, std::uint64_t extra_bytes) {
    layout_.AddLittle(needs_zip64 ? kVersionWithZip64 : kVersion);
    layout_.AddLittle(kZipUtf8Name);
    layout_.AddLittle(kStored);
    layout_.AddLittle(kTime);
    layout_.AddLittle(kDate);
    const std::uint32_t crc = Crc32(placed.entry->literal);
    if (placed.entry->tensor) {
      layout_.AddChecksumOf(*placed.entry->tensor, crc);
    } else {
      layout_.AddLittle(crc);
    }
    layout_.AddLittle(AtMost32(placed.size));
    layout_.AddLittle(AtMost32(placed.size));
    layout_.AddLittle(static_cast<std::uint16_t>(placed.entry->name.size()));
    layout_.AddLittle(static_cast<std::uint16_t>(extra_bytes));
  }

  void AddCentralHeader(const Placed& placed) {
    const bool is_long = placed.size >= kZipMax32;
    const bool is_far = placed.offset >= kZipMax32;
    const std::uint64_t zip64_bytes = (is_long ? kZip64Sizes : 0) + (is_far ? 8 : 0);
    layout_.AddLittle(kZipCentralSignature);
    layout_.AddLittle(kVersionWithZip64);  // of the program that made it; files as of MS-DOS
    AddCommonHeader(placed, zip64_bytes != 0, zip64_bytes == 0 ? 0 : kFieldHeader + zip64_bytes);
    layout_.AddLittle(std::uint16_t{0});  // bytes of comment
    layout_.AddLittle(std::uint16_t{0});  // disk
    layout_.AddLittle(std::uint16_t{0});  // internal attributes
    layout_.AddLittle(std::uint32_t{0});  // external attributes
    layout_.AddLittle(AtMost32(placed.offset));
    layout_.Add(placed.entry->name);
    if (zip64_bytes == 0) return;
    layout_.AddLittle(kZip64Field);
    layout_.AddLittle(static_cast<std::uint16_t>(zip64_bytes));
    if (is_long) {
      layout_.AddLittle(placed.size);
      layout_.AddLittle(placed.size);
    }
    if (is_far) layout_.AddLittle(placed.offset);
  }

  // The end records of a directory of `size` bytes at `offset`.
  void AddEnd(std::uint64_t offset, std::uint64_t size) {
    const std::uint64_t count = placed_.size();
    if (count >= kZipMax16 || size >= kZipMax32 || offset >= kZipMax32) {
      const std::uint64_t record = layout_.Size();
      layout_.AddLittle(kZipEnd64Signature);
      layout_.AddLittle(kZipEnd64Bytes - 12);  // what follows
      layout_.AddLittle(kVersionWithZip64);
      layout_.AddLittle(kVersionWithZip64);
      layout_.AddLittle(std::uint32_t{0});  // this disk
      layout_.AddLittle(std::uint32_t{0});  // the directory's
      layout_.AddLittle(count);
      layout_.AddLittle(count);
      layout_.AddLittle(size);
      layout_.AddLittle(offset);
      layout_.AddLittle(kZipLocator64Signature);
      layout_.AddLittle(std::uint32_t{0});  // the record's disk
      layout_.AddLittle(record);
      layout_.AddLittle(std::uint32_t{1});  // disks
    }
    layout_.AddLittle(kZipEndSignature);
    layout_.AddLittle(std::uint16_t{0});  // this disk
    layout_.AddLittle(std::uint16_t{0});  // the directory's
    layout_.AddLittle(AtMost16(count));
    layout_.AddLittle(AtMost16(count));
    layout_.AddLittle(AtMost32(size));
    layout_.AddLittle(AtMost32(offset));
    layout_.AddLittle(std::uint16_t{0});  // bytes of comment
  }

  LayoutBuilder layout_;
  std::vector<Placed> placed_;
};

}  // namespace

Result<FileLayout> LayOutZip(std::span<const ZipEntryToWrite> entries,
                             std::span<const std::uint64_t> payload_bytes) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  ZipLayout layout;
  for (const ZipEntryToWrite& entry : entries) {
    HM_TRY(CheckName(entry.name));
    names.push_back(entry.name);
    layout.AddEntry(entry, entry.tensor ? payload_bytes[*entry.tensor] : 0);
  }
  HM_TRY(CheckUnique(names, "entry name", ""));
  return layout.Finish();
}

}  // namespace hallmark
