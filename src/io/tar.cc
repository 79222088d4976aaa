#include "src/io/tar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "src/base/checked.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t kBlock = 512;
constexpr std::uint64_t kMaxExtension = 1 << 20;  // bytes of a long name or a pax header
constexpr std::uint64_t kMaxBehind = 1 << 20;     // bytes behind the end mark that are looked at
constexpr std::size_t kMaxFindings = 1000;
constexpr const char* kTruncatedHint =
    "the file looks truncated; compare its size with the official listing";

// One header block (POSIX.1-1988, pax.h of GNU tar: struct posix_header).
class Header {
 public:
  explicit Header(ByteSpan block) : text_(AsText(block)) {}

  // Up to the first NUL, of fields that need none.
  std::string_view Name() const { return Field(0, 100); }
  std::string_view Size() const { return text_.substr(124, 12); }
  char Type() const { return text_[156]; }
  bool HasMagic() const { return text_.substr(257, 5) == "ustar"; }
  // GNU's magic goes on with a space, and keeps times where POSIX has the prefix.
  std::string_view Prefix() const {
    return text_.substr(257, 6) == "ustar\0"sv ? Field(345, 155) : std::string_view();
  }
  bool IsZero() const { return text_.find_first_not_of('\0') == std::string_view::npos; }

  // The sum of the block's bytes, those of the sum itself taken as spaces. Old writers summed
  // signed bytes.
  bool ChecksumHolds() const;

 private:
  std::string_view Field(std::size_t at, std::size_t size) const {
    const std::string_view field = text_.substr(at, size);
    return field.substr(0, field.find('\0'));
  }

  std::string_view text_;
};

// Octal digits between spaces, ended by a space, a NUL or the field; or GNU's base 256, marked by
// the highest bit. nullopt for anything else and for what is negative or beyond 64 bits.
std::optional<std::uint64_t> ParseNumber(std::string_view field) {
  std::uint64_t value = 0;
  if (static_cast<unsigned char>(field[0]) == 0x80) {
    for (const char c : field.substr(1)) {
      if (value >> 56 != 0) return std::nullopt;
      value = value << 8 | static_cast<unsigned char>(c);
    }
    return value;
  }
  const std::size_t begin = std::min(field.find_first_not_of(' '), field.size());
  const std::size_t end = std::min(field.find_first_not_of("01234567", begin), field.size());
  if (begin == end || field.find_first_not_of(" \0"sv, end) != std::string_view::npos) {
    return std::nullopt;
  }
  for (const char c : field.substr(begin, end - begin)) {
    value = value << 3 | static_cast<std::uint64_t>(c - '0');  // at most 12 digits
  }
  return value;
}

bool Header::ChecksumHolds() const {
  const auto stated = ParseNumber(text_.substr(148, 8));
  if (!stated) return false;
  std::int64_t bytes_sum = 0;
  std::int64_t signed_sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const char c = i >= 148 && i < 156 ? ' ' : text_[i];
    bytes_sum += static_cast<unsigned char>(c);
    signed_sum += static_cast<signed char>(c);
  }
  const auto sum = static_cast<std::int64_t>(*stated);
  return sum == bytes_sum || sum == signed_sum;
}

// Reads the headers one after the other. Lives for one ReadTar.
class TarReader {
 public:
  explicit TarReader(const File& file) : file_(file) {}

  Result<TarContents> Read() {
    while (true) {
      const Header header(HM_TRY(ReadBlock()));
      if (header.IsZero()) break;
      HM_TRY(ReadMember(header));
    }
    HM_TRY(ReadEnd());
    HM_TRY(CheckPaths());
    std::ranges::sort(contents_.members, NaturalLess, &TarMember::path);
    return std::move(contents_);
  }

 private:
  // What headers before a member say of it.
  struct Extension {
    std::optional<std::string> path;
    std::optional<std::uint64_t> size;
    bool is_pending = false;
    bool is_sparse = false;
  };

