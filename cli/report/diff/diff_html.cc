#include "cli/report/diff/diff_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "cli/report/diff/diff_html_parts.h"
#include "cli/report/html.h"
#include "cli/report/text.h"
#include "cli/version.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxRows = 1000;  // of tables that are plain markup, but for that of layers
constexpr std::size_t kMaxLayers = 5000;

constexpr std::array kStates = {TensorState::kDifferent, TensorState::kOnlyInA,
                                TensorState::kOnlyInB,   TensorState::kNotCompared,
                                TensorState::kRelated,   TensorState::kEqual};

// How a verdict looks: a class of the style sheet, and a sign that says it without colour.
struct Look {
  std::string_view css, sign;
};
Look LookOf(DiffVerdict verdict) {
  switch (verdict) {
    case DiffVerdict::kEqual:
      return {"equal", "="};
    case DiffVerdict::kEqualRelated:
      return {"related", "≅"};
    case DiffVerdict::kDifferent:
      return {"different", "≠"};
    case DiffVerdict::kInconclusive:
      return {"unknown", "?"};
  }
  return {"unknown", "?"};
}

std::string MoreRows(std::size_t all, std::size_t shown) {
  if (all <= shown) return "";
  return fmt::format(R"(<p class="note">{} more are left out here; --json has all.</p>)",
                     WithCommas(all - shown));
}

std::string Section(std::string_view id, std::string_view title, const std::string& content) {
  return fmt::format(
      "<section id=\"{0}\" aria-labelledby=\"{0}-title\">\n<h2 "
      "id=\"{0}-title\">{1}</h2>\n{2}\n</section>\n",
      id, title, content);
}

// A table in a box that scrolls sideways (and, `tall`, downwards) and that keys reach.
std::string Scrolled(std::string_view label, const std::string& table, bool tall = false) {
  return fmt::format(R"(<div class="scroll{}" role="region" tabindex="0" aria-label="{}">{}</div>)",
                     tall ? " tall" : "", label, table);
}

std::string Verdict(const DiffReport& report) {
  const Look look = LookOf(report.verdict);
  std::string out = fmt::format(
      "<header class=\"verdict v-{}\">\n<p class=\"sign\" aria-hidden=\"true\">{}</p>\n<div>\n"
      "<p class=\"tool\">hallmark diff</p>\n<h1>{}</h1>\n",
      look.css, look.sign, DiffVerdictName(report.verdict));
  out += fmt::format("<p class=\"summary\">{}</p>\n", HtmlFromFile(report.summary, 2000));
  if (!report.hint.empty()) {
    out += fmt::format("<p class=\"hint\">hint: {}</p>\n", HtmlFromFile(report.hint, 2000));
  }
  out += fmt::format(
      "<p class=\"sides\"><span><b>A</b> <code>{}</code></span> <span><b>B</b> "
      "<code>{}</code></span></p>\n</div>\n</header>\n",
      HtmlFromFile(report.a.name, 300), HtmlFromFile(report.b.name, 300));
  return out;
}

// How many tensors are in which state: a bar, and the same as a list with marks.
std::string States(const DiffReport& report) {
  std::array<std::uint64_t, kStates.size()> counts{};
  for (const TensorDiff& tensor : report.tensors) {
    ++counts[static_cast<std::size_t>(std::ranges::find(kStates, tensor.state) - kStates.begin())];
  }
  std::string bar;
  std::string list;
  double x = 0;
  const double all = std::max<double>(1, static_cast<double>(report.tensors.size()));
  for (std::size_t i = 0; i < kStates.size(); ++i) {
    if (counts[i] == 0) continue;
    const double width = 1000 * static_cast<double>(counts[i]) / all;
    bar += fmt::format(R"(<rect class="b-{}" x="{:.2f}" y="0" width="{:.2f}" height="10"/>)",
                       StateClass(kStates[i]), x, width);
    x += width;
    // What differs has many colours in the map, and one here.
    const std::string mark = kStates[i] == TensorState::kDifferent
                                 ? R"(<rect class="b-different" width="18" height="14"/>)"
                                 : StateMark(kStates[i], -1, {0, 0, 18, 14});
    list +=
        fmt::format(R"(<li><svg width="18" height="14" aria-hidden="true">{}</svg><b>{}</b> {} )"
                    R"(<small>{}</small></li>)",
                    mark, WithCommas(counts[i]), StateLabel(kStates[i]),
                    ShownShare(counts[i], report.tensors.size()));
  }
  if (list.empty()) return R"(<p class="note">No tensors.</p>)";
  return fmt::format(R"(<svg class="states-bar" viewBox="0 0 1000 10" preserveAspectRatio="none" )"
                     R"(aria-hidden="true">{}</svg><ul class="states">{}</ul>)",
                     bar, list);
}

