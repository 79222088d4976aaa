#include "cli/report/diff/diff_json.h"

#include <algorithm>
#include <cmath>

#include "cli/report/diff/diff_report.h"
#include "cli/report/diff/diff_view.h"
#include "cli/report/json.h"

namespace hallmark {
namespace {

void WriteUlps(const UlpHistogram& ulps, Dtype unit, JsonWriter* json) {
  json->BeginObject();
  json->Member("unit", DtypeName(unit));
  json->Key("bins").BeginArray();
  std::size_t count = ulps.bins.size();
  while (count > 0 && ulps.bins[count - 1] == 0) --count;
  for (std::size_t i = 0; i < count; ++i) json->Unsigned(ulps.bins[i]);
  json->EndArray();
  json->EndObject();
}

void WriteTensor(const TensorDiff& tensor, JsonWriter* json) {
  json->BeginObject();
  json->Member("state", TensorStateName(tensor.state));
  json->Member("name", tensor.Name());
  json->Member("group", tensor.group);
  if (tensor.a) {
    json->Key("a");
    WriteTensorSide(*tensor.a, json);
  }
  if (tensor.b) {
    json->Key("b");
    WriteTensorSide(*tensor.b, json);
  }
  json->Member("compared", HowComparedName(ComparedHow(tensor)));
  WriteTexts("relations", tensor.relations, json);
  if (tensor.values) {
    json->Key("values");
    WriteValues(*tensor.values, true, json);
  }
  if (tensor.ulps) {
    json->Key("ulps");
    WriteUlps(*tensor.ulps, tensor.ulp_unit, json);
  }
  if (tensor.rounding) {
    json->Key("rounding");
    WriteRounding(*tensor.rounding, json);
  }
  if (!tensor.reason.empty()) json->Member("reason", tensor.reason);
  json->EndObject();
}

void WriteCounts(const DiffReport& report, JsonWriter* json) {
  json->Key("counts").BeginObject();
  json->Member("equal", report.CountOf(TensorState::kEqual));
  json->Member("equal_after_relations", report.CountOf(TensorState::kRelated));
  json->Member("different", report.CountOf(TensorState::kDifferent));
  json->Member("only_in_a", report.CountOf(TensorState::kOnlyInA));
  json->Member("only_in_b", report.CountOf(TensorState::kOnlyInB));
  json->Member("not_compared", report.CountOf(TensorState::kNotCompared));
  json->EndObject();
}

void WriteGroups(const DiffReport& report, JsonWriter* json) {
  json->Key("groups").BeginArray();
  for (const GroupDiff& group : report.groups) {
    json->BeginObject();
    json->Member("key", group.key);
    json->Member("tensors", group.tensors);
    json->Member("equal", group.equal);
    json->Member("different", group.different);
    json->Member("not_compared",
                 group.tensors - std::min(group.equal + group.different, group.tensors));
    if (group.values.values > 0) {
      json->Key("values");
      WriteValues(group.values, false, json);
    }
    json->EndObject();
  }
  json->EndArray();
}

void WriteFields(const DiffReport& report, JsonWriter* json) {
  json->Key("fields").BeginObject();
  json->Member("compared", report.fields_compared);
  json->Key("differing").BeginArray();
  for (const FieldDiff& field : report.fields) {
    json->BeginObject();
    json->Member("area", field.area);
    json->Member("field", field.field);
    if (!field.a.empty()) json->Member("a", field.a);
    if (!field.b.empty()) json->Member("b", field.b);
    json->Key("has_meaning").Bool(field.has_meaning);
    json->EndObject();
  }
  json->EndArray();
  WriteTexts("not_compared", report.fields_not_compared, json);
  json->EndObject();
}

void WriteExplanations(const DiffReport& report, JsonWriter* json) {
  json->Key("explanations").BeginArray();
  for (const Explanation& explanation : report.explanations) {
    json->BeginObject();
    json->Member("kind", ExplanationKindName(explanation.kind));
    if (!explanation.subject.empty()) json->Member("subject", explanation.subject);
    json->Member("text", explanation.text);
    json->Key("numbers").BeginArray();
    for (const Explanation::Number& number : explanation.numbers) {
      json->BeginObject();
      json->Member("name", number.name);
      json->Key("value");
      WriteNumber(number.value, json);
      json->EndObject();
    }
    json->EndArray();
    json->EndObject();
  }
  json->EndArray();
}

std::string Json(const DiffReport& report, ExitCode exit, JsonWriter::Form form, bool tensors) {
  JsonWriter json = BeginReport("diff", DiffVerdictName(report.verdict), exit, form);
  json.Member("summary", report.summary);
  if (!report.hint.empty()) json.Member("hint", report.hint);
  json.Key("a");
  WriteSide(report.a, &json);
  json.Key("b");
  WriteSide(report.b, &json);
  WriteCounts(report, &json);
  if (const ValueComparison total = report.Total(); total.values > 0) {
    json.Key("values");
    WriteValues(total, false, &json);
  }
  WriteGroups(report, &json);
  if (tensors) {
    json.Key("tensors").BeginArray();
    for (const TensorDiff& tensor : report.tensors) WriteTensor(tensor, &json);
    json.EndArray();
  } else {
    json.Member("records", static_cast<std::uint64_t>(report.tensors.size()));
  }
  WriteFields(report, &json);
  WriteExplanations(report, &json);
  WriteFindings(report.findings, &json);
  return EndReport(&json);
}

}  // namespace

void WriteSide(const DiffSide& side, JsonWriter* json) {
  json->BeginObject();
  json->Member("name", side.name);
  json->Member("format", side.format);
  if (!side.architecture.empty()) json->Member("architecture", side.architecture);
  if (!side.identity.empty()) json->Member("identity", side.identity);
  json->Key("by_digests_only").Bool(side.by_digests_only);
  json->Member("tensors", side.tensors);
  json->Member("parameters", side.parameters);
  json->Member("bytes_read", side.bytes_read);
  WriteLeftOut(side.left_out, json);
  json->EndObject();
}

void WriteTensorSide(const TensorDiff::Side& side, JsonWriter* json) {
  json->BeginObject();
  json->Member("name", side.name);
  if (!side.stored_name.empty()) json->Member("stored_name", side.stored_name);
  json->Member("dtype", DtypeName(side.dtype));
  WriteShape(side.shape, json);
  json->EndObject();
}

void WriteRounding(const BlockRounding& rounding, JsonWriter* json) {
  json->BeginObject();
  json->Member("type", DtypeName(rounding.type));
  json->Member("blocks", rounding.blocks);
  json->Member("within", rounding.within);
  json->Key("worst_steps");
  WriteNumber(rounding.worst_steps, json);
  json->Key("mean_steps");
  WriteNumber(rounding.MeanSteps(), json);
  json->EndObject();
}

void WriteNumber(double number, JsonWriter* json) {
  if (std::isfinite(number)) {
    json->Float(number);
  } else {
    json->Null();
  }
}

void WriteValues(const ValueComparison& values, bool places, JsonWriter* json) {
  const bool measured = values.FinitePairs() > 0;
  const auto measure = [&](std::string_view key, double number) {
    json->Key(key);
    if (measured) {
      WriteNumber(number, json);
    } else {
      json->Null();
    }
  };
  json->BeginObject();
  json->Member("values", values.values);
  json->Member("differing", values.differing);
  json->Member("sign_flips", values.sign_flips);
  json->Member("zeros_a", values.zeros_a);
  json->Member("zeros_b", values.zeros_b);
  json->Member("nan_a", values.nan_a);
  json->Member("nan_b", values.nan_b);
  json->Member("infinite_a", values.infinite_a);
  json->Member("infinite_b", values.infinite_b);
  json->Member("not_finite", values.not_finite);
  measure("max_abs", values.max_abs);
  if (places && values.max_abs > 0) json->Member("max_abs_at", values.max_abs_at);
  measure("max_relative", values.max_relative);
  if (places && values.max_relative > 0) json->Member("max_relative_at", values.max_relative_at);
  measure("rms", measured ? values.Rms() : 0);
  measure("relative_norm", measured ? values.RelativeNorm() : 0);
  measure("cosine", measured ? values.Cosine() : 0);
  if (places && values.differing > 0) {
    json->Member("first_differing", values.first_differing);
    json->Member("last_differing", values.last_differing);
  }
  json->EndObject();
}

ExitCode DiffExit(const DiffReport& report) {
  ExitCode exit = ExitCode::kInconclusive;
  switch (report.verdict) {
    case DiffVerdict::kEqual:
    case DiffVerdict::kEqualRelated:
      exit = ExitCode::kOk;
      break;
    case DiffVerdict::kDifferent:
      exit = ExitCode::kMismatch;
      break;
    case DiffVerdict::kInconclusive:
      break;
  }
  const auto is_danger = [](const Finding& f) { return f.severity == Severity::kDanger; };
  return std::ranges::any_of(report.findings, is_danger) ? Worse(exit, ExitCode::kDangerous) : exit;
}

std::string DiffJson(const DiffReport& report, ExitCode exit) {
  return Json(report, exit, JsonWriter::Form::kPretty, true);
}

std::string DiffJsonLine(const TensorDiff& tensor) {
  JsonWriter json(JsonWriter::Form::kCompact);
  WriteTensor(tensor, &json);
  return json.Take() + "\n";
}

std::string DiffJsonLinesEnd(const DiffReport& report, ExitCode exit) {
  return Json(report, exit, JsonWriter::Form::kCompact, false);
}

}  // namespace hallmark