  Error Malformed(std::string message, std::string hint = {}) const {
    return {Errc::kMalformed, file_.Name(), std::move(message), header_at_, std::move(hint)};
  }
  Error Unsupported(std::string message, std::string hint = {}) const {
    return {Errc::kUnsupported, file_.Name(), std::move(message), header_at_, std::move(hint)};
  }

  void Find(std::string code, std::string_view path, std::string message) {
    if (contents_.findings.size() < kMaxFindings) {
      contents_.findings.push_back({Severity::kWarning, std::move(code),
                                    fmt::format("{}: {}", file_.Name(), path), std::move(message),
                                    header_at_});
    }
  }

  Result<ByteSpan> ReadBlock() {
    header_at_ = at_;
    if (file_.Size() - at_ < kBlock) {
      return Malformed(fmt::format("{} bytes are left where a header or the end mark should begin",
                                   file_.Size() - at_),
                       kTruncatedHint);
    }
    HM_TRY(file_.Read(at_, block_));
    at_ += kBlock;
    return ByteSpan(block_);
  }

  // The bytes that follow the header at hand, and on to the next header.
  Result<ByteRange> TakePayload(std::uint64_t size) {
    const ByteRange payload{at_, size};
    const auto padded = CheckedRoundUp(size, kBlock);
    if (!padded || *padded > file_.Size() - at_) {
      return Malformed(fmt::format("a member of {} bytes, {} are left", size, file_.Size() - at_),
                       kTruncatedHint);
    }
    at_ += *padded;
    return payload;
  }

  Result<void> ReadMember(const Header& header) {
    if (!header.ChecksumHolds()) return Malformed("the checksum of this header is wrong");
    const auto stated = ParseNumber(header.Size());
    if (!stated) return Malformed("the size in this header is no number");
    switch (header.Type()) {
      case 'x':
      case 'X':  // Solaris' name for it
        return ReadPax(*stated, false);
      case 'g':
        return ReadPax(*stated, true);
      case 'L':
        return ReadLongName(*stated);
      case 'K':  // the target of a link
        extension_.is_pending = true;
        HM_TRY(TakePayload(*stated));
        return {};
      default:
        break;
    }
    const Extension extension = std::exchange(extension_, {});
    std::string path = std::string(header.Name());
    if (const std::string_view prefix = header.Prefix(); !prefix.empty()) {
      path = fmt::format("{}/{}", prefix, path);
    }
    return AddMember(header.Type(), extension.path.value_or(std::move(path)),
                     extension.size.value_or(*stated), extension.is_sparse);
  }

  Result<void> AddMember(char type, std::string path, std::uint64_t size, bool is_sparse) {
    if (path.find('\0') != std::string::npos) return Malformed("a path that holds a NUL byte");
    if (type == 'S' || is_sparse) {
      return Unsupported(fmt::format("{} is stored as a sparse file", EscapeForPeople(path)),
                         "unpack it, or pack it again without --sparse");
    }
    if (type == 'M' || type == 'N') {
      return Unsupported("the archive goes on in another volume, or uses long names of old",
                         "unpack it and give the files inside");
    }
    const bool is_file = type == '0' || type == '\0' || type == '7';
    const bool is_folder = type == '5' || (is_file && path.ends_with('/'));
    if (is_file && !is_folder) {
      const ByteRange payload = HM_TRY(TakePayload(size));
      Result<std::string> clean = CheckRelativePath(path);
      if (clean) {
        contents_.members.push_back({*std::move(clean), payload});
      } else {
        Find("unsafe-path", path, clean.error().message + ": not read");
      }
      return {};
    }
    // Programs differ in whether bytes follow such a header; no honest one has any.
    if (type >= '1' && type <= '6' && size != 0) {
      return Malformed(fmt::format("a folder, link or device of {} bytes", size));
    }
    HM_TRY(TakePayload(size));
    if (type == '1' || type == '2') {
      Find("archived-link", path, "a link inside the archive is not followed");
      if (auto clean = CheckRelativePath(path)) links_.push_back(*std::move(clean));
    } else if (type == '3' || type == '4' || type == '6') {
      Find("special-file", path, "not a regular file, not read");
    } else if (!is_folder && type != 'V' && type != 'D') {  // GNU's label and list of a folder
      Find("unknown-member", path,
           fmt::format("a member of type {} is not read",
                       EscapeForPeople(std::string_view(&type, 1))));
    }
    return {};
  }