std::string Fact(std::string_view name, const std::string& value) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, value);
}

std::string Overview(const DiffReport& report) {
  std::string out = States(report);
  const ValueComparison total = report.Total();
  if (total.values > 0) {
    out += R"(<dl class="facts">)";
    out += Fact("values compared", WithCommas(total.values));
    out += Fact("of them differ", fmt::format("{} <small>{}</small>", WithCommas(total.differing),
                                              ShownShare(total.differing, total.values)));
    out += Fact("largest |a - b|", ShownNumber(total.max_abs));
    out += Fact("RMS of a - b", ShownNumber(total.Rms()));
    out += Fact("relative norm", ShownNumber(total.RelativeNorm()));
    out += Fact("cosine", ShownCosine(total.Cosine()));
    out += Fact("sign flips", WithCommas(total.sign_flips));
    out += Fact("NaN or infinite", WithCommas(total.not_finite));
    out += "</dl>";
  }
  return Section("tensors-by-state", "Tensors by state", out);
}

std::string Explanations(const DiffReport& report) {
  if (report.explanations.empty()) return "";
  std::string out = R"(<ul class="cards">)";
  for (const Explanation& explanation : report.explanations) {
    out += fmt::format(R"(<li><span class="tag">{}</span>)", ExplanationKindName(explanation.kind));
    if (!explanation.subject.empty()) {
      out += fmt::format(" <code>{}</code>", HtmlFromFile(explanation.subject, 200));
    }
    out += fmt::format("<p>{}</p>", HtmlFromFile(explanation.text, 2000));
    if (!explanation.numbers.empty()) {
      out += R"(<dl class="facts small">)";
      for (const Explanation::Number& number : explanation.numbers) {
        std::string name = HtmlFromFile(number.name, 100);
        std::ranges::replace(name, '_', ' ');
        out += Fact(name, ShownNumber(number.value));
      }
      out += "</dl>";
    }
    out += "</li>";
  }
  return Section("explanations", "What kind of difference", out + "</ul>");
}

std::string Findings(const DiffReport& report) {
  if (report.findings.empty()) return "";
  std::string out = R"(<ul class="cards">)";
  std::size_t shown = 0;
  for (const Severity severity : {Severity::kDanger, Severity::kWarning, Severity::kNote}) {
    for (const Finding& finding : report.findings) {
      if (finding.severity != severity || shown == kMaxRows) continue;
      ++shown;
      out += fmt::format(R"(<li><span class="tag s-{0}">{0}</span> )", SeverityName(severity));
      if (!finding.subject.empty()) {
        out += fmt::format("<code>{}</code> ", HtmlFromFile(finding.subject, 300));
      }
      if (finding.offset) out += fmt::format("at byte {:#x} ", *finding.offset);
      out += fmt::format("<p>{}</p></li>", HtmlFromFile(finding.message, 2000));
    }
  }
  return Section("findings", "Findings", out + "</ul>" + MoreRows(report.findings.size(), shown));
}

