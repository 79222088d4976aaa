#include "verify/sources/lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "src/base/text.h"

namespace hallmark {
namespace {

// Fewer digits at the start of a line are rather a date or a count than a digest, unless the name
// of the list speaks of crc32.
constexpr std::size_t kMinHex = 16;
constexpr std::size_t kCrcHex = 8;
constexpr std::size_t kMaxProblems = 100;
constexpr std::size_t kMaxComments = 4096;
constexpr std::size_t kMaxColumns = 16;  // of hashdeep, which knows five digests

bool IsHexDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool IsTagChar(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '/' || c == '_';
}

bool IsTag(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), IsTagChar);
}

std::size_t HexRun(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), IsHexDigit);
  return static_cast<std::size_t>(end - text.begin());
}

bool IsHex(std::string_view text) { return HexRun(text) == text.size(); }

// Undoes coreutils' \\, \n and \r; nullopt for any other escape.
std::optional<std::string> Unescape(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      plain += text[i];
      continue;
    }
    if (++i == text.size()) return std::nullopt;
    if (text[i] == '\\') {
      plain += '\\';
    } else if (text[i] == 'n') {
      plain += '\n';
    } else if (text[i] == 'r') {
      plain += '\r';
    } else {
      return std::nullopt;
    }
  }
  return plain;
}

// "5d:41:40" (openssl dgst -c) without its colons; anything else as it is.
std::string WithoutColons(std::string_view hex) {
  if (hex.size() % 3 != 2) return std::string(hex);
  std::string plain;
  for (std::size_t i = 0; i < hex.size(); ++i) {
    if (i % 3 != 2) {
      plain += hex[i];
    } else if (hex[i] != ':') {
      return std::string(hex);
    }
  }
  return plain;
}

// What one record is: a checksum line, or why not.
struct ParsedRecord {
  std::optional<ListLine> line;
  std::string problem;
};

ParsedRecord Problem(std::string message) { return {std::nullopt, std::move(message)}; }

ParsedRecord Named(ListLine line, std::string_view name, bool escaped) {
  if (escaped) {
    auto plain = Unescape(name);
    if (!plain) return Problem("the name holds an escape other than \\\\, \\n and \\r");
    line.name = std::move(*plain);
  } else {
    line.name = name;
  }
  if (line.name.empty()) return Problem("no file name follows the digest");
  return {std::move(line), {}};
}

// "hex", "hex  name", "hex *name", "hex name" from the start of `text` on.
ParsedRecord ParseHexFirst(ListLine line, std::string_view text, bool escaped) {
  const std::size_t digits = HexRun(text);
  line.hex = text.substr(0, digits);
  std::string_view rest = text.substr(digits);
  if (TrimAscii(rest).empty()) {
    line.shape = LineShape::kLone;
    return {std::move(line), {}};
  }
  rest.remove_prefix(1);
  // The second character is coreutils' marker of text or binary mode; md5 -r of BSD has none.
  if (rest.size() > 1 && (rest[0] == ' ' || rest[0] == '*')) rest.remove_prefix(1);
  if (rest == "-") {  // made from standard input
    line.shape = LineShape::kLone;
    return {std::move(line), {}};
  }
  line.shape = LineShape::kGnu;
  return Named(std::move(line), rest, escaped);
}

// "TAG (name) = hex" and "TAG(name)= hex"; nullopt if `text` is neither.
std::optional<ParsedRecord> ParseTagged(ListLine line, std::string_view text, bool escaped) {
  const std::size_t open = text.find('(');
  if (open == std::string_view::npos || open == 0) return std::nullopt;
  const bool bsd = text[open - 1] == ' ';
  // rhash aligns the tags with blanks.
  const std::string_view tag = TrimAscii(text.substr(0, bsd ? open - 1 : open));
  const std::string_view closing = bsd ? ") = " : ")= ";
  // A name may hold the closing text itself, a digest cannot: the last one counts.
  const std::size_t close = text.rfind(closing);
  if (!IsTag(tag) || close == std::string_view::npos || close < open) return std::nullopt;
  const std::string_view name = text.substr(open + 1, close - open - 1);
  line.tag = tag;
  line.hex = WithoutColons(TrimAscii(text.substr(close + closing.size())));
  if (!IsHex(line.hex)) return Problem("the digest is not written in hex digits");
  if (line.hex.empty()) return Problem("no digest follows the name");
  line.shape = bsd ? LineShape::kTagged : LineShape::kOpenssl;
  if (!bsd && name == "stdin") {
    line.shape = LineShape::kLone;
    return ParsedRecord{std::move(line), {}};
  }
  return Named(std::move(line), name, escaped);
}

