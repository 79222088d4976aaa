#include <fmt/format.h>

#include <algorithm>

#include "cli/report/diff/diff_report.h"
#include "cli/report/diff/diff_view.h"
#include "cli/report/text.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

// GitHub refuses comments of more than 65,536 characters.
constexpr std::size_t kMaxComment = 60'000;
constexpr std::size_t kShownRows = 20;  // of one table
constexpr std::size_t kShownLines = 10;
constexpr std::size_t kMaxValueColumns = 60;  // of a field's value
constexpr std::size_t kMaxProseColumns = 400;

// A code span, in which nothing has a meaning: fenced by more backticks than it holds. `shown` is
// escaped for people. In tables a pipe needs a backslash even there.
std::string Span(std::string_view shown, bool in_table) {
  std::string content;
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const char c : shown) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
    if (c == '|' && in_table) content += '\\';
    content += c;
  }
  if (content.starts_with('`') || content.ends_with('`')) content = " " + content + " ";
  const std::string fence(longest + 1, '`');
  return fence + content + fence;
}

std::string Code(std::string_view text, bool in_table = true,
                 std::size_t columns = kMaxNameColumns) {
  return Span(ShownText(text, columns), in_table);
}

bool IsPlain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z') || std::string_view(".,;:%()/'+-=").find(c) != std::string::npos;
}

// Words that Markdown or GitHub could take for more than words (emphasis, links, mentions) become
// code spans.
std::string Prose(std::string_view text, bool in_table = false) {
  const std::string shown = ShownText(text, kMaxProseColumns);
  std::string out;
  for (std::size_t start = 0; start <= shown.size();) {
    const std::size_t end = std::min(shown.find(' ', start), shown.size());
    const std::string_view word = std::string_view(shown).substr(start, end - start);
    const bool plain = std::ranges::all_of(word, IsPlain) &&
                       word.find("//") == std::string_view::npos &&
                       AsciiLower(word).find("www.") == std::string::npos;
    if (!word.empty()) {
      if (!out.empty()) out += ' ';
      // What ends a clause is no part of a name.
      const std::size_t tail = word.find_last_not_of(",:;") + 1;
      out += plain || tail == 0 ? std::string(word) : Span(word.substr(0, tail), in_table);
      if (!plain && tail > 0) out += word.substr(tail);
    }
    start = end + 1;
  }
  return out;
}

std::string Row(const std::vector<std::string>& cells) {
  return fmt::format("| {} |\n", fmt::join(cells, " | "));
}

// Heads and the line below them; `left` columns are aligned left, the others right.
std::string HeadRows(const std::vector<std::string>& heads, std::size_t left) {
  std::string text = Row(heads) + "|";
  for (std::size_t i = 0; i < heads.size(); ++i) text += i < left ? " --- |" : " ---: |";
  return text + "\n";
}

std::string More(std::size_t count, std::string_view noun) {
  if (count == 0) return {};
  return fmt::format("\n… and {} more {}{}\n", WithCommas(count), noun, count == 1 ? "" : "s");
}

std::vector<std::string> WithHeads(std::vector<std::string> first) {
  const std::vector<std::string> heads = ValueHeads();
  first.insert(first.end(), heads.begin(), heads.end());
  return first;
}

void AddCells(const ValueComparison* values, std::vector<std::string>* cells) {
  std::vector<std::string> more(kValueColumns);
  if (values != nullptr) more = ValueCells(*values);
  // "<0.001 %" is no tag, but renderers that are less strict than GitHub's may think so.
  if (more[0].starts_with('<')) more[0] = "&lt;" + more[0].substr(1);
  if (more[0].starts_with('>')) more[0] = "&gt;" + more[0].substr(1);
  if (more[4].starts_with('>')) more[4] = "&gt;" + more[4].substr(1);
  cells->insert(cells->end(), more.begin(), more.end());
}

std::string Explanations(const DiffReport& report) {
  if (report.explanations.empty()) return {};
  std::string text = "\n#### What explains it\n\n";
  const std::size_t shown = std::min(report.explanations.size(), kShownLines);
  for (std::size_t i = 0; i < shown; ++i) {
    const Explanation& explanation = report.explanations[i];
    text += fmt::format("- **{}**: ", ExplanationKindName(explanation.kind));
    if (!explanation.subject.empty()) text += Code(explanation.subject, false) + ": ";
    text += Prose(explanation.text) + "\n";
  }
  return text + More(report.explanations.size() - shown, "explanation");
}

