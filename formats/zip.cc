// Longer than most files: the directory, both headers and the descriptor of an entry are held
// against each other here, and what one check relies on stands in the one before it.
#include "formats/zip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <optional>
#include <utility>

#include "formats/inflate.h"
#include "formats/zip_records.h"
#include "src/base/byte_cursor.h"
#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/io/directory.h"
#include "src/io/file_cursor.h"

namespace hallmark {
namespace {

constexpr std::uint16_t kUnicodePathField = 0x7075;

// General purpose flags.
constexpr std::uint16_t kEncrypted = 0x0001;
constexpr std::uint16_t kDescriptorFollows = 0x0008;
constexpr std::uint16_t kKnownFlags = 0x0002 | 0x0004 | kDescriptorFollows | kZipUtf8Name;

struct Directory {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t count = 0;
};

// What both headers of an entry say.
struct Header {
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t crc32 = 0;
  std::uint64_t compressed = 0;
  std::uint64_t size = 0;
  std::uint64_t local_offset = 0;  // central only
};

// Small pieces at ascending offsets, few reads. The window is small because headers stand between
// payloads of any size.
class HeaderWindow {
 public:
  explicit HeaderWindow(const File& file) : file_(file) {}

  // `size` bytes from `offset`, valid until the next call.
  Result<ByteSpan> At(std::uint64_t offset, std::uint64_t size) {
    const auto end = CheckedAdd(offset, size);
    if (!end || *end > file_.Size()) {
      return Error{Errc::kMalformed, file_.Name(),
                   fmt::format("{} bytes are needed here, the file ends at {}", size, file_.Size()),
                   offset, kTruncatedHint};
    }
    if (offset < begin_ || *end > begin_ + bytes_.size()) {
      const std::uint64_t reach = std::min(file_.Size() - offset, std::max(size, kWindow));
      bytes_.resize(reach);
      begin_ = offset;
      if (Result<void> read = file_.Read(offset, bytes_); !read) {
        bytes_.clear();
        return std::move(read).error();
      }
    }
    return ByteSpan(bytes_).subspan(offset - begin_, size);
  }

