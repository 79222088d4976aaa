#include <fmt/format.h>

#include <algorithm>

#include "cli/report/diff/diff_report.h"
#include "cli/report/diff/diff_view.h"
#include "cli/report/text.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::size_t kShownRows = 10;       // of one section
constexpr std::size_t kShownDescribing = 3;  // fields that only describe
constexpr std::size_t kShownNames = 3;
constexpr std::size_t kMinValueColumns = 12;  // of a field's value
constexpr std::size_t kMaxNoteColumns = 300;

Tone ToneOf(DiffVerdict verdict) {
  switch (verdict) {
    case DiffVerdict::kEqual:
    case DiffVerdict::kEqualRelated:
      return Tone::kGood;
    case DiffVerdict::kDifferent:
      return Tone::kBad;
    case DiffVerdict::kInconclusive:
      return Tone::kUnsure;
  }
  return Tone::kUnsure;
}

Tone ToneOf(LayerRow::State state) {
  switch (state) {
    case LayerRow::State::kDifferent:
      return Tone::kBad;
    case LayerRow::State::kNotCompared:
      return Tone::kUnsure;
    case LayerRow::State::kEqual:
      return Tone::kGood;
  }
  return Tone::kUnsure;
}

// Writes a report with limits on its sections, or without.
class Writer {
 public:
  Writer(const DiffReport& report, bool verbose, const Style& style, std::size_t width)
      : report_(report), verbose_(verbose), style_(style), width_(width) {}

  std::string Explanations() const;
  std::string Layers() const;
  std::string Tensors() const;
  std::string Rounding() const;
  std::string Ulps() const;
  std::string Relations() const;
  std::string OnlyIn(TensorState state, std::string_view title) const;
  std::string NotCompared() const;
  std::string Fields() const;
  std::string Read() const;

 private:
  std::size_t Shown(std::size_t count, std::size_t limit = kShownRows) const {
    return verbose_ ? count : std::min(count, limit);
  }
  // "… and 3 more layers; --verbose shows them"; empty for none.
  static std::string More(std::size_t count, std::string_view noun) {
    if (count == 0) return {};
    return fmt::format("… and {} more {}{}; --verbose shows {}", WithCommas(count), noun,
                       count == 1 ? "" : "s", count == 1 ? "it" : "them");
  }
  static std::string MoreLine(std::size_t count, std::string_view noun) {
    return count == 0 ? "" : "  " + More(count, noun) + "\n";
  }
  // A paragraph `indent` columns in, with those after the first line further.
  std::string Paragraph(const std::string& text, std::size_t indent) const {
    return std::string(indent, ' ') + Wrapped(text, width_, indent + 2, indent);
  }
  std::string TensorTable(const std::vector<const TensorDiff*>& tensors, std::size_t shown,
                          bool names_apart) const;

  const DiffReport& report_;
  const bool verbose_;
  const Style& style_;
  const std::size_t width_;
};

std::string Writer::Explanations() const {
  std::string text;
  const std::size_t shown = Shown(report_.explanations.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const Explanation& explanation = report_.explanations[i];
    std::string line = fmt::format("{}: ", ExplanationKindName(explanation.kind));
    if (!explanation.subject.empty()) {
      line += ShownText(explanation.subject, kMaxNameColumns) + ": ";
    }
    line += EscapeForPeople(explanation.text);
    if (verbose_) {
      for (const Explanation::Number& number : explanation.numbers) {
        line += fmt::format("{}{} {}", &number == explanation.numbers.data() ? " (" : ", ",
                            EscapeForPeople(number.name), NumberText(number.value));
      }
      if (!explanation.numbers.empty()) line += ")";
    }
    text += Paragraph(line, 2);
  }
  if (text.empty()) return text;
  return "\nwhat explains it\n" + text +
         MoreLine(report_.explanations.size() - shown, "explanation");
}

// Which columns of values a table has.
using Kept = std::vector<std::size_t>;

Kept AllColumns(bool flips) {
  Kept kept = {0, 1, 2, 3, 4};
  if (flips) kept.push_back(5);
  return kept;
}

void AddColumns(const std::vector<std::string>& from, const Kept& kept,
                std::vector<std::string>* cells) {
  for (const std::size_t column : kept) cells->push_back(from[column]);
}