std::string Layers(const DiffReport& report) {
  const std::vector<LayerRow> rows = LayerRows(report);
  if (rows.empty()) return {};
  std::string text = "\n#### Layers\n\n" + HeadRows(WithHeads({"layer", "state", "tensors"}), 3);
  // Those that are alike are few: what does not fit are layers that differ.
  std::size_t shown = 0;
  std::size_t left = 0;
  for (const LayerRow& row : rows) {
    if (row.state == LayerRow::State::kDifferent ? shown >= kShownRows : shown >= 2 * kShownRows) {
      left += row.layers;
      continue;
    }
    ++shown;
    std::vector<std::string> cells = {Code(row.name), std::string(LayerStateName(row.state)),
                                      LayerTensors(row)};
    AddCells(row.values, &cells);
    text += Row(cells);
  }
  return text + More(left, "layer");
}

std::string Tensors(const DiffReport& report) {
  const std::vector<const TensorDiff*> tensors = WorstTensors(report);
  if (tensors.empty()) return {};
  std::string text =
      "\n#### Tensors that differ, worst first\n\n" + HeadRows(WithHeads({"tensor"}), 1);
  std::string notes;
  const std::size_t shown = std::min(tensors.size(), kShownRows);
  for (std::size_t i = 0; i < shown; ++i) {
    const TensorDiff& tensor = *tensors[i];
    std::vector<std::string> cells = {Code(tensor.Name())};
    AddCells(tensor.values ? &*tensor.values : nullptr, &cells);
    text += Row(cells);
    std::string line;
    for (const std::string& note : NotesOn(tensor)) line += (line.empty() ? "" : "; ") + note;
    if (line.empty() && !tensor.values) line = WhatOf(tensor);
    if (!line.empty()) notes += fmt::format("- {}: {}\n", Code(tensor.Name(), false), Prose(line));
  }
  text += More(tensors.size() - shown, "tensor");
  if (!notes.empty()) text += "\n" + notes;
  return text;
}

std::string Rounding(const DiffReport& report) {
  std::string text;
  for (const RoundingRow& row : RoundingRows(report)) {
    text += fmt::format("- {}: {}\n", Count(row.tensors, "tensor"), Prose(RoundingText(row.sum)));
  }
  return text.empty() ? text : "\n#### Rounded to blocks\n\n" + text;
}

std::string Relations(const DiffReport& report) {
  const std::vector<RelationRow> rows = RelationRows(report);
  if (rows.empty()) return {};
  std::string text = "\n#### What lies between\n\n";
  const std::size_t shown = std::min(rows.size(), kShownLines);
  for (std::size_t i = 0; i < shown; ++i) {
    const RelationRow& row = rows[i];
    text += fmt::format("- {}: {}", Count(row.tensors, "tensor"), Prose(row.text));
    if (row.different > 0) {
      text +=
          fmt::format(" ({} all the same)",
                      row.tensors == 1 ? std::string("differs")
                                       : fmt::format("{} {}", WithCommas(row.different),
                                                     row.different == 1 ? "differs" : "differ"));
    }
    text += "\n";
  }
  return text + More(rows.size() - shown, "relation");
}

std::string OnlyIn(const DiffReport& report, TensorState state, std::string_view title) {
  const std::vector<TensorPattern> patterns = PatternsIn(report, state);
  if (patterns.empty()) return {};
  std::string text =
      fmt::format("\n#### {}\n\n{}", title, HeadRows({"tensors", "type", "shape", "count"}, 3));
  const std::size_t shown = std::min(patterns.size(), kShownRows);
  for (std::size_t i = 0; i < shown; ++i) {
    const TensorPattern& pattern = patterns[i];
    text += Row({Code(pattern.pattern), std::string(DtypeName(pattern.dtype)),
                 ShapeText(pattern.shape), WithCommas(pattern.tensors)});
  }
  return text + More(patterns.size() - shown, "pattern");
}