// "name crc32", of lists that call themselves SFV.
std::optional<ParsedRecord> ParseSfv(ListLine line, std::string_view text) {
  const std::size_t blank = text.find_last_of(" \t");
  if (blank == std::string_view::npos) return std::nullopt;
  const std::string_view hex = text.substr(blank + 1);
  if (hex.size() != 8 || !IsHex(hex)) return std::nullopt;
  line.shape = LineShape::kSfv;
  line.tag = "crc32";
  line.hex = hex;
  std::string_view name = text.substr(0, blank);
  while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.remove_suffix(1);
  return Named(std::move(line), name, false);
}

// "sha256    hex  name"
std::optional<ParsedRecord> ParseGgufHash(ListLine line, std::string_view text) {
  const auto take_word = [&] {
    const std::string_view word = text.substr(0, text.find_first_of(" \t"));
    text.remove_prefix(word.size());
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return word;
  };
  line.tag = take_word();
  if (line.tag != "xxh64" && line.tag != "sha1" && line.tag != "sha256" && line.tag != "uuid") {
    return std::nullopt;
  }
  line.hex = take_word();
  if (line.tag == "uuid") std::erase(line.hex, '-');
  if (line.hex.size() < kMinHex || !IsHex(line.hex)) return std::nullopt;
  line.shape = LineShape::kGgufHash;
  return Named(std::move(line), text, false);
}

// The columns of hashdeep's lists, and where it was started.
struct Hashdeep {
  std::vector<std::string> columns;  // digests only, between size and filename
  std::string folder;                // ends with a slash, or is empty
};

// "size,hex,…,name"; the name is the last column and may hold commas.
ParsedRecord ParseHashdeep(ListLine line, std::string_view text, const Hashdeep& list) {
  line.shape = LineShape::kHashdeep;
  const auto take_column = [&]() -> std::optional<std::string_view> {
    const std::size_t comma = text.find(',');
    if (comma == std::string_view::npos) return std::nullopt;
    const std::string_view column = text.substr(0, comma);
    text.remove_prefix(comma + 1);
    return column;
  };
  const std::string_view digits = take_column().value_or("");
  std::uint64_t size = 0;
  const auto [stop, code] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  if (digits.empty() || code != std::errc() || stop != digits.data() + digits.size()) {
    return Problem("no size in the first column");
  }
  line.size = size;
  for (const std::string& tag : list.columns) {
    const auto hex = take_column();
    if (!hex || !IsHex(*hex)) return Problem("fewer columns than the header names");
    line.further.push_back({tag, std::string(*hex)});
  }
  line.tag = std::move(line.further.front().tag);
  line.hex = std::move(line.further.front().hex);
  line.further.erase(line.further.begin());
  if (!list.folder.empty() && text.starts_with(list.folder)) text.remove_prefix(list.folder.size());
  return Named(std::move(line), text, false);
}

// Words for a record that has no known shape.
std::string DescribeStranger(std::string_view text) {
  const std::string_view word = text.substr(0, text.find_first_of(" \t"));
  const auto digits = std::count_if(word.begin(), word.end(), IsHexDigit);
  const std::size_t odd = HexRun(word);
  if (word.size() >= 24 && odd < word.size() &&
      static_cast<std::size_t>(digits) * 10 >= word.size() * 8) {
    return fmt::format("the digest holds {}, which is no hex digit",
                       EscapeForPeople(word.substr(odd, 1)));
  }
  return "not a checksum line";
}