 private:
  static constexpr std::uint64_t kWindow = 8 * 1024;
  const File& file_;
  std::vector<std::byte> bytes_;
  std::uint64_t begin_ = 0;
};

Error MalformedAt(const File& file, std::uint64_t offset, std::string message,
                  std::string hint = {}) {
  return Error{Errc::kMalformed, file.Name(), std::move(message), offset, std::move(hint)};
}

// Finds the central directory from the end record, which must be the last 22 bytes.
Result<Directory> LocateDirectory(const File& file) {
  const std::uint64_t file_size = file.Size();
  if (file_size < kZipEndBytes) {
    return MalformedAt(file, file_size, "too short for a ZIP archive", kTruncatedHint);
  }
  HeaderWindow window(file);
  const std::uint64_t end_at = file_size - kZipEndBytes;
  ByteCursor end(HM_TRY(window.At(end_at, kZipEndBytes)), file.Name(), end_at);
  if (HM_TRY(end.U32()) != kZipEndSignature) {
    return MalformedAt(file, end_at,
                       "the archive does not end in its end record: it was cut short, or "
                       "something was appended",
                       "compare the file's size with the official listing");
  }
  const std::uint16_t disk = HM_TRY(end.U16());
  const std::uint16_t directory_disk = HM_TRY(end.U16());
  const std::uint16_t count_here = HM_TRY(end.U16());
  const std::uint16_t count = HM_TRY(end.U16());
  const std::uint32_t size = HM_TRY(end.U32());
  const std::uint32_t offset = HM_TRY(end.U32());
  const std::uint16_t comment = HM_TRY(end.U16());
  if (comment != 0) {
    return MalformedAt(file, end_at + 20, fmt::format("an archive comment of {} bytes", comment));
  }

  Directory directory{offset, size, count};
  std::uint64_t directory_end = end_at;
  bool has_zip64 = false;
  if (end_at >= kZipLocator64Bytes) {
    const std::uint64_t locator_at = end_at - kZipLocator64Bytes;
    ByteCursor locator(HM_TRY(window.At(locator_at, kZipLocator64Bytes)), file.Name(), locator_at);
    if (HM_TRY(locator.U32()) == kZipLocator64Signature) {
      has_zip64 = true;
      const std::uint32_t record_disk = HM_TRY(locator.U32());
      const std::uint64_t record_at = HM_TRY(locator.U64());
      const std::uint32_t disks = HM_TRY(locator.U32());
      if (record_disk != 0 || disks > 1) {
        return Error{Errc::kUnsupported, file.Name(), "a ZIP archive over several disks",
                     locator_at};
      }
      if (locator_at < kZipEnd64Bytes || record_at != locator_at - kZipEnd64Bytes) {
        return MalformedAt(file, locator_at,
                           fmt::format("the zip64 end record is said to be at {}, which is not "
                                       "right before its locator",
                                       record_at));
      }
      ByteCursor record(HM_TRY(window.At(record_at, kZipEnd64Bytes)), file.Name(), record_at);
      if (HM_TRY(record.U32()) != kZipEnd64Signature ||
          HM_TRY(record.U64()) != kZipEnd64Bytes - 12) {
        return MalformedAt(file, record_at, "no zip64 end record of 56 bytes here");
      }
      HM_TRY(record.Skip(4));  // versions
      const std::uint32_t disk64 = HM_TRY(record.U32());
      const std::uint32_t directory_disk64 = HM_TRY(record.U32());
      const std::uint64_t count_here64 = HM_TRY(record.U64());
      const std::uint64_t count64 = HM_TRY(record.U64());
      const std::uint64_t size64 = HM_TRY(record.U64());
      const std::uint64_t offset64 = HM_TRY(record.U64());
      if (disk64 != 0 || directory_disk64 != 0 || count_here64 != count64) {
        return Error{Errc::kUnsupported, file.Name(), "a ZIP archive over several disks",
                     record_at};
      }
      if ((count != kZipMax16 && count != count64) || (size != kZipMax32 && size != size64) ||
          (offset != kZipMax32 && offset != offset64)) {
        return MalformedAt(file, record_at, "the two end records describe different directories");
      }
      directory = {offset64, size64, count64};
      directory_end = record_at;
    }
  }
  const auto disk_ok = [&](std::uint16_t value) {
    return value == 0 || (has_zip64 && value == kZipMax16);
  };
  if (!disk_ok(disk) || !disk_ok(directory_disk) || count_here != count) {
    return Error{Errc::kUnsupported, file.Name(), "a ZIP archive over several disks", end_at};
  }
  const auto stated_end = CheckedAdd(directory.offset, directory.size);
  if (!stated_end || *stated_end != directory_end) {
    return MalformedAt(file, end_at,
                       fmt::format("the directory is said to be {} bytes at {}, but its end "
                                   "record follows at {}",
                                   directory.size, directory.offset, directory_end));
  }
  if (directory.count > directory.size / kZipCentralBytes) {
    return MalformedAt(file, end_at,
                       fmt::format("{} entries cannot fit in a directory of {} bytes",
                                   directory.count, directory.size));
  }
  return directory;
}

// The zip64 extra field if there is one; every field must lie within the extra data, zip64 may come
// once only, and a second name not at all: Python follows it from 3.12 on, others do not. What
// other fields hold is padding and times, which no reader of payload heeds.
Result<std::optional<ByteSpan>> FindZip64(ByteSpan extra, const File& file, std::uint64_t at) {
  ByteCursor fields(extra, file.Name(), at);
  std::optional<ByteSpan> found;
  while (!fields.AtEnd()) {
    const std::uint16_t id = HM_TRY(fields.U16());
    const std::uint16_t size = HM_TRY(fields.U16());
    const ByteSpan data = HM_TRY(fields.Take(size));
    if (id == kUnicodePathField) {
      return MalformedAt(file, at, "an entry with a second name (a Unicode path field)");
    }
    if (id != kZip64Field) continue;
    if (found) return MalformedAt(file, at, "two zip64 fields in one header");
    found = data;
  }
  return found;
}

Result<void> CheckKind(const Header& header, std::string_view name, const File& file,
                       std::uint64_t at) {
  if ((header.flags & kEncrypted) != 0) {
    return Error{Errc::kUnsupported, file.Name(),
                 fmt::format("{}: an encrypted entry", EscapeForPeople(name)), at};
  }
  if ((header.flags & ~kKnownFlags) != 0) {
    return Error{Errc::kUnsupported, file.Name(),
                 fmt::format("{}: flags {:#06x}", EscapeForPeople(name), header.flags), at};
  }
  if (header.method != 0 && header.method != 8) {
    return Error{Errc::kUnsupported, file.Name(),
                 fmt::format("{}: compression method {}, only stored and deflated are read",
                             EscapeForPeople(name), header.method),
                 at};
  }
  if (header.method == 0 && header.compressed != header.size) {
    return MalformedAt(file, at,
                       fmt::format("{}: stored as {} bytes, but {} long", EscapeForPeople(name),
                                   header.compressed, header.size));
  }
  return {};
}

bool IsAscii(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c < 0x80; });
}

