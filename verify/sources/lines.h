// The one tokenizer of all line-based checksum lists: docs/sources/lists.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hallmark {

enum class LineShape {
  kGnu,       // "hex  name", "hex *name", "hex name": coreutils, b3sum, md5 -r
  kTagged,    // "SHA256 (name) = hex": BSD, coreutils --tag
  kOpenssl,   // "SHA2-256(name)= hex": openssl dgst
  kSfv,       // "name crc32"
  kHashdeep,  // "size,hex,…,name", after a line that names the columns
  kGgufHash,  // "sha256    hex  name", "sha256    hex  name:tensor": llama-gguf-hash
  kLone,      // "hex", "hex  -", "SHA2-256(stdin)= hex": a digest of a file that is not named
};

struct ListLine {
  std::uint64_t number = 0;  // 1-based; counts records where NUL separates them
  LineShape shape = LineShape::kGnu;
  std::string tag;   // the algorithm as written, or empty
  std::string hex;   // hex digits, of any length
  std::string name;  // unescaped, unchecked; empty for kLone
  // True if backslashes in `name` are part of it: written with coreutils' escapes, or in a
  // NUL-separated list, which only coreutils writes. Else they may be Windows' separators.
  bool backslashes_meant = false;
  // Of kHashdeep only: the size, and the digests after the first.
  std::optional<std::uint64_t> size = {};
  struct TaggedHex {
    std::string tag, hex;
  };
  std::vector<TaggedHex> further = {};
};

struct LineProblem {
  std::uint64_t number;
  std::string message;
};

struct ListText {
  std::vector<ListLine> lines;
  std::vector<LineProblem> problems;   // the first 100 lines that are no checksum lines
  std::uint64_t further_problems = 0;  // how many more there are
  std::string comments;                // text of the comments, at most 4096 bytes
  bool pgp_signed = false;             // the list stood inside a PGP clear-text signature
  bool has_unsigned_text = false;      // text outside the signed part, which is left out
};

// Accepts CRLF, a byte order mark, comments (# and ;), blank lines, coreutils' escapes, `algo:hex`,
// NUL instead of newline (coreutils -z), PGP clear-text armour. Names in a hashdeep list that lie
// below the folder it says it was made in are taken relative to it.
ListText ReadLines(std::string_view text, std::string_view file_name);

// The shape of the first checksum line, if there is any.
std::optional<LineShape> FirstShape(std::string_view text, std::string_view file_name);

// "model.bin" of "model.bin.sha256"; empty where the name doesn't end like a checksum file's.
std::string NameOfHashedFile(std::string_view file_name);

}  // namespace hallmark
