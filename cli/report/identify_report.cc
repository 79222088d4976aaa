#include "cli/report/identify_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/report/json.h"
#include "cli/report/remembered.h"
#include "cli/report/text.h"
#include "src/base/text.h"
#include "verify/witnesses.h"

namespace hallmark {
namespace {

constexpr std::size_t kShownModels = 5;
constexpr std::size_t kShownNames = 4;
constexpr std::size_t kShownFiles = 20;

Tone ToneOf(IdentifyReport::State state) {
  return state == IdentifyReport::State::kFound ? Tone::kGood : Tone::kUnsure;
}

std::string Some(const std::vector<std::string>& names, bool all) {
  return FirstNames(names, all ? names.size() : kShownNames);
}

// What speaks for a model and what is missing, a line each.
std::string ModelText(const IdentifiedModel& model, bool verbose, std::size_t width) {
  std::string text =
      fmt::format("  {}  {}\n", EscapeForPeople(model.id), EscapeForPeople(model.title));
  const auto add = [&](const std::string& line) { text += "    " + Wrapped(line, width, 6, 4); };
  if (model.weights) {
    add(fmt::format("weights: every tensor holds the same numbers ({}{})",
                    EscapeForPeople(TestimonyText(model.weights->testimony)),
                    model.weights_disputed ? "; others say otherwise" : ""));
  } else if (model.tensors_listed > 0) {
    add(fmt::format("weights: {} of {} tensors equal", WithCommas(model.tensors_equal),
                    WithCommas(model.tensors_listed)));
  }
  if (!model.tensors_differing.empty()) {
    add(fmt::format("differ: {} (in {})", Some(model.tensors_differing, verbose),
                    Some(model.groups_differing, verbose)));
  }
  if (model.tensors_added > 0) {
    add(fmt::format("added: {} that it does not have", Count(model.tensors_added, "tensor")));
  }
  if (!model.files_found.empty()) {
    add(fmt::format("here: {}{}", Some(model.files_found, verbose),
                    model.shared_files_only ? "; other releases have the same" : ""));
  }
  if (!model.files_disputed.empty()) {
    add(fmt::format("here, if one of its witnesses is right: {}",
                    Some(model.files_disputed, verbose)));
  }
  if (!model.files_missing.empty()) add("not here: " + Some(model.files_missing, verbose));
  if (!model.complete_entry) add("the catalogue does not list every file of this release");
  return text;
}

std::string FilesText(const IdentifyReport& report, bool verbose) {
  TextTable table(2);
  const std::size_t limit = verbose ? report.files.size() : kShownFiles;
  for (std::size_t i = 0; i < std::min(limit, report.files.size()); ++i) {
    const IdentifiedFile& file = report.files[i];
    std::vector<std::string> ids;
    for (const IdentifiedFile::Match& match : file.matches) {
      if (std::find(ids.begin(), ids.end(), match.id) == ids.end()) ids.push_back(match.id);
    }
    std::string remark = Some(ids, verbose);
    if (!file.matches.empty()) {
      const AlgorithmInfo& info = InfoOf(file.matches.front().digest.digest.GetAlgorithm());
      remark += fmt::format(" (by {})", info.name);
    }
    if (!file.remembered_from.empty()) {
      remark += fmt::format(", not read now, remembered from {}", file.remembered_from);
    }
    table.Add({EscapeForPeople(file.path), HumanBytes(file.size), remark});
  }
  if (limit < report.files.size()) {
    table.Add({fmt::format("… and {} more; --verbose shows them",
                           Count(report.files.size() - limit, "file"))});
  }
  return table.IsEmpty() ? "" : "\nfiles\n" + table.ToString(Style());
}

void WriteModel(const IdentifiedModel& model, JsonWriter* json) {
  json->BeginObject();
  json->Member("id", model.id);
  json->Member("title", model.title);
  json->Key("found").Bool(model.Found());
  json->Key("complete_entry").Bool(model.complete_entry);
  WriteTexts("files_found", model.files_found, json);
  WriteTexts("files_disputed", model.files_disputed, json);
  WriteTexts("files_missing", model.files_missing, json);
  json->Key("shared_files_only").Bool(model.shared_files_only);
  json->Key("same_weights").Bool(model.SameWeights());
  if (model.weights) {
    json->Key("weights");
    WriteListedWeights(*model.weights, json);
    json->Key("weights_disputed").Bool(model.weights_disputed);
  }
  json->Member("tensors_equal", model.tensors_equal);
  json->Member("tensors_listed", model.tensors_listed);
  WriteTexts("tensors_differing", model.tensors_differing, json);
  WriteTexts("groups_differing", model.groups_differing, json);
  json->Member("tensors_added", model.tensors_added);
  json->EndObject();
}

void WriteFile(const IdentifiedFile& file, JsonWriter* json) {
  json->BeginObject();
  json->Member("path", file.path);
  json->Member("size", file.size);
  if (!file.remembered_from.empty()) json->Member("remembered_from", file.remembered_from);
  json->Key("matches").BeginArray();
  for (const IdentifiedFile::Match& match : file.matches) {
    json->BeginObject();
    json->Member("id", match.id);
    json->Member("listed_as", match.listed_as);
    json->Member("digest", match.digest.digest.ToString());
    WriteTestimony(match.digest.testimony, json);
    json->Key("disputed").Bool(match.disputed);
    json->EndObject();
  }
  json->EndArray();
  json->EndObject();
}

}  // namespace

ExitCode IdentifyExit(const IdentifyReport& report) {
  if (report.state == IdentifyReport::State::kFound) return ExitCode::kOk;
  const auto is_danger = [](const Finding& f) { return f.severity == Severity::kDanger; };
  if (std::ranges::any_of(report.findings, is_danger)) return ExitCode::kDangerous;
  const bool unread = std::ranges::any_of(report.findings, [](const Finding& f) {
    return f.severity == Severity::kWarning && f.code != "witnesses-disagree";
  });
  return unread ? ExitCode::kInconclusive : ExitCode::kMismatch;
}

std::string IdentifyText(const IdentifyReport& report, bool verbose, const Style& style,
                         std::size_t width) {
  width = std::min(width, kMaxTextWidth);
  const std::string_view name = IdentifyStateName(report.state);
  std::string text = style.Paint(ToneOf(report.state), name) + ": ";
  text += Wrapped(EscapeForPeople(report.summary), width, 2, name.size() + 2);
  const std::size_t limit = verbose ? report.models.size() : kShownModels;
  if (!report.models.empty()) text += "\nmodels\n";
  for (std::size_t i = 0; i < std::min(limit, report.models.size()); ++i) {
    text += ModelText(report.models[i], verbose, width);
  }
  if (limit < report.models.size()) {
    text += fmt::format("  … and {} more; --verbose shows them\n", report.models.size() - limit);
  }
  text += FilesText(report, verbose);
  text += fmt::format("\nread: {} hashed, {}{}\n", Count(report.files_hashed, "file"),
                      HumanBytes(report.bytes_hashed), RememberedText(report.remembered));
  if (!report.weights.empty()) text += fmt::format("weights: {}\n", report.weights);
  if (!report.no_weights_reason.empty()) {
    text += "weights: " + Wrapped(EscapeForPeople(report.no_weights_reason), width, 2, 9);
  }
  return text + FindingsText(report.findings, style, width);
}

std::string IdentifyJson(const IdentifyReport& report, ExitCode exit) {
  JsonWriter json = BeginReport("identify", IdentifyStateName(report.state), exit);
  json.Member("summary", report.summary);
  json.Key("models").BeginArray();
  for (const IdentifiedModel& model : report.models) WriteModel(model, &json);
  json.EndArray();
  json.Key("files").BeginArray();
  for (const IdentifiedFile& file : report.files) WriteFile(file, &json);
  json.EndArray();
  if (!report.weights.empty()) json.Member("weights", report.weights);
  if (!report.no_weights_reason.empty()) {
    json.Member("no_weights_reason", report.no_weights_reason);
  }
  json.Key("read").BeginObject();
  json.Member("files_hashed", report.files_hashed);
  json.Member("bytes_hashed", report.bytes_hashed);
  WriteRemembered(report.remembered, &json);
  json.EndObject();
  WriteFindings(report.findings, &json);
  return EndReport(&json);
}

}  // namespace hallmark