std::string Read(const DiffReport& report) {
  const auto row = [&](std::string_view name, auto&& cell) {
    return fmt::format(R"(<tr><th scope="row">{}</th><td>{}</td><td>{}</td></tr>)", name,
                       cell(report.a), cell(report.b));
  };
  const auto text = [](const std::string& value) {
    return value.empty() ? std::string("-") : fmt::format("<code>{}</code>", HtmlFromFile(value));
  };
  std::string table =
      R"(<table class="plain"><thead><tr><td></td><th scope="col">A</th><th scope="col">B</th>)"
      R"(</tr></thead><tbody>)";
  table += row("model", [&](const DiffSide& side) { return text(side.name); });
  table += row("container", [&](const DiffSide& side) { return text(side.format); });
  table += row("architecture", [&](const DiffSide& side) { return text(side.architecture); });
  table += row("weight identity", [&](const DiffSide& side) { return text(side.identity); });
  table += row("tensors", [](const DiffSide& side) { return WithCommas(side.tensors); });
  table += row("parameters", [](const DiffSide& side) { return WithCommas(side.parameters); });
  table += row("bytes read", [](const DiffSide& side) { return WithCommas(side.bytes_read); });
  table += row("values at hand", [](const DiffSide& side) {
    return std::string(side.by_digests_only ? "no, digests only" : "yes");
  });
  table += row("tensors left out",
               [](const DiffSide& side) { return WithCommas(side.left_out.size()); });
  return Section("read", "What was read", Scrolled("What was read", table + "</tbody></table>"));
}

// A column of the table of tensors: `key` is that of DiffHtmlData, or of the script.
struct Column {
  std::string_view key, label, title;
  bool number;
};
constexpr Column kColumns[] = {
    {"name", "Tensor", "canonical name", false},
    {"state", "State", "what came of the comparison", false},
    {"relations", "Relations", "what lies between the two", false},
    {"shape_a", "Shape", "A's, and B's if it is another", false},
    {"dtype_a", "Types", "as stored: A's, and B's if it is another", false},
    {"differing", "Differing", "values that differ", true},
    {"share", "Share", "of all values of the tensor, those that differ", true},
    {"max_abs", "Max |a-b|", "largest difference", true},
    {"max_relative", "Max relative", "largest |a - b| / max(|a|, |b|), 0 to 2", true},
    {"rms", "RMS", "root of the mean of (a - b) squared", true},
    {"cosine", "Cosine", "1: same direction", true},
    {"relative_norm", "Relative norm", "norm of a - b over norm of a (Frobenius)", true},
    {"sign_flips", "Sign flips", "values of opposite sign", true},
    {"not_finite", "NaN/Inf", "pairs in which either is NaN or infinite", true},
};

// An empty table and its controls, which the script fills and shows.
std::string TensorTable(const DiffReport& report) {
  std::string out =
      R"(<noscript><p class="note">This table and the links into it need JavaScript, which is )"
      R"(off. )"
      R"(The <a href="#layers">table of layers</a> below is complete without it.</p></noscript>)"
      R"(<div id="table" hidden><form id="filter" role="search" aria-label="Filter tensors">)"
      R"(<label>Name, relation or type holds <input id="text" type="search" )"
      R"(autocomplete="off" spellcheck="false"></label>)"
      R"(<label>State <select id="state"><option value="">any</option>)";
  for (const TensorState state : kStates) {
    out += fmt::format(R"(<option value="{}">{}</option>)", StateClass(state), StateLabel(state));
  }
  out += R"(</select></label><label>Layer <select id="group"><option value="">any</option>)"
         R"(</select></label>)"
         R"(<label>Rows a page <select id="size"><option>50</option><option selected>100</option>)"
         R"(<option>250</option><option>1000</option></select></label>)"
         R"(<button type="reset">Reset</button></form>)"
         R"(<p id="shown" role="status"></p>)";
  std::string table =
      R"(<table class="tensors"><caption class="hidden">Tensors; the buttons in the head )"
      R"(sort</caption><thead><tr>)";
  for (const Column& column : kColumns) {
    table += fmt::format(
        R"(<th scope="col"{}><button type="button" data-key="{}" title="{}">{}</button></th>)",
        column.number ? R"( class="number")" : "", column.key, column.title,
        EscapeHtml(column.label));
  }
  table += R"(</tr></thead><tbody id="rows"></tbody></table>)";
  out += Scrolled("Table of tensors", table);
  out += R"(<nav class="pages" aria-label="Pages of the table"><button type="button" )"
         R"(data-page="first">First</button>)"
         R"(<button type="button" data-page="previous">Previous</button><span id="page"></span>)"
         R"(<button type="button" data-page="next">Next</button><button type="button" )"
         R"(data-page="last">Last</button></nav></div>)";
  return Section("tensors",
                 fmt::format("Tensors <small>{}</small>", WithCommas(report.tensors.size())), out);
}