Result<void> CheckName(std::string_view name, const Header& header, const File& file,
                       std::uint64_t at) {
  std::string_view path = name;
  if (path.ends_with('/')) {
    if (header.size != 0 || header.compressed != 0) {
      return MalformedAt(file, at,
                         fmt::format("the directory {} holds bytes", EscapeForPeople(name)));
    }
    path.remove_suffix(1);
  }
  // Without the flag, Python takes other letters than ASCII's from an old code page.
  if (!IsValidUtf8(path) || ((header.flags & kZipUtf8Name) == 0 && !IsAscii(path))) {
    return MalformedAt(
        file, at,
        fmt::format("the entry name {} is not marked as UTF-8, or is none", EscapeForPeople(name)));
  }
  const Result<std::string> clean = CheckRelativePath(path);
  if (!clean) return MalformedAt(file, at, "unsafe entry name: " + clean.error().message);
  if (*clean != path) {
    return MalformedAt(file, at, fmt::format("unsafe entry name: {}", EscapeForPeople(name)));
  }
  return {};
}

Result<Header> ReadCentral(ByteCursor& cursor, const File& file, std::string& name) {
  const std::uint64_t at = cursor.Offset();
  if (HM_TRY(cursor.U32()) != kZipCentralSignature) {
    return MalformedAt(file, at, "no directory entry here");
  }
  HM_TRY(cursor.Skip(4));  // versions
  Header header;
  header.flags = HM_TRY(cursor.U16());
  header.method = HM_TRY(cursor.U16());
  HM_TRY(cursor.Skip(4));  // time, date: torch writes month 0
  header.crc32 = HM_TRY(cursor.U32());
  const std::uint32_t compressed = HM_TRY(cursor.U32());
  const std::uint32_t size = HM_TRY(cursor.U32());
  const std::uint16_t name_bytes = HM_TRY(cursor.U16());
  const std::uint16_t extra_bytes = HM_TRY(cursor.U16());
  const std::uint16_t comment_bytes = HM_TRY(cursor.U16());
  const std::uint16_t disk = HM_TRY(cursor.U16());
  HM_TRY(cursor.Skip(6));  // attributes
  const std::uint32_t offset = HM_TRY(cursor.U32());
  name = std::string(HM_TRY(cursor.TakeText(name_bytes)));
  const std::uint64_t extra_at = cursor.Offset();
  const ByteSpan extra = HM_TRY(cursor.Take(extra_bytes));
  const auto zip64 = HM_TRY(FindZip64(extra, file, extra_at));

  header.compressed = compressed;
  header.size = size;
  header.local_offset = offset;
  const bool wide = size == kZipMax32 || compressed == kZipMax32 || offset == kZipMax32;
  if (wide && !zip64) return MalformedAt(file, at, "64-bit sizes are announced but not given");
  if (zip64) {
    ByteCursor values(*zip64, file.Name(), extra_at);
    if (size == kZipMax32) header.size = HM_TRY(values.U64());
    if (compressed == kZipMax32) header.compressed = HM_TRY(values.U64());
    if (offset == kZipMax32) header.local_offset = HM_TRY(values.U64());
    if (disk == kZipMax16 && HM_TRY(values.U32()) != 0) {
      return Error{Errc::kUnsupported, file.Name(), "a ZIP archive over several disks", at};
    }
    if (!values.AtEnd()) return MalformedAt(file, at, "a zip64 field holds more than it should");
  }
  HM_TRY(cursor.Skip(comment_bytes));
  if (disk != 0 && !(disk == kZipMax16 && zip64)) {
    return Error{Errc::kUnsupported, file.Name(), "a ZIP archive over several disks", at};
  }
  HM_TRY(CheckKind(header, name, file, at));
  HM_TRY(CheckName(name, header, file, at));
  return header;
}