std::size_t WidestLine(std::string_view text) {
  std::size_t widest = 0;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    widest = std::max(widest, Columns(text.substr(start, end - start)));
    start = end + 1;
  }
  return widest;
}

void AlignValues(std::size_t first, TextTable* table) {
  for (std::size_t i = 0; i < kValueColumns; ++i) table->AlignRight(first + i);
}

std::string Writer::Layers() const {
  const std::vector<LayerRow> rows = LayerRows(report_);
  if (rows.empty()) return {};
  const auto differ = static_cast<std::size_t>(
      std::ranges::count(rows, LayerRow::State::kDifferent, &LayerRow::state));
  const std::size_t shown = Shown(differ);
  const bool values = std::ranges::any_of(rows, [](const LayerRow& row) { return row.values; });
  const bool flips = std::ranges::any_of(
      rows, [](const LayerRow& row) { return row.values && row.values->sign_flips > 0; });
  const ValueComparison total = report_.Total();
  const auto draw = [&](const Kept& kept) {
    TextTable table(2);
    AlignValues(3, &table);
    std::vector<std::string> heads = {"", "", "tensors"};
    if (values) AddColumns(ValueHeads(), kept, &heads);
    if (differ > 0) table.Add(std::move(heads));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const LayerRow& row = rows[i];
      if (i >= shown && i < differ) continue;
      if (i == differ && shown < differ) table.AddLine(More(differ - shown, "layer"));
      std::vector<std::string> cells = {std::string(LayerStateName(row.state)),
                                        ShownText(row.name, kMaxNameColumns), LayerTensors(row)};
      if (row.values != nullptr) AddColumns(ValueCells(*row.values), kept, &cells);
      table.Add(std::move(cells), ToneOf(row.state));
    }
    if (differ == rows.size() && shown < differ) table.AddLine(More(differ - shown, "layer"));
    if (values && report_.groups.size() > 1) {
      std::vector<std::string> cells = {"all", "", ""};
      AddColumns(ValueCells(total), kept, &cells);
      table.Add(std::move(cells));
    }
    return table;
  };
  const Kept all = AllColumns(flips);
  // What tells least goes first where there is no room.
  for (const Kept& kept : {all, Kept{0, 1, 2, 3, 4}, Kept{0, 1, 2, 3}, Kept{0, 1, 3}}) {
    const TextTable table = draw(kept);
    if (kept.size() > 3 && WidestLine(table.ToString(Style())) > width_) continue;
    return "\nlayers\n" + table.ToString(style_);
  }
  return {};
}

std::string Writer::TensorTable(const std::vector<const TensorDiff*>& tensors, std::size_t shown,
                                bool names_apart) const {
  const auto first = tensors.begin();
  const auto last = first + static_cast<std::ptrdiff_t>(shown);
  const bool values = std::any_of(first, last, [](const TensorDiff* t) { return t->values; });
  const bool flips = std::any_of(
      first, last, [](const TensorDiff* t) { return t->values && t->values->sign_flips > 0; });
  const Kept kept = AllColumns(flips);
  TextTable table(2);
  if (values) {
    AlignValues(1, &table);
    std::vector<std::string> heads = {""};
    AddColumns(ValueHeads(), kept, &heads);
    table.Add(std::move(heads));
  }
  for (auto tensor = first; tensor != last; ++tensor) {
    std::string notes;
    for (const std::string& note : NotesOn(**tensor)) {
      notes += (notes.empty() ? "" : "; ") + ShownText(note, kMaxNoteColumns);
    }
    if (notes.empty() && !(*tensor)->values) notes = ShownText(WhatOf(**tensor), kMaxNoteColumns);
    std::vector<std::string> cells = {ShownText((*tensor)->Name(), kMaxNameColumns)};
    if (!values && !names_apart) {
      table.Add({cells[0], notes});
      continue;
    }
    if ((*tensor)->values && names_apart) {
      table.Add(std::move(cells));
      cells = {""};
    }
    if ((*tensor)->values) AddColumns(ValueCells(*(*tensor)->values), kept, &cells);
    table.Add(std::move(cells));
    if (notes.empty()) continue;
    const std::string lines = Wrapped(notes, width_, 6, 6);
    table.Add({"    " + lines.substr(0, lines.size() - 1)});
  }
  return table.ToString(style_);
}

