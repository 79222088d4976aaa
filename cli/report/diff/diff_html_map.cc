// The heat map: a panel a stack of layers, then the tensors that are in none. What would not fit a
// panel (very many kinds or layers, which hostile files have) is laid out like text instead.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>
#include <vector>

#include "cli/report/diff/diff_html_parts.h"
#include "cli/report/html.h"
#include "cli/report/text.h"
#include "src/base/text.h"
#include "src/model/architecture.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxKinds = 96;  // rows; beyond it, numbers in kinds (experts) fold too
constexpr std::size_t kMaxRows = 300;  // after folding
constexpr std::size_t kMaxColumns = 500;
constexpr std::size_t kMaxPanels = 12;
constexpr std::size_t kMaxLabelled = 60;  // globals with their names beside them
constexpr std::size_t kLabelBytes = 36;
constexpr int kCellHeight = 15;
constexpr int kAxisHeight = 18;
constexpr double kLetterWidth = 6.7;  // of the labels' font, on the wide side

// Tensors that share a cell.
using Cell = std::vector<std::size_t>;

struct Row {
  std::string kind;
  std::map<std::size_t, Cell> cells;  // by column
};

struct Panel {
  std::string stack;  // "model.layers.", escaped by none
  std::vector<std::string> columns;
  std::vector<Row> rows;
};

struct Layer {
  std::string_view stack, number;
};

// What docs/identity.md, section 2, cut the key from; no number: a global.
Layer LayerOf(std::string_view group) {
  const std::string_view last = group.substr(group.rfind('.') + 1);
  if (!IsNumberComponent(last)) return {group, ""};
  return {group.substr(0, group.size() - last.size()), last};
}

std::string KindOf(const TensorDiff& tensor) {
  const std::string_view name = tensor.Name();
  if (name.size() > tensor.group.size() + 1 && name.starts_with(tensor.group) &&
      name[tensor.group.size()] == '.') {
    return std::string(name.substr(tensor.group.size() + 1));
  }
  return std::string(name);
}

// "mlp.experts.*.up_proj.weight"
std::string WithoutNumbers(std::string_view kind) {
  std::string out;
  for (std::size_t start = 0; start <= kind.size();) {
    const std::size_t end = std::min(kind.find('.', start), kind.size());
    const std::string_view component = kind.substr(start, end - start);
    if (start > 0) out += '.';
    out += IsNumberComponent(component) ? "*" : component;
    start = end + 1;
  }
  return out;
}

void FoldNumbers(Panel* panel) {
  std::vector<Row> folded;
  std::unordered_map<std::string, std::size_t> index;
  for (Row& row : panel->rows) {
    std::string kind = WithoutNumbers(row.kind);
    const auto [found, is_new] = index.try_emplace(kind, folded.size());
    if (is_new) folded.push_back({std::move(kind), {}});
    for (auto& [column, cell] : row.cells) {
      Cell& into = folded[found->second].cells[column];
      into.insert(into.end(), cell.begin(), cell.end());
    }
  }
  panel->rows = std::move(folded);
}

// Panels of layers, in the order of the groups, and the tensors of no layer.
struct Sorted {
  std::vector<Panel> panels;
  Cell globals, others;
};

