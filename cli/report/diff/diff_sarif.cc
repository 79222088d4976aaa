#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "cli/report/diff/diff_json.h"
#include "cli/report/diff/diff_report.h"
#include "cli/report/diff/diff_view.h"
#include "cli/version.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

// Ids never change their meaning. Findings have their own code as id.
struct Rule {
  std::string_view id;
  std::string_view level;
  std::string_view text;
};
constexpr std::array kRules = {
    Rule{"tensor-differs", "error", "values, shape or digest of a tensor differ"},
    Rule{"tensor-only-in-a", "error", "a tensor of the first model is not in the second"},
    Rule{"tensor-only-in-b", "error", "a tensor of the second model is not in the first"},
    Rule{"tensor-not-compared", "warning", "a tensor could not be compared"},
    Rule{"layer-differs", "note", "tensors of a layer differ, are missing or were added"},
    Rule{"field-differs", "error", "a field that changes what the model does differs"},
    Rule{"description-differs", "note", "a field that only describes the model differs"},
    Rule{"fields-not-compared", "warning", "fields could not be compared"},
    Rule{"explanation", "note", "what kind of difference it is"},
};

std::string_view LevelOf(Severity severity) {
  switch (severity) {
    case Severity::kNote:
      return "note";
    case Severity::kWarning:
      return "warning";
    case Severity::kDanger:
      return "error";
  }
  return "warning";
}

std::string_view LevelOf(std::string_view rule) {
  return std::ranges::find(kRules, rule, &Rule::id)->level;
}

// RFC 3986: a path as a reference, an http address as it is.
std::string Uri(std::string_view name) {
  const bool address = name.starts_with("https://") || name.starts_with("http://");
  const std::string_view kept = address ? "-._~/:?#[]@!$&'()*+,;=%" : "-._~/";
  std::string uri = name.starts_with('/') ? "file://" : "";
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter || (c >= '0' && c <= '9') || kept.find(c) != std::string_view::npos) {
      uri += c;
    } else {
      uri += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return uri;
}

// 3.11.5: braces are doubled. 3.11.6: "](" would make a link.
std::string MessageText(std::string_view text) {
  std::string out;
  for (const char c : EscapeForPeople(text)) {
    if (c == '(' && out.ends_with(']')) out += ' ';
    out += c;
    if (c == '{' || c == '}') out += c;
  }
  return out;
}

void WriteText(std::string_view key, std::string_view text, JsonWriter* json) {
  json->Key(key).BeginObject();
  json->Member("text", MessageText(text));
  json->EndObject();
}

void WriteRule(std::string_view id, std::string_view level, std::string_view text,
               JsonWriter* json) {
  json->BeginObject();
  json->Member("id", id);
  WriteText("shortDescription", text, json);
  WriteText("fullDescription", text, json);
  WriteText("help", text, json);
  json->Key("defaultConfiguration").BeginObject();
  json->Member("level", level);
  json->EndObject();
  json->EndObject();
}

void WriteRules(const DiffReport& report, JsonWriter* json) {
  json->Key("rules").BeginArray();
  for (const Rule& rule : kRules) WriteRule(rule.id, rule.level, rule.text, json);
  std::set<std::string_view> codes;
  for (const Finding& finding : report.findings) {
    if (std::ranges::find(kRules, finding.code, &Rule::id) != kRules.end()) continue;
    if (!codes.insert(finding.code).second) continue;
    WriteRule(finding.code, LevelOf(finding.severity), "finding " + finding.code, json);
  }
  json->EndArray();
}

// What a result is about.
struct Place {
  const DiffSide* side;
  std::string_view kind;  // "tensor"
  std::string name;
};

// Leaves the result open for its properties.
void BeginResult(std::string_view rule, std::string_view level, std::string_view message,
                 const Place& place, JsonWriter* json) {
  json->BeginObject();
  json->Member("ruleId", rule);
  json->Member("level", level);
  WriteText("message", message, json);
  json->Key("locations").BeginArray().BeginObject();
  if (!place.side->name.empty()) {
    json->Key("physicalLocation").BeginObject().Key("artifactLocation").BeginObject();
    json->Member("uri", Uri(place.side->name));
    json->EndObject().EndObject();
  }
  if (!place.name.empty()) {
    json->Key("logicalLocations").BeginArray().BeginObject();
    json->Member("fullyQualifiedName", place.name);
    json->Member("kind", place.kind);
    json->EndObject().EndArray();
  }
  json->EndObject().EndArray();
  json->Key("partialFingerprints").BeginObject();
  json->Member("hallmark/v1", fmt::format("{}:{}", rule, place.name));
  json->EndObject();
}