std::string Writer::Tensors() const {
  const std::vector<const TensorDiff*> tensors = WorstTensors(report_);
  if (tensors.empty()) return {};
  const std::size_t shown = Shown(tensors.size());
  std::string table = TensorTable(tensors, shown, false);
  if (WidestLine(table) > width_) table = TensorTable(tensors, shown, true);
  return fmt::format("\ntensors that differ{}\n", tensors.size() > 1 ? ", worst first" : "") +
         table + MoreLine(tensors.size() - shown, "tensor");
}

std::string Writer::Rounding() const {
  std::string text;
  for (const RoundingRow& row : RoundingRows(report_)) {
    text +=
        Paragraph(fmt::format("{}: {}", Count(row.tensors, "tensor"), RoundingText(row.sum)), 2);
  }
  return text.empty() ? text : "\nrounded to blocks\n" + text;
}

std::string Writer::Ulps() const {
  std::string text;
  for (const UlpRow& row : UlpRows(report_)) {
    std::uint64_t all = 0;
    for (const std::uint64_t count : row.sum.bins) all += count;
    text += fmt::format("\ndistance in steps of {}, {}\n", DtypeName(row.unit),
                        Count(row.tensors, "tensor"));
    TextTable table(2);
    for (std::size_t column : {0, 1, 2}) table.AlignRight(column);
    for (std::size_t bin = 0; bin < row.sum.bins.size(); ++bin) {
      if (row.sum.bins[bin] == 0) continue;
      table.Add(
          {UlpBinText(bin), WithCommas(row.sum.bins[bin]), ShareText(row.sum.bins[bin], all)});
    }
    text += table.ToString(Style());
  }
  return text;
}

std::string Writer::Relations() const {
  const std::vector<RelationRow> rows = RelationRows(report_);
  if (rows.empty()) return {};
  const std::size_t shown = Shown(rows.size());
  std::string text = "\nwhat lies between\n";
  for (std::size_t i = 0; i < shown; ++i) {
    const RelationRow& row = rows[i];
    std::string line = ShownText(row.text, kMaxNoteColumns) + ": ";
    line +=
        row.tensors == 1 ? ShownText(row.example, kMaxNameColumns) : Count(row.tensors, "tensor");
    if (row.different == row.tensors) {
      line += row.tensors == 1 ? ", which differs all the same" : ", which differ all the same";
    } else if (row.different > 0) {
      line += fmt::format(", {} of which {} all the same", WithCommas(row.different),
                          row.different == 1 ? "differs" : "differ");
    }
    text += Paragraph(line, 2);
  }
  return text + MoreLine(rows.size() - shown, "relation");
}

std::string Writer::OnlyIn(TensorState state, std::string_view title) const {
  const std::vector<TensorPattern> patterns = PatternsIn(report_, state);
  if (patterns.empty()) return {};
  TextTable table(2);
  const std::size_t shown = Shown(patterns.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const TensorPattern& pattern = patterns[i];
    table.Add({ShownText(pattern.pattern, kMaxNameColumns), std::string(DtypeName(pattern.dtype)),
               ShapeText(pattern.shape),
               pattern.tensors > 1 ? fmt::format("×{}", WithCommas(pattern.tensors)) : ""});
  }
  return fmt::format("\n{}\n{}{}", title, table.ToString(Style()),
                     MoreLine(patterns.size() - shown, "pattern"));
}

std::string Writer::NotCompared() const {
  const std::vector<ReasonRow> rows = NotComparedRows(report_);
  if (rows.empty()) return {};
  const std::size_t shown = Shown(rows.size());
  std::string text = "\nnot compared\n";
  for (std::size_t i = 0; i < shown; ++i) {
    const ReasonRow& row = rows[i];
    const std::string names = FirstNames(row.names, Shown(row.names.size(), kShownNames));
    text += Paragraph(fmt::format("{}: {}", names,
                                  row.reason.empty() ? "no reason known"
                                                     : ShownText(row.reason, kMaxNoteColumns)),
                      2);
  }
  return text + MoreLine(rows.size() - shown, "reason");
}