// Holds the local header against the directory's and returns where the payload is. Sizes and CRC
// may be left zero in it where a descriptor follows the payload. `wide` tells whether it has a
// zip64 field, which makes the descriptor's sizes 64 bits wide.
Result<ByteRange> CheckLocal(HeaderWindow& window, const File& file, const Header& central,
                             std::string_view name, bool& wide) {
  const std::uint64_t at = central.local_offset;
  const auto differs = [&](std::string_view what) {
    return MalformedAt(file, at,
                       fmt::format("{}: the local header's {} is not the directory's",
                                   EscapeForPeople(name), what));
  };
  ByteCursor cursor(HM_TRY(window.At(at, kZipLocalBytes)), file.Name(), at);
  if (HM_TRY(cursor.U32()) != kZipLocalSignature) {
    return MalformedAt(file, at, fmt::format("{}: no local header here", EscapeForPeople(name)));
  }
  HM_TRY(cursor.Skip(2));
  const std::uint16_t flags = HM_TRY(cursor.U16());
  const std::uint16_t method = HM_TRY(cursor.U16());
  HM_TRY(cursor.Skip(4));
  const std::uint32_t crc = HM_TRY(cursor.U32());
  const std::uint32_t compressed = HM_TRY(cursor.U32());
  const std::uint32_t size = HM_TRY(cursor.U32());
  const std::uint16_t name_bytes = HM_TRY(cursor.U16());
  const std::uint16_t extra_bytes = HM_TRY(cursor.U16());
  if (flags != central.flags) return differs("flags");
  if (method != central.method) return differs("method");

  const std::uint64_t text_at = at + kZipLocalBytes;
  const ByteSpan rest = HM_TRY(window.At(text_at, std::uint64_t{name_bytes} + extra_bytes));
  if (AsText(rest.first(name_bytes)) != name) return differs("name");
  const auto zip64 = HM_TRY(FindZip64(rest.subspan(name_bytes), file, text_at + name_bytes));
  wide = zip64.has_value();

  const bool deferred = (flags & kDescriptorFollows) != 0;
  std::uint64_t local_size = size;
  std::uint64_t local_compressed = compressed;
  if (zip64) {
    // APPNOTE wants both sizes here. numpy gives them beside 32-bit ones that hold; writers that
    // announce a descriptor leave out or zero what they do not know yet, torch's adds the offset.
    ByteCursor values(*zip64, file.Name(), at);
    const bool beside =
        size != kZipMax32 && compressed != kZipMax32 && zip64->size() == 16 && !deferred;
    if (size == kZipMax32 || beside) local_size = HM_TRY(values.U64());
    if (compressed == kZipMax32 || beside) local_compressed = HM_TRY(values.U64());
    if (beside && (local_size != size || local_compressed != compressed)) {
      return MalformedAt(file, at, "a zip64 field disagrees with the header it stands in");
    }
    if (!values.AtEnd() && !deferred) {
      return MalformedAt(file, at, "a zip64 field holds more than it should");
    }
  } else if (size == kZipMax32 || compressed == kZipMax32) {
    return MalformedAt(file, at, "64-bit sizes are announced but not given");
  }
  const auto agrees = [&](std::uint64_t local, std::uint64_t directory) {
    return local == directory || (deferred && local == 0);
  };
  if (!agrees(local_size, central.size)) return differs("size");
  if (!agrees(local_compressed, central.compressed)) return differs("compressed size");
  if (!agrees(crc, central.crc32)) return differs("CRC");
  return ByteRange{text_at + rest.size(), central.compressed};
}