std::string Layers(const DiffReport& report) {
  std::string table = R"(<table class="layers"><thead><tr><th scope="col">Layer</th>)";
  for (const std::string_view name :
       {"Tensors", "Equal", "Different", "Values", "Differing", "Share", "Max |a-b|", "RMS",
        "Cosine", "Relative norm", "Sign flips", "NaN/Inf"}) {
    table += fmt::format(R"(<th scope="col" class="number">{}</th>)", name);
  }
  table += "</tr></thead><tbody>";
  const std::size_t shown = std::min(report.groups.size(), kMaxLayers);
  for (const GroupDiff& group : std::span(report.groups).first(shown)) {
    const ValueComparison& values = group.values;
    table += fmt::format("<tr{}><th scope=\"row\" data-group=\"{}\"><code>{}</code></th>",
                         group.different > 0 ? R"( class="differs")" : "",
                         HtmlFromFile(group.key, 200), HtmlFromFile(group.key, 200));
    std::vector<std::string> cells = {WithCommas(group.tensors), WithCommas(group.equal),
                                      WithCommas(group.different)};
    if (values.values > 0) {
      cells.insert(cells.end(), {WithCommas(values.values), WithCommas(values.differing),
                                 ShownShare(values.differing, values.values)});
    } else {
      cells.resize(6, "-");
    }
    if (values.FinitePairs() > 0) {
      std::string norm = ShownNumber(values.RelativeNorm());
      if (values.differing > 0) {
        norm = fmt::format(R"(<span class="swatch h{}"></span>{})",
                           HeatClass(values.RelativeNorm()), norm);
      }
      cells.insert(cells.end(), {ShownNumber(values.max_abs), ShownNumber(values.Rms()),
                                 ShownCosine(values.Cosine()), std::move(norm)});
    } else {
      cells.resize(10, "-");
    }
    if (values.values > 0) {
      cells.insert(cells.end(), {WithCommas(values.sign_flips), WithCommas(values.not_finite)});
    } else {
      cells.resize(12, "-");
    }
    for (const std::string& cell : cells)
      table += fmt::format("<td class=\"number\">{}</td>", cell);
    table += "</tr>\n";
  }
  table += "</tbody></table>";
  return Section("layers", "Layers",
                 Scrolled("Table of layers", table, true) + MoreRows(report.groups.size(), shown));
}

std::string Fields(const DiffReport& report) {
  std::string out = fmt::format("<p>{} compared, {}.</p>", Count(report.fields_compared, "field"),
                                report.fields.empty()
                                    ? "none differs"
                                    : fmt::format("{} differ", WithCommas(report.fields.size())));
  for (const std::string& reason : report.fields_not_compared) {
    out += fmt::format(R"(<p class="note">not compared: {}</p>)", HtmlFromFile(reason));
  }
  const std::size_t shown = std::min(report.fields.size(), kMaxRows);
  if (shown > 0) {
    std::string table =
        R"(<table class="fields"><thead><tr><th scope="col">Area</th><th scope="col">Field</th>)"
        R"(<th scope="col">A</th><th scope="col">B</th><th scope="col">Effect</th></tr>)"
        R"(</thead><tbody>)";
    const auto value = [](const std::string& text) {
      return text.empty() ? std::string(R"(<em>absent</em>)")
                          : fmt::format("<code>{}</code>", HtmlFromFile(text, 2000));
    };
    for (const FieldDiff& field : std::span(report.fields).first(shown)) {
      table += fmt::format(
          "<tr><td>{}</td><th "
          "scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td><td>{}</td></tr>\n",
          HtmlFromFile(field.area), HtmlFromFile(field.field), value(field.a), value(field.b),
          field.has_meaning ? R"(<span class="tag s-warning">has a meaning</span>)"
                            : "describes only");
    }
    out += Scrolled("Fields that differ", table + "</tbody></table>", true);
  }
  return Section("fields", "Fields", out + MoreRows(report.fields.size(), shown));
}