Sorted SortIntoPanels(const DiffReport& report) {
  Sorted sorted;
  std::unordered_map<std::string, std::size_t> panel_index;
  struct Place {
    std::size_t panel, column;
  };
  std::unordered_map<std::string, Place> places;  // by group
  std::vector<std::unordered_map<std::string, std::size_t>> kind_index;
  const auto place_group = [&](const std::string& group) -> Place {
    const auto known = places.find(group);
    if (known != places.end()) return known->second;
    const Layer layer = LayerOf(group);
    const auto [found, is_new] =
        panel_index.try_emplace(std::string(layer.stack), sorted.panels.size());
    if (is_new) {
      sorted.panels.push_back({std::string(layer.stack), {}, {}});
      kind_index.emplace_back();
    }
    Panel& panel = sorted.panels[found->second];
    panel.columns.emplace_back(layer.number);
    return places.emplace(group, Place{found->second, panel.columns.size() - 1}).first->second;
  };
  for (const GroupDiff& group : report.groups) {
    if (!LayerOf(group.key).number.empty()) place_group(group.key);
  }
  for (std::size_t i = 0; i < report.tensors.size(); ++i) {
    const TensorDiff& tensor = report.tensors[i];
    if (LayerOf(tensor.group).number.empty()) {
      sorted.globals.push_back(i);
      continue;
    }
    const Place place = place_group(tensor.group);
    Panel& panel = sorted.panels[place.panel];
    std::string kind = KindOf(tensor);
    const auto [found, is_new] = kind_index[place.panel].try_emplace(kind, panel.rows.size());
    if (is_new) panel.rows.push_back({std::move(kind), {}});
    panel.rows[found->second].cells[place.column].push_back(i);
  }
  std::vector<Panel> kept;
  for (Panel& panel : sorted.panels) {
    if (panel.rows.size() > kMaxKinds) FoldNumbers(&panel);
    if (panel.rows.size() <= kMaxRows && panel.columns.size() <= kMaxColumns &&
        kept.size() < kMaxPanels) {
      if (!panel.rows.empty()) kept.push_back(std::move(panel));
      continue;
    }
    for (const Row& row : panel.rows) {
      for (const auto& [column, cell] : row.cells) {
        sorted.others.insert(sorted.others.end(), cell.begin(), cell.end());
      }
    }
  }
  std::ranges::sort(sorted.others);
  sorted.panels = std::move(kept);
  return sorted;
}

// The state that most needs to be seen of those in one cell.
int Weight(TensorState state) {
  switch (state) {
    case TensorState::kDifferent:
      return 5;
    case TensorState::kOnlyInA:
    case TensorState::kOnlyInB:
      return 4;
    case TensorState::kNotCompared:
      return 3;
    case TensorState::kRelated:
      return 2;
    case TensorState::kEqual:
      return 1;
  }
  return 0;
}

// Below 0: not known.
double Norm(const TensorDiff& tensor) { return tensor.values ? tensor.values->RelativeNorm() : -1; }

const TensorDiff& WorstOf(const DiffReport& report, const Cell& cell, std::size_t* at) {
  *at = cell[0];
  for (const std::size_t i : cell) {
    const TensorDiff& worst = report.tensors[*at];
    const TensorDiff& tensor = report.tensors[i];
    const int heavier = Weight(tensor.state) - Weight(worst.state);
    if (heavier > 0 || (heavier == 0 && Norm(tensor) > Norm(worst))) *at = i;
  }
  return report.tensors[*at];
}

std::string TensorTitle(const TensorDiff& tensor) {
  std::string title =
      fmt::format("{}: {}", HtmlFromFile(tensor.Name(), 160), StateLabel(tensor.state));
  if (tensor.state == TensorState::kDifferent && tensor.values) {
    title +=
        fmt::format(", relative norm {}, {} of values", ShownNumber(tensor.values->RelativeNorm()),
                    ShownShare(tensor.values->differing, tensor.values->values));
    if (tensor.values->not_finite > 0) title += ", NaN or infinite values";
  } else if (tensor.state == TensorState::kDifferent) {
    title += ", by how much is not known";
  }
  return title;
}