void WriteTensorResult(const DiffReport& report, const TensorDiff& tensor, JsonWriter* json) {
  std::string_view rule;
  switch (tensor.state) {
    case TensorState::kEqual:
    case TensorState::kRelated:
      return;
    case TensorState::kDifferent:
      rule = "tensor-differs";
      break;
    case TensorState::kOnlyInA:
      rule = "tensor-only-in-a";
      break;
    case TensorState::kOnlyInB:
      rule = "tensor-only-in-b";
      break;
    case TensorState::kNotCompared:
      rule = "tensor-not-compared";
      break;
  }
  const std::string name(tensor.Name());
  BeginResult(rule, LevelOf(rule), name + ": " + WhatOf(tensor),
              {tensor.b ? &report.b : &report.a, "tensor", name}, json);
  json->Key("properties").BeginObject();
  json->Member("layer", tensor.group);
  if (tensor.values) {
    json->Key("values");
    WriteValues(*tensor.values, true, json);
  }
  json->EndObject().EndObject();
}

void WriteLayerResult(const DiffReport& report, const LayerRow& row, JsonWriter* json) {
  const std::string how_far = row.values != nullptr ? "; " + HowFar(*row.values) : "";
  BeginResult(
      "layer-differs", LevelOf("layer-differs"),
      fmt::format("{}: {} of {} tensors differ{}", row.name, row.different, row.tensors, how_far),
      {&report.b, "layer", row.name}, json);
  if (row.values != nullptr) {
    json->Key("properties").BeginObject().Key("values");
    WriteValues(*row.values, false, json);
    json->EndObject();
  }
  json->EndObject();
}

void WriteFieldResults(const DiffReport& report, JsonWriter* json) {
  for (const FieldDiff& field : report.fields) {
    const std::string_view rule = field.has_meaning ? "field-differs" : "description-differs";
    BeginResult(
        rule, LevelOf(rule),
        fmt::format("{}: {} is {} in A, {} in B", field.area, field.field,
                    field.a.empty() ? "absent" : field.a, field.b.empty() ? "absent" : field.b),
        {&report.b, "field", field.area + "/" + field.field}, json);
    json->EndObject();
  }
  for (const std::string& reason : report.fields_not_compared) {
    BeginResult("fields-not-compared", LevelOf("fields-not-compared"),
                "fields not compared: " + reason, {&report.b, "field", ""}, json);
    json->EndObject();
  }
}

void WriteExplanation(const DiffReport& report, const Explanation& explanation, JsonWriter* json) {
  const std::string_view kind = ExplanationKindName(explanation.kind);
  const std::string about = explanation.subject.empty() ? "" : explanation.subject + ": ";
  BeginResult("explanation", LevelOf("explanation"),
              fmt::format("{}: {}{}", kind, about, explanation.text),
              {&report.b, "tensor", explanation.subject}, json);
  json->Key("properties").BeginObject();
  json->Member("kind", kind);
  json->Key("numbers").BeginArray();
  for (const Explanation::Number& number : explanation.numbers) {
    json->BeginObject();
    json->Member("name", number.name);
    json->Key("value");
    WriteNumber(number.value, json);
    json->EndObject();
  }
  json->EndArray().EndObject().EndObject();
}

void WriteFinding(const DiffReport& report, const Finding& finding, JsonWriter* json) {
  const std::string place = finding.offset ? fmt::format("at byte {:#x}: ", *finding.offset) : "";
  const std::string about = finding.subject.empty() ? "" : finding.subject + ": ";
  BeginResult(finding.code, LevelOf(finding.severity), about + place + finding.message,
              {&report.b, "subject", finding.subject}, json);
  json->EndObject();
}

}  // namespace

std::string DiffSarif(const DiffReport& report) {
  JsonWriter json(JsonWriter::Form::kPretty);
  json.BeginObject();
  json.Member("$schema", "https://json.schemastore.org/sarif-2.1.0.json");
  json.Member("version", "2.1.0");
  json.Key("runs").BeginArray().BeginObject();
  json.Key("tool").BeginObject().Key("driver").BeginObject();
  json.Member("name", "hallmark");
  json.Member("version", VersionText());
  WriteRules(report, &json);
  json.EndObject().EndObject();
  json.Key("invocations").BeginArray().BeginObject();
  const ExitCode exit = DiffExit(report);
  json.Key("executionSuccessful").Bool(true);
  json.Member("exitCode", static_cast<std::uint64_t>(exit));
  json.Member("exitCodeDescription", ExitCodeName(exit));
  json.EndObject().EndArray();
  json.Key("results").BeginArray();
  for (const Explanation& explanation : report.explanations) {
    WriteExplanation(report, explanation, &json);
  }
  for (const LayerRow& row : LayerRows(report)) {
    if (row.state == LayerRow::State::kDifferent) WriteLayerResult(report, row, &json);
  }
  for (const TensorDiff& tensor : report.tensors) WriteTensorResult(report, tensor, &json);
  WriteFieldResults(report, &json);
  for (const Finding& finding : report.findings) WriteFinding(report, finding, &json);
  json.EndArray();
  json.Key("properties").BeginObject();
  json.Member("verdict", DiffVerdictName(report.verdict));
  json.Member("summary", report.summary);
  json.Member("a", report.a.name);
  json.Member("b", report.b.name);
  json.EndObject();
  json.EndObject().EndArray();
  json.EndObject();
  return json.Take() + "\n";
}

}  // namespace hallmark