// What stands between a payload and whatever follows it at `next`: nothing, or a descriptor that
// repeats the directory's numbers.
Result<void> CheckDescriptor(HeaderWindow& window, const File& file, const Header& central,
                             std::string_view name, bool wide, std::uint64_t at,
                             std::uint64_t next) {
  const std::uint64_t gap = next - at;
  const bool expected = (central.flags & kDescriptorFollows) != 0;
  if (gap == 0 && (!expected || central.compressed == 0)) return {};
  const auto wrong = [&](std::string_view why) {
    return MalformedAt(file, at,
                       fmt::format("{}: {} (between its payload and what follows are {} bytes)",
                                   EscapeForPeople(name), why, gap));
  };
  if (!expected) return wrong("undeclared bytes after an entry");
  const bool has_signature = gap == 16 || gap == 24;
  const std::uint64_t number_bytes = gap >= 20 ? 8 : 4;
  if (gap != 12 && gap != 16 && gap != 20 && gap != 24) return wrong("no descriptor of known size");
  if (number_bytes == 8 && !wide) return wrong("a 64-bit descriptor in an entry that is not zip64");
  ByteCursor cursor(HM_TRY(window.At(at, gap)), file.Name(), at);
  if (has_signature && HM_TRY(cursor.U32()) != kZipDescriptorSignature) {
    return wrong("no descriptor here");
  }
  const std::uint32_t crc = HM_TRY(cursor.U32());
  const auto number = [&]() -> Result<std::uint64_t> {
    if (number_bytes == 8) return cursor.U64();
    return std::uint64_t{HM_TRY(cursor.U32())};
  };
  const std::uint64_t compressed = HM_TRY(number());
  const std::uint64_t size = HM_TRY(number());
  if (crc != central.crc32 || compressed != central.compressed || size != central.size) {
    return wrong("the descriptor disagrees with the directory");
  }
  return {};
}

}  // namespace

// Inflating streams that rest between reads, the most recently used first.
class ZipArchive::InflatePool {
 public:
  explicit InflatePool(const File& file) : file_(file) {}

  Result<void> Read(const ZipEntry& entry, std::uint64_t offset, MutableByteSpan out) {
    std::unique_ptr<InflateStream> stream = Borrow(entry, offset);
    HM_TRY(stream->Read(offset, out));  // a stream that failed is not kept
    Return(entry, std::move(stream));
    return {};
  }

 private:
  static constexpr std::size_t kMaxIdle = 8;
  struct Idle {
    const ZipEntry* entry;
    std::unique_ptr<InflateStream> stream;
  };

