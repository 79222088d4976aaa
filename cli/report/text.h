// Text for people: wrapped paragraphs, aligned tables, findings. Lines fit the width where words
// allow it; nothing from a file is printed unescaped.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal.h"
#include "src/base/finding.h"
#include "src/base/numbers.h"
#include "src/tensor/tensor_info.h"

namespace hallmark {

inline constexpr std::size_t kMaxTextWidth = 100;

// How many columns a line of UTF-8 takes; every code point counts as one.
std::size_t Columns(std::string_view text);

// `text` in lines of at most `width` columns; those after the first start with `indent` spaces.
// `first_column`: columns already taken on the first line. Ends with a newline.
std::string Wrapped(std::string_view text, std::size_t width, std::size_t indent,
                    std::size_t first_column = 0);

// Rows of cells, columns aligned, two spaces between them and `indent` before; numbers may be
// aligned right. No trailing spaces.
class TextTable {
 public:
  explicit TextTable(std::size_t indent) : indent_(indent) {}
  void AlignRight(std::size_t column);
  // `tone` paints the first cell.
  void Add(std::vector<std::string> cells, Tone tone = Tone::kPlain);
  // A line of its own between rows, `extra` spaces further in than the second column.
  void AddLine(std::string_view text, std::size_t extra = 0);
  bool IsEmpty() const { return rows_.empty(); }
  std::string ToString(const Style& style) const;

 private:
  struct Row {
    std::vector<std::string> cells;
    Tone tone = Tone::kPlain;
    bool is_line = false;
    std::size_t extra = 0;
  };
  std::size_t indent_;
  std::vector<Row> rows_;
  std::vector<bool> right_;
};

// "note: SUBJECT: message" and so on, most severe first; empty for none.
std::string FindingsText(std::span<const Finding> findings, const Style& style, std::size_t width);

// "a, b and 3 more": the first `limit` of names from files, escaped.
std::string FirstNames(std::span<const std::string> names, std::size_t limit);
std::string ShortHex(std::string_view hex);     // the first 12 digits and "…"
std::string RangeText(const ByteRange& range);  // "bytes 0x400000-0x7fffff (4.2 MB)"

}  // namespace hallmark