// What the list as a whole says about how its records are to be read.
struct Habits {
  bool escapes;  // no NUL-separated list: coreutils writes no escapes there
  bool sfv;
  std::size_t min_hex;
  Hashdeep hashdeep;
};

ParsedRecord ParseRecord(std::string_view text, std::uint64_t number, const Habits& habits) {
  ListLine line;
  line.number = number;
  bool escaped = false;
  if (!habits.hashdeep.columns.empty())
    return ParseHashdeep(std::move(line), text, habits.hashdeep);
  if (habits.sfv) {
    if (auto parsed = ParseSfv(line, text)) return std::move(*parsed);
  }
  if (habits.escapes && text.front() == '\\') {
    escaped = true;
    text.remove_prefix(1);
  }
  line.backslashes_meant = escaped || !habits.escapes;
  const auto starts_with_digest = [](std::string_view part, std::size_t min_hex) {
    const std::size_t digits = HexRun(part);
    return digits >= min_hex &&
           (digits == part.size() || part[digits] == ' ' || part[digits] == '\t');
  };
  if (starts_with_digest(text, habits.min_hex))
    return ParseHexFirst(std::move(line), text, escaped);
  if (const std::size_t colon = text.find(':');
      colon != std::string_view::npos && IsTag(text.substr(0, colon)) &&
      starts_with_digest(text.substr(colon + 1), kCrcHex)) {
    line.tag = text.substr(0, colon);
    return ParseHexFirst(std::move(line), text.substr(colon + 1), escaped);
  }
  if (auto parsed = ParseTagged(line, text, escaped)) return std::move(*parsed);
  if (auto parsed = ParseGgufHash(line, text)) return std::move(*parsed);
  return Problem(DescribeStranger(text));
}

// Cuts a list into records and leaves out what is no record: blanks, comments, PGP armour.
class RecordReader {
 public:
  RecordReader(std::string_view text, std::string_view file_name) : rest_(text) {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
    separator_ = rest_.find('\0') == std::string_view::npos ? '\n' : '\0';
    const std::string name = AsciiLower(file_name);
    habits_.escapes = separator_ == '\n';
    habits_.sfv = name.ends_with(".sfv") || rest_.starts_with(';');
    const bool crc = name.ends_with(".crc") || name.find("crc32") != std::string::npos;
    habits_.min_hex = crc ? kCrcHex : kMinHex;
    constexpr std::string_view kBegin = "-----BEGIN PGP SIGNED MESSAGE-----";
    outside_signature_ = rest_.starts_with(kBegin) ||
                         rest_.find('\n' + std::string(kBegin)) != std::string_view::npos;
  }

  // The next record, parsed; nullopt at the end.
  std::optional<ParsedRecord> Next() {
    while (!rest_.empty()) {
      const std::size_t end = std::min(rest_.find(separator_), rest_.size());
      std::string_view record = rest_.substr(0, end);
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
      ++number_;
      if (separator_ == '\n' && record.ends_with('\r')) record.remove_suffix(1);
      const std::size_t start = record.find_first_not_of(" \t\r\n");
      if (start == std::string_view::npos) {
        in_armour_header_ = false;
        continue;
      }
      record.remove_prefix(start);
      if (SkipsArmour(record) || SkipsHashdeepHeader(record)) continue;
      if (record[0] == '#' || record[0] == ';') {
        if (comments_.size() < kMaxComments) {
          comments_ += record.substr(0, kMaxComments - comments_.size());
          comments_ += '\n';
        }
        continue;
      }
      return ParseRecord(record, number_, habits_);
    }
    return std::nullopt;
  }

  std::uint64_t Number() const { return number_; }
  bool PgpSigned() const { return pgp_signed_; }
  bool HasUnsignedText() const { return unsigned_text_; }
  std::string TakeComments() { return std::move(comments_); }

