#include "cli/report/derive_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/report/diff/diff_json.h"
#include "cli/report/diff/diff_view.h"
#include "cli/report/json.h"
#include "cli/report/text.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::size_t kShownTensors = 10;
constexpr Derivation kWorstFirst[] = {Derivation::kNotDerived, Derivation::kNotCompared,
                                      Derivation::kConsistent, Derivation::kReplayed,
                                      Derivation::kExact};

Tone ToneOf(Derivation how) {
  switch (how) {
    case Derivation::kExact:
    case Derivation::kReplayed:
      return Tone::kGood;
    case Derivation::kNotDerived:
      return Tone::kBad;
    case Derivation::kConsistent:
    case Derivation::kNotCompared:
      return Tone::kUnsure;
  }
  return Tone::kUnsure;
}

std::string StepsText(const DerivedTensor& tensor) {
  std::string text;
  for (const std::string& step : tensor.steps) {
    text += (text.empty() ? "" : "; ") + EscapeForPeople(step);
  }
  return text.empty() ? "as it is" : text;
}

// Tensors to which the same was done.
std::string StepsTable(const DeriveReport& report, const Style& style) {
  std::string text;
  for (const Derivation how : kWorstFirst) {
    std::map<std::string, std::vector<std::string>> by_steps;
    for (const DerivedTensor& tensor : report.tensors) {
      if (tensor.how == how && how != Derivation::kNotDerived && how != Derivation::kNotCompared) {
        by_steps[StepsText(tensor)].push_back(tensor.Any().name);
      }
    }
    for (const auto& [steps, names] : by_steps) {
      text += fmt::format(
          "  {}  {}: {}\n", style.Paint(ToneOf(how), DerivationName(how)),
          names.size() == 1 ? EscapeForPeople(names.front()) : Count(names.size(), "tensor"),
          steps);
    }
  }
  return text;
}

std::string WrongTensors(const DeriveReport& report, bool verbose, const Style& style,
                         std::size_t width) {
  std::string text;
  std::size_t count = 0;
  for (const DerivedTensor& tensor : report.tensors) {
    const bool shown = tensor.how == Derivation::kNotDerived ||
                       tensor.how == Derivation::kNotCompared ||
                       (verbose && tensor.how == Derivation::kConsistent);
    if (!shown || (++count > kShownTensors && !verbose)) continue;
    std::string line = EscapeForPeople(tensor.Any().name);
    if (!tensor.reason.empty()) line += ": " + EscapeForPeople(tensor.reason);
    if (tensor.values) line += ": " + HowFar(*tensor.values);
    if (tensor.rounding) line += "; " + RoundingText(*tensor.rounding);
    text += fmt::format("  {}  ", style.Paint(ToneOf(tensor.how), DerivationName(tensor.how))) +
            Wrapped(line, width, 4, DerivationName(tensor.how).size() + 4);
  }
  if (count > kShownTensors && !verbose) {
    text += fmt::format("  … and {} more; --verbose shows them\n", count - kShownTensors);
  }
  return text;
}

}  // namespace

ExitCode DeriveExit(const DeriveReport& report) {
  const auto is_danger = [](const Finding& f) { return f.severity == Severity::kDanger; };
  if (std::ranges::any_of(report.findings, is_danger)) return ExitCode::kDangerous;
  switch (report.verdict) {
    case Derivation::kNotDerived:
      return ExitCode::kMismatch;
    case Derivation::kNotCompared:
      return ExitCode::kInconclusive;
    default:
      return ExitCode::kOk;
  }
}

std::string DeriveText(const DeriveReport& report, bool verbose, const Style& style,
                       std::size_t width) {
  width = std::min(width, kMaxTextWidth);
  const std::string_view name = DerivationName(report.verdict);
  std::string text = style.Paint(ToneOf(report.verdict), name) + ": ";
  text += Wrapped(report.summary, width, 2, name.size() + 2);
  if (const std::string wrong = WrongTensors(report, verbose, style, width); !wrong.empty()) {
    text += "\ntensors\n" + wrong;
  }
  if (const std::string steps = StepsTable(report, style); !steps.empty()) {
    text += "\nsteps\n" + steps;
  }
  text += "\nread\n";
  text += fmt::format("  official  {}: {}\n", EscapeForPeople(report.official.name),
                      SideText(report.official));
  text += fmt::format("  suspect   {}: {}\n", EscapeForPeople(report.suspect.name),
                      SideText(report.suspect));
  text += FindingsText(report.findings, style, width);
  if (!report.hint.empty()) text += "\nhint: " + Wrapped(report.hint, width, 6, 6);
  return text;
}

std::string DeriveJson(const DeriveReport& report, ExitCode exit) {
  JsonWriter json = BeginReport("derive", DerivationName(report.verdict), exit);
  json.Member("summary", report.summary);
  if (!report.hint.empty()) json.Member("hint", report.hint);
  json.Key("official");
  WriteSide(report.official, &json);
  json.Key("suspect");
  WriteSide(report.suspect, &json);
  json.Key("counts").BeginObject();
  json.Member("derived_exactly", report.CountOf(Derivation::kExact));
  json.Member("replayed", report.CountOf(Derivation::kReplayed));
  json.Member("consistent", report.CountOf(Derivation::kConsistent));
  json.Member("not_derived", report.CountOf(Derivation::kNotDerived));
  json.Member("not_compared", report.CountOf(Derivation::kNotCompared));
  json.EndObject();
  json.Key("tensors").BeginArray();
  for (const DerivedTensor& tensor : report.tensors) {
    json.BeginObject();
    json.Member("name", tensor.Any().name);
    json.Member("group", tensor.group);
    json.Member("how", DerivationName(tensor.how));
    if (tensor.official) {
      json.Key("official");
      WriteTensorSide(*tensor.official, &json);
    }
    if (tensor.suspect) {
      json.Key("suspect");
      WriteTensorSide(*tensor.suspect, &json);
    }
    WriteTexts("steps", tensor.steps, &json);
    if (tensor.values) {
      json.Key("values");
      WriteValues(*tensor.values, true, &json);
    }
    if (tensor.rounding) {
      json.Key("rounding");
      WriteRounding(*tensor.rounding, &json);
    }
    if (!tensor.reason.empty()) json.Member("reason", tensor.reason);
    json.EndObject();
  }
  json.EndArray();
  WriteFindings(report.findings, &json);
  return EndReport(&json);
}

}  // namespace hallmark