std::string Writer::Fields() const {
  const std::vector<const FieldDiff*> fields = FieldsByMeaning(report_);
  if (fields.empty() && report_.fields_not_compared.empty()) return {};
  const auto meaningful = static_cast<std::size_t>(
      std::ranges::count_if(fields, [](const FieldDiff* field) { return field->has_meaning; }));
  std::size_t names = 0;
  for (const FieldDiff* field : fields) {
    names = std::max(names, Columns(ShownText(field->area, kMaxNameColumns)) +
                                Columns(ShownText(field->field, kMaxNameColumns)));
  }
  // Both values share what the names leave.
  const std::size_t room = width_ > names + 8 ? (width_ - names - 8) / 2 : 0;
  const std::size_t columns = verbose_ ? kMaxNoteColumns : std::max(room, kMinValueColumns);
  const auto value = [&](const std::string& json) {
    return json.empty() ? std::string("absent") : ShownText(json, columns);
  };
  TextTable table(2);
  table.Add({"", "", "A", "B"});
  const auto add = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const FieldDiff& field = *fields[i];
      table.Add({ShownText(field.area, kMaxNameColumns), ShownText(field.field, kMaxNameColumns),
                 value(field.a), value(field.b)});
    }
  };
  const std::size_t shown = Shown(meaningful);
  add(0, shown);
  std::size_t left = meaningful - shown;
  if (left > 0) table.AddLine(More(left, "field"));
  if (fields.size() > meaningful) {
    const std::size_t describing = fields.size() - meaningful;
    const std::size_t also = Shown(describing, kShownDescribing);
    table.AddLine(meaningful == 0 ? "fields that only describe" : "and these only describe");
    add(meaningful, meaningful + also);
    left = describing - also;
    if (left > 0) table.AddLine(More(left, "field"));
  }
  std::string text;
  if (!fields.empty()) {
    text = fmt::format("\nfields that differ, {} of {}\n", WithCommas(fields.size()),
                       WithCommas(std::max<std::uint64_t>(report_.fields_compared, fields.size())));
    text += table.ToString(Style());
  } else {
    text =
        fmt::format("\nfields: {} compared, none differs\n", WithCommas(report_.fields_compared));
  }
  for (const std::string& reason : report_.fields_not_compared) {
    text += Paragraph("not compared: " + ShownText(reason, kMaxNoteColumns), 2);
  }
  return text;
}

std::string Writer::Read() const {
  std::string text = "\nread\n";
  for (const DiffSide* side : {&report_.a, &report_.b}) {
    std::string line = fmt::format("{}: {}: {}, {} read", side == &report_.a ? "A" : "B",
                                   ShownText(side->name, kMaxNameColumns),
                                   EscapeForPeople(SideText(*side)), HumanBytes(side->bytes_read));
    if (verbose_ && !side->identity.empty()) line += ", " + EscapeForPeople(side->identity);
    text += Paragraph(line, 2);
  }
  text += Paragraph(ComparedText(report_), 2);
  for (const DiffSide* side : {&report_.a, &report_.b}) {
    for (const std::string& left_out : LeftOutTexts(*side)) {
      text += Paragraph(fmt::format("left out of {}: {}", side == &report_.a ? "A" : "B",
                                    ShownText(left_out, kMaxNoteColumns)),
                        2);
    }
  }
  return text;
}

}  // namespace

std::string DiffText(const DiffReport& report, bool verbose, const Style& style,
                     std::size_t width) {
  width = std::min(width, kMaxTextWidth);
  const std::string_view name = DiffVerdictName(report.verdict);
  std::string text = style.Paint(ToneOf(report.verdict), name) + ": ";
  text += Wrapped(EscapeForPeople(report.summary), width, 2, name.size() + 2);
  const Writer writer(report, verbose, style, width);
  text += writer.Explanations();
  text += writer.Layers();
  text += writer.Tensors();
  text += writer.Rounding();
  text += writer.Ulps();
  text += writer.Relations();
  text += writer.OnlyIn(TensorState::kOnlyInA, "only in A");
  text += writer.OnlyIn(TensorState::kOnlyInB, "only in B");
  text += writer.NotCompared();
  text += writer.Fields();
  text += writer.Read();
  text += FindingsText(report.findings, style, width);
  if (!report.hint.empty()) text += "hint: " + Wrapped(EscapeForPeople(report.hint), width, 2, 6);
  return text;
}

}  // namespace hallmark