std::string NotCompared(const DiffReport& report) {
  const std::vector<ReasonRow> rows = NotComparedRows(report);
  if (rows.empty()) return {};
  std::string text = "\n#### Not compared\n\n";
  const std::size_t shown = std::min(rows.size(), kShownLines);
  for (std::size_t i = 0; i < shown; ++i) {
    const ReasonRow& row = rows[i];
    text += "- " + Code(row.names.front(), false);
    if (row.names.size() > 1) {
      text += fmt::format(" and {} more", WithCommas(row.names.size() - 1));
    }
    text += ": " + (row.reason.empty() ? std::string("no reason known") : Prose(row.reason)) + "\n";
  }
  return text + More(rows.size() - shown, "reason");
}

std::string Fields(const DiffReport& report) {
  std::string text;
  const std::vector<const FieldDiff*> fields = FieldsByMeaning(report);
  if (!fields.empty()) {
    text += "\n#### Fields that differ\n\n" +
            HeadRows({"where", "field", "A", "B", "changes the model"}, 5);
    const auto value = [](const std::string& json) {
      return json.empty() ? std::string("absent") : Code(json, true, kMaxValueColumns);
    };
    const std::size_t shown = std::min(fields.size(), kShownRows);
    for (std::size_t i = 0; i < shown; ++i) {
      const FieldDiff& field = *fields[i];
      text += Row({Prose(field.area, true), Code(field.field), value(field.a), value(field.b),
                   field.has_meaning ? "yes" : "no"});
    }
    text += More(fields.size() - shown, "field");
  }
  if (report.fields_not_compared.empty()) return text;
  text += fields.empty() ? "\n#### Fields\n\n" : "\n";
  const std::size_t shown = std::min(report.fields_not_compared.size(), kShownLines);
  for (std::size_t i = 0; i < shown; ++i) {
    text += "- not compared: " + Prose(report.fields_not_compared[i]) + "\n";
  }
  return text + More(report.fields_not_compared.size() - shown, "reason");
}

std::string Findings(const DiffReport& report) {
  if (report.findings.empty()) return {};
  std::string text = "\n#### Findings\n\n";
  std::size_t shown = 0;
  for (const Severity severity : {Severity::kDanger, Severity::kWarning, Severity::kNote}) {
    for (const Finding& finding : report.findings) {
      if (finding.severity != severity || shown == kShownRows) continue;
      ++shown;
      text += fmt::format("- **{}**: ", SeverityName(severity));
      if (!finding.subject.empty()) text += Code(finding.subject, false) + ": ";
      if (finding.offset) text += fmt::format("at byte {:#x}: ", *finding.offset);
      text += Prose(finding.message) + "\n";
    }
  }
  return text + More(report.findings.size() - shown, "finding");
}

std::string Read(const DiffReport& report) {
  std::string text = "\n#### Read\n\n" + HeadRows({"", "model", "what it is", "read"}, 3);
  for (const DiffSide* side : {&report.a, &report.b}) {
    text += Row({side == &report.a ? "A" : "B", Code(side->name), Prose(SideText(*side), true),
                 HumanBytes(side->bytes_read)});
  }
  text += "\n" + Prose(ComparedText(report)) + "\n";
  for (const DiffSide* side : {&report.a, &report.b}) {
    const std::vector<std::string> left_out = LeftOutTexts(*side);
    const std::size_t shown = std::min(left_out.size(), kShownLines);
    if (shown > 0) text += "\n";
    for (std::size_t i = 0; i < shown; ++i) {
      text +=
          fmt::format("- left out of {}: {}\n", side == &report.a ? "A" : "B", Prose(left_out[i]));
    }
    text += More(left_out.size() - shown, "reason");
  }
  return text;
}

}  // namespace

std::string DiffMarkdown(const DiffReport& report) {
  std::string text = fmt::format("### hallmark diff: {}\n\n{}\n", DiffVerdictName(report.verdict),
                                 Prose("Summary: " + report.summary));
  if (!report.hint.empty()) text += "\n" + Prose("Hint: " + report.hint) + "\n";
  bool cut = false;
  for (const std::string& section :
       {Explanations(report), Layers(report), Tensors(report), Rounding(report), Relations(report),
        OnlyIn(report, TensorState::kOnlyInA, "Only in A"),
        OnlyIn(report, TensorState::kOnlyInB, "Only in B"), NotCompared(report), Fields(report),
        Findings(report), Read(report)}) {
    if (text.size() + section.size() > kMaxComment) {
      cut = true;
    } else {
      text += section;
    }
  }
  if (cut) text += "\nSections that make this too long are left out; `--json` has all of them.\n";
  return text;
}

}  // namespace hallmark