  Result<std::string> ReadExtension(std::uint64_t size) {
    if (size > kMaxExtension) {
      return Malformed(
          fmt::format("an extended header of {} bytes, limit {}", size, kMaxExtension));
    }
    const ByteRange range = HM_TRY(TakePayload(size));
    std::string text(range.size, '\0');
    HM_TRY(file_.Read(range.offset, {reinterpret_cast<std::byte*>(text.data()), text.size()}));
    extension_.is_pending = true;
    return text;
  }

  Result<void> SetPath(std::string path) {
    if (extension_.path) return Malformed("two headers give the next member a path");
    extension_.path = std::move(path);
    return {};
  }

  // GNU: the path, and the NUL that ends it.
  Result<void> ReadLongName(std::uint64_t size) {
    std::string name = HM_TRY(ReadExtension(size));
    while (name.ends_with('\0')) name.pop_back();
    return SetPath(std::move(name));
  }

  // POSIX.1-2001: records of "LENGTH key=value\n", where LENGTH counts all of that.
  Result<void> ReadPax(std::uint64_t size, bool is_global) {
    const bool was_pending = extension_.is_pending;
    const std::string text = HM_TRY(ReadExtension(size));
    if (is_global) extension_.is_pending = was_pending;
    for (std::string_view rest = text; !rest.empty();) {
      const std::size_t space = std::min(rest.find(' '), rest.size());
      const auto length = ParseDecimal(rest.substr(0, space));
      if (!length || *length > rest.size() || *length < space + 3 || rest[*length - 1] != '\n') {
        return Malformed("a broken record in an extended header");
      }
      const std::string_view record = rest.substr(space + 1, *length - space - 2);
      rest.remove_prefix(*length);
      const std::size_t equals = record.find('=');
      if (equals == std::string_view::npos) {
        return Malformed("a record without \"=\" in an extended header");
      }
      HM_TRY(ApplyPax(record.substr(0, equals), record.substr(equals + 1), is_global));
    }
    return {};
  }

  Result<void> ApplyPax(std::string_view key, std::string_view value, bool is_global) {
    const bool is_sparse = key.starts_with("GNU.sparse.");
    if (key != "path" && key != "size" && !is_sparse) return {};  // times, owners, comments
    if (is_global) {
      return Unsupported(fmt::format("a global header gives every member its {}", key));
    }
    extension_.is_sparse |= is_sparse;
    if (key == "path") HM_TRY(SetPath(std::string(value)));
    if (key == "size") {
      const auto size = ParseDecimal(value);
      if (!size || extension_.size)
        return Malformed("a broken or repeated size in an extended header");
      extension_.size = size;
    }
    return {};
  }

  // Two blocks of zeros, the first of which was read, and zeros up to a multiple of the record.
  Result<void> ReadEnd() {
    if (extension_.is_pending) return Malformed("an extended header without its member");
    if (!Header(HM_TRY(ReadBlock())).IsZero()) {
      return Malformed("one block of zeros, the end mark has two");
    }
    header_at_ = at_;
    const std::uint64_t behind = file_.Size() - at_;
    std::vector<std::byte> bytes(std::min(behind, kMaxBehind));
    HM_TRY(file_.Read(at_, bytes));
    if (behind > kMaxBehind ||
        std::ranges::any_of(bytes, [](std::byte b) { return b != std::byte{}; })) {
      contents_.findings.push_back(
          {Severity::kWarning, "data-behind-end", file_.Name(),
           fmt::format("{} bytes behind the archive's end mark are not read", behind), at_});
    }
    return {};
  }