std::string CellMarkup(const DiffReport& report, const Cell& cell, std::size_t column,
                       const Box& box) {
  std::size_t at = 0;
  const TensorDiff& worst = WorstOf(report, cell, &at);
  std::string title = TensorTitle(worst);
  if (cell.size() > 1) {
    const auto equal = std::ranges::count_if(
        cell, [&](std::size_t i) { return Weight(report.tensors[i].state) <= 2; });
    title = fmt::format("{} tensors, {} of them equal; first of all {}", cell.size(), equal, title);
  }
  const bool corner = std::ranges::any_of(cell, [&](std::size_t i) {
    const TensorDiff& tensor = report.tensors[i];
    return tensor.values && tensor.values->not_finite > 0;
  });
  const int heat = worst.values ? HeatClass(worst.values->RelativeNorm()) : -1;
  return fmt::format(R"(<a href="#t{}" tabindex="-1" data-c="{}"><title>{}</title>{}{}</a>)", at,
                     column, title, StateMark(worst.state, heat, box),
                     corner ? NotFiniteMark(box) : "");
}

// Labels stay while the cells beside them are scrolled.
std::string LabelsMarkup(const std::vector<std::string>& labels, int top) {
  std::size_t longest = 1;
  for (const std::string& label : labels) longest = std::max(longest, Columns(label));
  const double width = std::ceil(static_cast<double>(longest) * kLetterWidth) + 8;
  std::string out = fmt::format(
      R"(<svg class="labels" aria-hidden="true" width="{0}" height="{1}" viewBox="0 0 {0} )"
      R"({1}" preserveAspectRatio="xMaxYMin slice">)",
      width, top + static_cast<int>(labels.size()) * kCellHeight);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    out += fmt::format(R"(<text x="{}" y="{}" text-anchor="end">{}</text>)", width - 8,
                       top + static_cast<int>(i) * kCellHeight + kCellHeight - 4,
                       EscapeHtml(labels[i]));
  }
  return out + "</svg>";
}

std::string PanelMarkup(const DiffReport& report, const Panel& panel, std::size_t number) {
  const auto columns = static_cast<int>(panel.columns.size());
  const int cell_width = std::clamp(1000 / columns, 9, 26);
  const int width = columns * cell_width + 10;  // the last number may be wider than its cell
  const int height = kAxisHeight + static_cast<int>(panel.rows.size()) * kCellHeight;
  std::vector<std::string> labels;
  for (const Row& row : panel.rows) labels.push_back(CutForPeople(row.kind, kLabelBytes));
  std::string out = fmt::format(
      R"(<h3 id="map-{0}">Layers <code>{1}</code></h3><div class="map">{2})"
      R"(<div class="scroll" role="region" tabindex="0" aria-labelledby="map-{0}">)"
      R"(<svg class="cells" role="group" aria-labelledby="map-{0}" width="{3}" height="{4}" )"
      R"(viewBox="0 0 {3} {4}" preserveAspectRatio="none">)",
      number, HtmlFromFile(panel.stack + "*", 80), LabelsMarkup(labels, kAxisHeight), width,
      height);
  // Layer numbers, as many as fit.
  int step = 1;
  for (const int wider : {2, 5, 10, 20, 50, 100}) {
    if (step * cell_width < 22) step = wider;
  }
  out += R"(<g class="axis" aria-hidden="true">)";
  for (int i = 0; i < columns; i += step) {
    out += fmt::format(R"(<text x="{:g}" y="12" text-anchor="middle">{}</text>)",
                       (i + 0.5) * cell_width, panel.columns[static_cast<std::size_t>(i)]);
  }
  out += "</g>";
  for (std::size_t r = 0; r < panel.rows.size(); ++r) {
    const int y = kAxisHeight + static_cast<int>(r) * kCellHeight;
    out += R"(<g class="row">)";
    for (const auto& [column, cell] : panel.rows[r].cells) {
      out += CellMarkup(report, cell, column,
                        {static_cast<double>(static_cast<int>(column) * cell_width),
                         static_cast<double>(y), cell_width - 1.0, kCellHeight - 1.0});
    }
    out += "</g>";
  }
  return out + "</svg></div></div>";
}

