#include "cli/report/inspect_report.h"
#include "cli/report/json.h"
#include "cli/report/metadata_text.h"

namespace hallmark {
namespace {

std::string_view LayoutName(ModelSet::Layout layout) {
  switch (layout) {
    case ModelSet::Layout::kSingle:
      return "single";
    case ModelSet::Layout::kIndexed:
      return "indexed";
    case ModelSet::Layout::kNumbered:
      return "numbered";
    case ModelSet::Layout::kModelParallel:
      return "model-parallel";
  }
  return "single";
}

void WriteConfig(const ModelConfig& config, JsonWriter* json) {
  json->Key("config").BeginObject();
  json->Member("source", config.source);
  json->Member("architecture", config.architecture);
  const auto add = [&](std::string_view key, const std::optional<std::uint64_t>& value) {
    if (value) json->Member(key, *value);
  };
  add("n_layers", config.n_layers);
  add("hidden_size", config.hidden_size);
  add("ffn_size", config.ffn_size);
  add("n_heads", config.n_heads);
  add("n_kv_heads", config.n_kv_heads);
  add("head_dim", config.head_dim);
  add("vocab_size", config.vocab_size);
  add("n_experts", config.n_experts);
  json->EndObject();
}

// Absent where neither tensors nor configuration tell of any.
void WriteQuantisation(const Model& model, JsonWriter* json) {
  const auto& configured = model.Config().quantisation;
  if (model.Quantisation().empty() && !configured) return;
  json->Key("quantisation").BeginObject();
  json->Key("found").BeginArray();
  for (const FoundQuantisation& found : model.Quantisation()) {
    json->BeginObject();
    json->Member("scheme", found.scheme->name);
    json->Member("weights", found.weights);
    json->Member("example", found.example);
    json->EndObject();
  }
  json->EndArray();
  if (configured) {
    json->Key("configured").BeginObject();
    json->Member("method", configured->method);
    if (configured->bits) json->Member("bits", *configured->bits);
    if (configured->group_size) json->Member("group_size", *configured->group_size);
    json->EndObject();
  }
  json->Key("agree").Bool(QuantisationAgrees(configured, model.Quantisation()));
  json->EndObject();
}

void WriteTensor(const Model& model, const WeightFile& file, const TensorInfo& tensor,
                 JsonWriter* json) {
  json->BeginObject();
  json->Member("name", tensor.name);
  json->Member("file", model.PathOf(file, tensor.file));
  json->Member("dtype", DtypeName(tensor.dtype));
  WriteShape(tensor.shape, json);
  json->Member("payload_bytes", tensor.payload_bytes);
  json->Member("offset", tensor.stored.offset);
  json->Member("stored_bytes", tensor.stored.size);
  json->Key("verbatim").Bool(tensor.verbatim);
  json->EndObject();
}

void WriteFiles(const Model& model, JsonWriter* json) {
  json->Key("files").BeginArray();
  for (const WeightFile& file : model.Files()) {
    json->BeginObject();
    json->Member("path", file.path);
    json->Member("size", file.file->Size());
    json->Member("format", file.reader->FormatName());
    json->Member("format_detail", file.reader->FormatDetail());
    json->Member("tensors", static_cast<std::uint64_t>(file.reader->Tensors().size()));
    if (!file.reader->Companions().empty()) {
      json->Key("companions").BeginArray();
      for (std::size_t i = 0; i < file.reader->Companions().size(); ++i) {
        json->BeginObject();
        json->Member("path", model.PathOf(file, i + 1));
        json->Member("size", file.reader->Companions()[i].file->Size());
        json->EndObject();
      }
      json->EndArray();
    }
    json->Key("metadata").BeginArray();
    for (const MetadataEntry& entry : file.reader->Metadata()) {
      json->BeginObject();
      json->Member("key", entry.key);
      json->Key("value");
      WriteMetadata(entry.value, json);
      json->EndObject();
    }
    json->EndArray();
    json->EndObject();
  }
  json->EndArray();
}

void WriteTotals(const InspectReport& report, JsonWriter* json) {
  json->Member("architecture", report.architecture);
  if (report.parameters) json->Member("parameters", *report.parameters);
  if (!report.no_identity.empty()) json->Member("no_identity_reason", report.no_identity);
  json->Member("tensor_count", report.tensors);
  json->Member("tensor_bytes", report.stored_bytes);
  json->Key("dtypes").BeginArray();
  for (const InspectReport::DtypeCount& count : report.dtypes) {
    json->BeginObject();
    json->Member("dtype", DtypeName(count.dtype));
    json->Member("tensors", count.tensors);
    json->Member("elements", count.elements);
    json->Member("bytes", count.bytes);
    json->EndObject();
  }
  json->EndArray();
  json->Key("patterns").BeginArray();
  for (const TensorPattern& pattern : report.patterns) {
    json->BeginObject();
    json->Member("pattern", pattern.pattern);
    json->Member("dtype", DtypeName(pattern.dtype));
    WriteShape(pattern.shape, json);
    json->Member("tensors", pattern.tensors);
    json->Member("bytes", pattern.bytes);
    json->EndObject();
  }
  json->EndArray();
}

std::string Json(const InspectReport& report, JsonWriter::Form form, bool all_tensors,
                 std::optional<std::uint64_t> records) {
  const Model& model = *report.model;
  JsonWriter json = BeginReport("inspect", ExitCodeName(report.exit), report.exit, form);
  json.Member("name", model.Set().name);
  json.Member("layout", LayoutName(model.Set().layout));
  WriteFiles(model, &json);
  WriteConfig(model.Config(), &json);
  WriteQuantisation(model, &json);
  WriteTotals(report, &json);
  if (records) json.Member("records", *records);
  if (all_tensors) {
    json.Key("tensors").BeginArray();
    for (const WeightFile& file : model.Files()) {
      for (const TensorInfo& tensor : file.reader->Tensors())
        WriteTensor(model, file, tensor, &json);
    }
    json.EndArray();
  }
  json.Key("side_files").BeginArray();
  for (const DirectoryEntry& entry : report.side_files) {
    json.BeginObject();
    json.Member("path", entry.path);
    json.Member("size", entry.size);
    json.EndObject();
  }
  json.EndArray();
  WriteFindings(report.findings, &json);
  return EndReport(&json);
}

}  // namespace

std::string InspectJson(const InspectReport& report, const InspectOptions& options) {
  return Json(report, JsonWriter::Form::kPretty, options.all_tensors, std::nullopt);
}

std::string InspectJsonLines(const InspectReport& report) {
  const Model& model = *report.model;
  std::string text;
  std::uint64_t records = 0;
  for (const WeightFile& file : model.Files()) {
    for (const TensorInfo& tensor : file.reader->Tensors()) {
      JsonWriter json(JsonWriter::Form::kCompact);
      WriteTensor(model, file, tensor, &json);
      text += json.Take() + "\n";
      ++records;
    }
  }
  return text + Json(report, JsonWriter::Form::kCompact, false, records);
}

}  // namespace hallmark