  // Prefers the stream of the entry that is nearest before `offset`.
  std::unique_ptr<InflateStream> Borrow(const ZipEntry& entry, std::uint64_t offset) {
    const std::lock_guard lock(mutex_);
    auto best = idle_.end();
    for (auto it = idle_.begin(); it != idle_.end(); ++it) {
      if (it->entry != &entry) continue;
      const bool usable = it->stream->Position() <= offset;
      if (best == idle_.end()) {
        best = it;
      } else if (usable && (best->stream->Position() > offset ||
                            best->stream->Position() < it->stream->Position())) {
        best = it;
      }
    }
    if (best == idle_.end()) {
      return std::make_unique<InflateStream>(file_, entry.payload, entry.size, entry.crc32,
                                             EscapeForPeople(entry.name));
    }
    std::unique_ptr<InflateStream> stream = std::move(best->stream);
    idle_.erase(best);
    return stream;
  }

  void Return(const ZipEntry& entry, std::unique_ptr<InflateStream> stream) {
    const std::lock_guard lock(mutex_);
    idle_.push_front({&entry, std::move(stream)});
    if (idle_.size() > kMaxIdle) idle_.pop_back();
  }

  const File& file_;
  std::mutex mutex_;
  std::list<Idle> idle_;
};

ZipArchive::ZipArchive(const File& file, ZipNames names)
    : file_(&file), names_(names), pool_(std::make_unique<InflatePool>(file)) {}
ZipArchive::ZipArchive(ZipArchive&&) noexcept = default;
ZipArchive& ZipArchive::operator=(ZipArchive&&) noexcept = default;
ZipArchive::~ZipArchive() = default;

Result<ZipArchive> ZipArchive::Open(const File& file, ZipNames names) {
  const Directory directory = HM_TRY(LocateDirectory(file));
  ZipArchive archive(file, names);
  std::vector<Header> headers;
  FileCursor cursor(file, directory.offset, directory.offset + directory.size);
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    ZipEntry entry;
    const Header header = HM_TRY(ReadCentral(cursor, file, entry.name));
    entry.method = header.method == 0 ? ZipMethod::kStored : ZipMethod::kDeflated;
    entry.size = header.size;
    entry.crc32 = header.crc32;
    headers.push_back(header);
    archive.entries_.push_back(std::move(entry));
  }
  if (!cursor.AtEnd()) {
    return MalformedAt(file, cursor.Offset(), "bytes in the directory beyond its last entry");
  }

  // In the order of the file: each entry must begin where the one before it ends.
  std::vector<std::size_t> order(headers.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return headers[a].local_offset < headers[b].local_offset;
  });
  const std::uint64_t first = order.empty() ? directory.offset : headers[order[0]].local_offset;
  if (first != 0) {
    return MalformedAt(file, 0, fmt::format("{} bytes before the first entry", first));
  }
  HeaderWindow window(file);
  std::vector<ZipEntry> sorted;
  sorted.reserve(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Header& header = headers[order[i]];
    ZipEntry& entry = archive.entries_[order[i]];
    const std::uint64_t next =
        i + 1 < order.size() ? headers[order[i + 1]].local_offset : directory.offset;
    bool wide = false;
    entry.payload = HM_TRY(CheckLocal(window, file, header, entry.name, wide));
    const auto end = CheckedAdd(entry.payload.offset, entry.payload.size);
    if (!end || *end > next) {
      return MalformedAt(file, header.local_offset,
                         fmt::format("{}: {} bytes of payload run into what follows at {}",
                                     EscapeForPeople(entry.name), entry.payload.size, next));
    }
    HM_TRY(CheckDescriptor(window, file, header, entry.name, wide, *end, next));
    sorted.push_back(std::move(entry));
  }
  archive.entries_ = std::move(sorted);

  HM_TRY(archive.IndexNames());
  return archive;
}

