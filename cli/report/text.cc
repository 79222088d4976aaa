#include "cli/report/text.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/text.h"

namespace hallmark {
namespace {

Tone ToneOf(Severity severity) {
  switch (severity) {
    case Severity::kDanger:
      return Tone::kBad;
    case Severity::kWarning:
      return Tone::kUnsure;
    case Severity::kNote:
      return Tone::kPlain;
  }
  return Tone::kPlain;
}

}  // namespace

std::size_t Columns(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string Wrapped(std::string_view text, std::size_t width, std::size_t indent,
                    std::size_t first_column) {
  std::string out;
  std::size_t column = first_column;
  bool line_has_word = false;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    const std::string_view word = text.substr(start, end - start);
    start = end + 1;
    if (word.empty()) continue;
    const std::size_t size = Columns(word);
    if (line_has_word && column + 1 + size > width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
      line_has_word = false;
    }
    if (line_has_word) {
      out += ' ';
      ++column;
    }
    out += word;
    column += size;
    line_has_word = true;
  }
  return out + "\n";
}

void TextTable::AlignRight(std::size_t column) {
  if (right_.size() <= column) right_.resize(column + 1);
  right_[column] = true;
}

void TextTable::Add(std::vector<std::string> cells, Tone tone) {
  rows_.push_back({std::move(cells), tone, false, 0});
}

void TextTable::AddLine(std::string_view text, std::size_t extra) {
  rows_.push_back({{std::string(text)}, Tone::kPlain, true, extra});
}

std::string TextTable::ToString(const Style& style) const {
  std::vector<std::size_t> widths;
  for (const Row& row : rows_) {
    if (row.is_line) continue;
    if (widths.size() < row.cells.size()) widths.resize(row.cells.size());
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      // A last cell needs no column: nothing stands to the right of it.
      const bool last = i + 1 == row.cells.size();
      if (!last || (i < right_.size() && right_[i])) {
        widths[i] = std::max(widths[i], Columns(row.cells[i]));
      }
    }
  }
  std::string text;
  for (const Row& row : rows_) {
    const std::size_t first = widths.empty() ? 0 : widths[0] + 2;
    std::string line(indent_ + (row.is_line ? first + row.extra : 0), ' ');
    std::size_t pending = 0;  // spaces owed before the next cell that is not empty
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const std::string& cell = row.cells[i];
      const std::size_t columns = Columns(cell);
      const std::size_t padding = row.is_line || widths[i] < columns ? 0 : widths[i] - columns;
      const bool right = i < right_.size() && right_[i] && !row.is_line;
      if (right) pending += padding;
      if (!cell.empty()) {
        line.append(pending, ' ');
        pending = 0;
        line += i == 0 ? style.Paint(row.tone, cell) : cell;
      }
      pending += (right ? 0 : padding) + 2;
    }
    text += line + "\n";
  }
  return text;
}

std::string FindingsText(std::span<const Finding> findings, const Style& style, std::size_t width) {
  std::string text;
  for (const Severity severity : {Severity::kDanger, Severity::kWarning, Severity::kNote}) {
    for (const Finding& finding : findings) {
      if (finding.severity != severity) continue;
      const std::string_view name = SeverityName(severity);
      std::string what;
      if (!finding.subject.empty()) what += EscapeForPeople(finding.subject) + ": ";
      if (finding.offset) what += fmt::format("at byte {:#x}: ", *finding.offset);
      what += EscapeForPeople(finding.message);
      text += style.Paint(ToneOf(severity), name) + ": ";
      text += Wrapped(what, width, 2, name.size() + 2);
    }
  }
  return text;
}

std::string FirstNames(std::span<const std::string> names, std::size_t limit) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), limit); ++i) {
    text += (i == 0 ? "" : ", ") + EscapeForPeople(names[i]);
  }
  if (names.size() > limit) text += fmt::format(" and {} more", names.size() - limit);
  return text;
}

std::string ShortHex(std::string_view hex) {
  return hex.size() <= 16 ? std::string(hex) : fmt::format("{}…", hex.substr(0, 12));
}

std::string RangeText(const ByteRange& range) {
  if (range.size == 0) return fmt::format("byte {:#x}, empty", range.offset);
  return fmt::format("bytes {:#x}-{:#x} ({})", range.offset, range.End() - 1,
                     HumanBytes(range.size));
}

}  // namespace hallmark