// One row a tensor while they are few, else many in a line.
std::string StripMarkup(const DiffReport& report, const Cell& tensors, std::string_view title,
                        std::string_view id) {
  if (tensors.empty()) return "";
  const bool labelled = tensors.size() <= kMaxLabelled;
  const int cell_width = labelled ? 20 : 10;
  const std::size_t per_line = labelled ? 1 : 100;
  std::vector<std::string> labels;
  if (labelled) {
    for (const std::size_t i : tensors) {
      labels.push_back(CutForPeople(report.tensors[i].Name(), kLabelBytes));
    }
  }
  const std::size_t lines = (tensors.size() + per_line - 1) / per_line;
  const std::size_t width =
      std::min(tensors.size(), per_line) * static_cast<std::size_t>(cell_width);
  std::string out = fmt::format(
      R"(<h3 id="{0}">{1}</h3><div class="map">{2})"
      R"(<div class="scroll" role="region" tabindex="0" aria-labelledby="{0}">)"
      R"(<svg class="cells" role="group" aria-labelledby="{0}" width="{3}" height="{4}">)",
      id, title, labelled ? LabelsMarkup(labels, 0) : "", width,
      lines * static_cast<std::size_t>(kCellHeight));
  for (std::size_t line = 0; line < lines; ++line) {
    out += R"(<g class="row">)";
    for (std::size_t c = 0; c < per_line && line * per_line + c < tensors.size(); ++c) {
      out +=
          CellMarkup(report, {tensors[line * per_line + c]}, c,
                     {static_cast<double>(c) * cell_width, static_cast<double>(line) * kCellHeight,
                      cell_width - 1.0, kCellHeight - 1.0});
    }
    out += "</g>";
  }
  return out + "</svg></div></div>";
}

std::string LegendItem(const std::string& mark, std::string_view text) {
  return fmt::format(R"(<li><svg width="18" height="14" aria-hidden="true">{}</svg>{}</li>)", mark,
                     text);
}

std::string Legend() {
  constexpr Box kBox = {0, 0, 18, 14};
  std::string out =
      R"(<div class="legend"><div class="scale" role="img" aria-label="Colour scale of )"
      R"(the relative norm, half a decade a step, from under 0.00001 to 1 and more.">)"
      R"(<svg width="336" height="30" aria-hidden="true">)";
  for (int i = 0; i < kHeatClasses; ++i) {
    out += StateMark(TensorState::kDifferent, i, {i * 28.0, 0, 27, 14});
  }
  for (int decade = -5; decade <= 0; ++decade) {
    out += fmt::format(R"(<text x="{}" y="27" text-anchor="middle">{}</text>)",
                       28 + (decade + 5) * 56, decade == 0 ? "1" : fmt::format("1e{}", decade));
  }
  out += "</svg></div><ul>";
  out += LegendItem(StateMark(TensorState::kEqual, -1, kBox), "equal");
  out += LegendItem(StateMark(TensorState::kRelated, -1, kBox), "equal after relations");
  out += LegendItem(StateMark(TensorState::kDifferent, -1, kBox), "different, size not known");
  out += LegendItem(StateMark(TensorState::kOnlyInA, -1, kBox), "only in A");
  out += LegendItem(StateMark(TensorState::kOnlyInB, -1, kBox), "only in B");
  out += LegendItem(StateMark(TensorState::kNotCompared, -1, kBox), "not compared");
  out += LegendItem(StateMark(TensorState::kDifferent, 5, kBox) + NotFiniteMark(kBox),
                    "NaN or infinite values");
  return out + "</ul></div>";
}

}  // namespace

std::string DiffHtmlMap(const DiffReport& report) {
  const Sorted sorted = SortIntoPanels(report);
  std::string out = Legend();
  for (std::size_t i = 0; i < sorted.panels.size(); ++i) {
    out += PanelMarkup(report, sorted.panels[i], i);
  }
  out += StripMarkup(report, sorted.globals, "Outside the layers", "map-globals");
  out += StripMarkup(report, sorted.others, "Others", "map-others");
  return out;
}

}  // namespace hallmark