Result<void> ZipArchive::IndexNames() {
  by_name_.reserve(entries_.size());
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::string_view key = entries_[i].name;
    if (key.ends_with('/')) key.remove_suffix(1);  // a file and a folder of one name clash too
    if (names_ == ZipNames::kInAnyCase) {
      if (std::string lower = AsciiLower(key); lower != key) {
        lowered_.push_back(std::move(lower));
        key = lowered_.back();
      }
    }
    if (by_name_.emplace(key, i).second) continue;
    return MalformedAt(*file_, entries_[i].payload.offset,
                       fmt::format("two entries are called {}", EscapeForPeople(entries_[i].name)));
  }
  return {};
}

const ZipEntry* ZipArchive::FindByKey(std::string_view key) const {
  if (key.ends_with('/')) key.remove_suffix(1);
  const auto found = by_name_.find(key);
  return found == by_name_.end() ? nullptr : &entries_[found->second];
}

const ZipEntry* ZipArchive::FindInAnyCase(std::string_view name) const {
  HM_CHECK(names_ == ZipNames::kInAnyCase);
  return FindByKey(AsciiLower(name));
}

const ZipEntry* ZipArchive::Find(std::string_view name) const {
  const ZipEntry* const entry =
      names_ == ZipNames::kInAnyCase ? FindInAnyCase(name) : FindByKey(name);
  return entry != nullptr && entry->name == name ? entry : nullptr;
}

Result<std::vector<std::byte>> ZipArchive::ReadWhole(const ZipEntry& entry, std::uint64_t limit,
                                                     std::uint64_t max_growth) const {
  static constexpr std::uint64_t kFreeGrowth = 1024 * 1024;
  const std::string name = EscapeForPeople(entry.name);
  if (entry.size > limit) {
    return Error{Errc::kUnsupported, file_->Name(),
                 fmt::format("{}: {} bytes, limit {}", name, entry.size, limit),
                 entry.payload.offset};
  }
  const auto most = CheckedMul(entry.payload.size, max_growth);
  if (entry.method == ZipMethod::kDeflated && entry.size > kFreeGrowth && most &&
      entry.size > *most) {
    return Error{Errc::kUnsupported, file_->Name(),
                 fmt::format("{}: {} deflated bytes promise to become {}, limit {}-fold", name,
                             entry.payload.size, entry.size, max_growth),
                 entry.payload.offset};
  }
  std::vector<std::byte> bytes(entry.size);
  if (entry.method == ZipMethod::kDeflated) {
    InflateStream stream(*file_, entry.payload, entry.size, entry.crc32, name);
    HM_TRY(stream.Read(0, bytes));
    return bytes;
  }
  HM_TRY(file_->Read(entry.payload.offset, bytes));
  const auto crc = static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
  if (crc != entry.crc32) {
    return MalformedAt(
        *file_, entry.payload.offset,
        fmt::format("{}: CRC-32 is {:08x}, {:08x} was declared", name, crc, entry.crc32));
  }
  return bytes;
}

Result<void> ZipArchive::Read(const ZipEntry& entry, std::uint64_t offset,
                              MutableByteSpan out) const {
  const auto end = CheckedAdd(offset, out.size());
  if (!end || *end > entry.size) {
    return Error{Errc::kIo, file_->Name(), "read beyond the end of an entry", entry.payload.offset};
  }
  if (entry.method == ZipMethod::kStored) {
    return file_->Read(entry.payload.offset + offset, out);
  }
  return pool_->Read(entry, offset, out);
}

bool SniffZip(ByteSpan head) {
  return head.size() >= 4 && LoadLittle<std::uint32_t>(head.data()) == kZipLocalSignature;
}

std::string_view FirstZipEntryName(ByteSpan head) {
  if (!SniffZip(head) || head.size() < kZipLocalBytes) return {};
  const std::size_t size = LoadLittle<std::uint16_t>(head.data() + 26);
  if (head.size() - kZipLocalBytes < size) return {};
  return AsText(head.subspan(kZipLocalBytes, size));
}

}  // namespace hallmark
