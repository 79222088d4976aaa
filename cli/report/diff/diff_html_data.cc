// The table of tensors as JSON: one array a tensor, its columns named once. The script in
// diff_html_script.cc reads it.
#include <algorithm>
#include <cmath>

#include "cli/report/diff/diff_html_parts.h"
#include "cli/report/html.h"
#include "src/json/json_writer.h"

namespace hallmark {
namespace {

constexpr std::size_t kNameBytes = 600;
constexpr std::size_t kRelations = 20;  // of one tensor

// In the order in which WriteTensor gives them.
constexpr std::string_view kColumns[] = {
    "name",          "state",      "relations",  "group",   "shape_a",      "shape_b", "dtype_a",
    "dtype_b",       "values",     "differing",  "max_abs", "max_relative", "rms",     "cosine",
    "relative_norm", "sign_flips", "not_finite", "heat",    "more"};

// JSON has no infinity: as text, which JavaScript's Number() reads.
void WriteFloat(double value, JsonWriter* json) {
  if (std::isnan(value)) {
    json->String("NaN");
  } else if (std::isinf(value)) {
    json->String(value > 0 ? "Infinity" : "-Infinity");
  } else {
    json->Float(value);
  }
}

void WriteSide(const std::optional<TensorDiff::Side>& a, const std::optional<TensorDiff::Side>& b,
               JsonWriter* json) {
  for (const auto* side : {&a, &b}) {
    *side ? json->String(ShapeText((*side)->shape)) : json->Null();
  }
  for (const auto* side : {&a, &b}) {
    *side ? json->String(DtypeName((*side)->dtype)) : json->Null();
  }
}

// What the details of a row say.
void WriteMore(const TensorDiff& tensor, JsonWriter* json) {
  json->BeginObject();
  if (tensor.a && tensor.b && tensor.a->name != tensor.b->name) {
    json->Member("name_b", CutForPeople(tensor.b->name, kNameBytes));
  }
  if (tensor.a && tensor.a->stored_name != tensor.a->name && !tensor.a->stored_name.empty()) {
    json->Member("stored_a", CutForPeople(tensor.a->stored_name, kNameBytes));
  }
  if (tensor.b && tensor.b->stored_name != tensor.b->name && !tensor.b->stored_name.empty()) {
    json->Member("stored_b", CutForPeople(tensor.b->stored_name, kNameBytes));
  }
  if (!tensor.reason.empty()) json->Member("reason", CutForPeople(tensor.reason));
  if (tensor.values) {
    const ValueComparison& values = *tensor.values;
    if (values.differing > 0) {
      json->Member("first", values.first_differing).Member("last", values.last_differing);
      json->Member("max_abs_at", values.max_abs_at);
      json->Member("max_relative_at", values.max_relative_at);
    }
    if (values.zeros_a + values.zeros_b > 0) {
      json->Member("zeros_a", values.zeros_a).Member("zeros_b", values.zeros_b);
    }
    if (values.not_finite > 0) {
      json->Member("nan_a", values.nan_a).Member("nan_b", values.nan_b);
      json->Member("infinite_a", values.infinite_a).Member("infinite_b", values.infinite_b);
    }
  }
  if (tensor.rounding) {
    json->Key("rounding").BeginObject();
    json->Member("type", DtypeName(tensor.rounding->type));
    json->Member("blocks", tensor.rounding->blocks).Member("within", tensor.rounding->within);
    json->Key("worst_steps");
    WriteFloat(tensor.rounding->worst_steps, json);
    json->EndObject();
  }
  if (tensor.ulps) {
    json->Member("ulp_unit", DtypeName(tensor.ulp_unit));
    std::size_t used = tensor.ulps->bins.size();
    while (used > 1 && tensor.ulps->bins[used - 1] == 0) --used;
    json->Key("ulps").BeginArray();
    for (std::size_t i = 0; i < used; ++i) json->Unsigned(tensor.ulps->bins[i]);
    json->EndArray();
  }
  json->EndObject();
}

void WriteTensor(const TensorDiff& tensor, JsonWriter* json) {
  json->BeginArray();
  json->String(CutForPeople(tensor.Name(), kNameBytes)).String(StateClass(tensor.state));
  json->BeginArray();
  for (std::size_t i = 0; i < std::min(tensor.relations.size(), kRelations); ++i) {
    json->String(CutForPeople(tensor.relations[i]));
  }
  json->EndArray().String(CutForPeople(tensor.group, 200));
  WriteSide(tensor.a, tensor.b, json);
  if (tensor.values) {
    const ValueComparison& values = *tensor.values;
    json->Unsigned(values.values).Unsigned(values.differing);
    const double numbers[] = {values.max_abs, values.max_relative, values.Rms(), values.Cosine(),
                              values.RelativeNorm()};
    for (const double number : numbers) {
      values.FinitePairs() > 0 ? WriteFloat(number, json) : static_cast<void>(json->Null());
    }
    json->Unsigned(values.sign_flips).Unsigned(values.not_finite);
    if (tensor.state == TensorState::kDifferent) {
      json->Unsigned(static_cast<std::uint64_t>(HeatClass(values.RelativeNorm())));
    } else {
      json->Null();
    }
  } else {
    for (int i = 0; i < 10; ++i) json->Null();
  }
  WriteMore(tensor, json);
  json->EndArray();
}

}  // namespace

std::string DiffHtmlData(const DiffReport& report) {
  JsonWriter json(JsonWriter::Form::kCompact);
  json.BeginObject().Key("columns").BeginArray();
  for (const std::string_view column : kColumns) json.String(column);
  json.EndArray().Key("rows").BeginArray();
  for (const TensorDiff& tensor : report.tensors) WriteTensor(tensor, &json);
  json.EndArray().EndObject();
  return json.Take();
}

}  // namespace hallmark