  // Whoever unpacks the archive gets the last of several, other readers the first.
  Result<void> CheckPaths() {
    std::vector<std::string_view> paths(links_.begin(), links_.end());
    for (const TarMember& member : contents_.members) paths.push_back(member.path);
    const auto twice = FindRepeated(paths);
    if (!twice) return {};
    return Error{Errc::kMalformed, file_.Name(),
                 fmt::format("the path {} stands twice", EscapeForPeople(*twice))};
  }

  const File& file_;
  std::uint64_t at_ = 0;
  std::uint64_t header_at_ = 0;
  std::array<std::byte, kBlock> block_;
  Extension extension_;  // of the next member
  std::vector<std::string> links_;
  TarContents contents_;
};

class TarFolder final : public Folder, public std::enable_shared_from_this<TarFolder> {
 public:
  TarFolder(std::shared_ptr<const File> tar, std::string path, TarContents contents)
      : tar_(std::move(tar)), path_(std::move(path)), contents_(std::move(contents)) {}

  std::string NameOf(std::string_view path) const override {
    return path.empty() ? tar_->Name() : fmt::format("{}: {}", tar_->Name(), path);
  }

  Result<DirectoryListing> List() const override {
    DirectoryListing listing;
    for (const TarMember& member : contents_.members) {
      listing.files.push_back({member.path, {}, member.payload.size});
    }
    listing.findings = contents_.findings;
    return listing;
  }

  bool Has(std::string_view path) const override { return Find(path) != nullptr; }
  Result<std::unique_ptr<File>> Open(std::string_view path) const override;

  FileStretch Locate(std::string_view path, ByteRange range) const override {
    const TarMember* const member = Find(path);
    HM_CHECK(member != nullptr);
    return {path_, {member->payload.offset + range.offset, range.size}};
  }

 private:
  const TarMember* Find(std::string_view path) const {
    const auto found =
        std::ranges::lower_bound(contents_.members, path, NaturalLess, &TarMember::path);
    return found == contents_.members.end() || found->path != path ? nullptr : &*found;
  }

  std::shared_ptr<const File> tar_;
  std::string path_;
  TarContents contents_;
};

class TarMemberFile final : public FileWindow {
 public:
  TarMemberFile(std::shared_ptr<const File> tar, std::shared_ptr<const TarFolder> folder,
                const TarMember& member)
      : FileWindow(std::move(tar), member.payload, folder->NameOf(member.path)),
        folder_(std::move(folder)),
        path_(member.path) {}

  Result<std::unique_ptr<File>> OpenBeside(std::string_view path) const override {
    return folder_->Open(path_.substr(0, path_.rfind('/') + 1) + HM_TRY(CheckRelativePath(path)));
  }

 private:
  std::shared_ptr<const TarFolder> folder_;
  std::string path_;
};

Result<std::unique_ptr<File>> TarFolder::Open(std::string_view path) const {
  const TarMember* const member = Find(path);
  if (member == nullptr) return Error{Errc::kNotFound, NameOf(path), "no such file in the archive"};
  return std::make_unique<TarMemberFile>(tar_, shared_from_this(), *member);
}

}  // namespace

Result<bool> IsTar(const File& file) {
  std::array<std::byte, kBlock> block;
  if (file.Size() < block.size()) return false;
  HM_TRY(file.Read(0, block));
  const Header header(block);
  return header.HasMagic() || (!header.Name().empty() && header.ChecksumHolds());
}

Result<TarContents> ReadTar(const File& tar) { return TarReader(tar).Read(); }

Result<std::shared_ptr<const Folder>> FolderInTar(std::shared_ptr<const File> tar,
                                                  std::string path) {
  TarContents contents = HM_TRY(ReadTar(*tar));
  return std::make_shared<const TarFolder>(std::move(tar), std::move(path), std::move(contents));
}

}  // namespace hallmark