 private:
  // "%%%% HASHDEEP-1.0", "%%%% size,md5,sha256,filename", "## Invoked from: /folder"
  bool SkipsHashdeepHeader(std::string_view record) {
    static constexpr std::string_view kMark = "%%%% ", kFolder = "## Invoked from: ";
    if (record.starts_with("%%%% HASHDEEP-")) {
      is_hashdeep_ = true;
      return true;
    }
    if (!is_hashdeep_) return false;
    if (record.starts_with(kFolder)) {
      habits_.hashdeep.folder = TrimAscii(record.substr(kFolder.size()));
      habits_.hashdeep.folder += '/';
    }
    if (!record.starts_with(kMark)) return record.starts_with("##");
    std::string_view columns = record.substr(kMark.size());
    habits_.hashdeep.columns.clear();
    if (!columns.starts_with("size,") || !columns.ends_with(",filename")) return true;
    columns.remove_prefix(5);
    columns.remove_suffix(8);
    while (!columns.empty() && habits_.hashdeep.columns.size() < kMaxColumns) {
      const std::size_t comma = columns.find(',');
      habits_.hashdeep.columns.emplace_back(columns.substr(0, comma));
      columns.remove_prefix(comma + 1);
    }
    return true;
  }

  // RFC 4880, section 7: armour header lines, a blank line, the text, the signature.
  bool SkipsArmour(std::string_view record) {
    if (record.starts_with("-----BEGIN PGP SIGNED MESSAGE-----")) {
      in_armour_header_ = pgp_signed_ = true;
      outside_signature_ = false;
      return true;
    }
    if (record.starts_with("-----BEGIN PGP SIGNATURE-----") && pgp_signed_) in_signature_ = true;
    if (in_signature_ && record.starts_with("-----END PGP SIGNATURE-----")) {
      in_signature_ = false;
      outside_signature_ = true;
      return true;
    }
    unsigned_text_ |= outside_signature_;
    return in_armour_header_ || in_signature_ || outside_signature_;
  }

  std::string_view rest_;
  char separator_;
  Habits habits_;
  bool is_hashdeep_ = false;
  std::uint64_t number_ = 0;
  std::string comments_;
  bool pgp_signed_ = false;
  bool in_armour_header_ = false;
  bool in_signature_ = false;
  bool outside_signature_ = false;  // of a text that is signed: not part of the list
  bool unsigned_text_ = false;
};

}  // namespace

ListText ReadLines(std::string_view text, std::string_view file_name) {
  ListText list;
  RecordReader reader(text, file_name);
  while (auto record = reader.Next()) {
    if (record->line) {
      list.lines.push_back(std::move(*record->line));
    } else if (list.problems.size() < kMaxProblems) {
      list.problems.push_back({reader.Number(), std::move(record->problem)});
    } else {
      ++list.further_problems;
    }
  }
  list.comments = reader.TakeComments();
  list.pgp_signed = reader.PgpSigned();
  list.has_unsigned_text = reader.HasUnsignedText();
  return list;
}

std::optional<LineShape> FirstShape(std::string_view text, std::string_view file_name) {
  RecordReader reader(text, file_name);
  while (auto record = reader.Next()) {
    if (record->line) return record->line->shape;
  }
  return std::nullopt;
}

std::string NameOfHashedFile(std::string_view file_name) {
  static constexpr std::string_view kSuffixes[] = {
      ".md5",       ".md5sum", ".sha1",  ".sha1sum", ".sha256", ".sha256sum", ".sha512",
      ".sha512sum", ".b2",     ".b2sum", ".blake2b", ".b3",     ".b3sum",     ".blake3",
      ".crc32",     ".crc",    ".hash",  ".digest",  ".sum",    ".checksum"};
  const std::string lower = AsciiLower(file_name);
  for (const std::string_view suffix : kSuffixes) {
    if (lower.size() > suffix.size() && lower.ends_with(suffix)) {
      return std::string(file_name.substr(0, file_name.size() - suffix.size()));
    }
  }
  return {};
}

}  // namespace hallmark