std::string LeftOutTensors(const DiffReport& report) {
  std::string out;
  for (const auto& [side, letter] : {std::pair(&report.a, "A"), std::pair(&report.b, "B")}) {
    if (side->left_out.empty()) continue;
    const std::size_t shown = std::min(side->left_out.size(), kMaxRows);
    std::string table =
        R"(<table class="plain"><thead><tr><th scope="col">Tensor</th><th scope="col">Why</th>)"
        R"(</tr></thead><tbody>)";
    for (const LeftOut& left_out : std::span(side->left_out).first(shown)) {
      table += fmt::format("<tr><th scope=\"row\"><code>{}</code></th><td>{}</td></tr>\n",
                           HtmlFromFile(left_out.stored_name), HtmlFromFile(left_out.reason));
    }
    out += fmt::format("<h3>Of {}</h3>", letter);
    out +=
        Scrolled(fmt::format("Tensors of {} left out", letter), table + "</tbody></table>", true);
    out += MoreRows(side->left_out.size(), shown);
  }
  return out.empty() ? "" : Section("left-out", "Tensors left out", out);
}

}  // namespace

std::string DiffHtml(const DiffReport& report) {
  struct Part {
    std::string_view id, name;
    std::string markup;
  };
  const std::string plots = DiffHtmlPlots(report);
  const Part parts[] = {
      {"tensors-by-state", "States", Overview(report)},
      {"explanations", "Explanations", Explanations(report)},
      {"findings", "Findings", Findings(report)},
      {"read", "Read", Read(report)},
      {"map", "Map",
       report.tensors.empty()
           ? ""
           : Section("map", "Map of tensors",
                     R"(<p class="lead">A column a layer, a row a kind of tensor. Colour is the )"
                     R"(norm of the difference over the norm of A's tensor. )"
                     R"(<span class="with-script">Arrow keys go from cell to cell, Enter to its )"
                     R"(row in the table.</span></p>)" +
                         DiffHtmlMap(report) + R"(<p id="readout" aria-hidden="true"></p>)")},
      {"plots", "Plots", plots.empty() ? "" : Section("plots", "How far apart", plots)},
      {"tensors", "Tensors", TensorTable(report)},
      {"layers", "Layers", Layers(report)},
      {"fields", "Fields", Fields(report)},
      {"left-out", "Left out", LeftOutTensors(report)},
  };
  std::string body = R"(<a class="skip" href="#main">Skip to the report</a>)"
                     "\n";
  // What hatched marks are filled with.
  body += R"(<svg class="defs" width="0" height="0" aria-hidden="true"><defs><pattern id="hatch" )"
          R"(width="5" height="5" )"
          R"(patternUnits="userSpaceOnUse"><path class="hatch" d="M-1 6L6 -1M-1 1L1 -1M4 6L6 4"/>)"
          R"(</pattern></defs></svg>)"
          "\n";
  body += Verdict(report);
  body += R"(<nav class="sections" aria-label="Sections"><ul>)";
  for (const Part& part : parts) {
    if (!part.markup.empty())
      body += fmt::format(R"(<li><a href="#{}">{}</a></li>)", part.id, part.name);
  }
  body += "</ul></nav>\n<main id=\"main\" tabindex=\"-1\">\n";
  for (const Part& part : parts) body += part.markup;
  body += fmt::format(
      "</main>\n<footer><p>hallmark {}. This page is one file and loads nothing.</p></footer>\n",
      VersionText());
  body += fmt::format("<script type=\"application/json\" id=\"data\">{}</script>\n",
                      JsonForHtml(DiffHtmlData(report)));
  const std::string title =
      fmt::format("{}: {} and {}", DiffVerdictName(report.verdict),
                  CutForPeople(report.a.name, 100), CutForPeople(report.b.name, 100));
  return HtmlText(
      {.title = title, .style = kDiffHtmlStyle, .script = kDiffHtmlScript, .body = body});
}

}  // namespace hallmark
