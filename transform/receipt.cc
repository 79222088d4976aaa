#include "transform/receipt.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "src/json/json_fields.h"
#include "src/json/json_reader.h"
#include "src/json/json_writer.h"

namespace hallmark {
namespace {

constexpr std::string_view kSchema = "hallmark.receipt/1";

void WriteTexts(std::string_view key, const std::vector<std::string>& texts, JsonWriter* json) {
  json->Key(key).BeginArray();
  for (const std::string& text : texts) json->String(text);
  json->EndArray();
}

void WriteSide(std::string_view key, const std::vector<ReceiptFile>& files,
               const std::string& weights, JsonWriter* json) {
  json->Key(key).BeginObject();
  json->Key("files").BeginArray();
  for (const ReceiptFile& file : files) {
    json->BeginObject();
    json->Member("path", file.path);
    json->Member("size", file.size);
    json->Member("tree", file.tree.ToString());
    json->EndObject();
  }
  json->EndArray();
  json->Member("weights", weights);
  json->EndObject();
}

void WriteTensor(const ReceiptTensor& tensor, JsonWriter* json) {
  json->BeginObject();
  json->Member("name", tensor.name);
  json->Member("file", tensor.file);
  json->Member("dtype", DtypeName(tensor.dtype));
  json->Key("shape").BeginArray();
  for (const std::uint64_t size : tensor.shape) json->Unsigned(size);
  json->EndArray();
  WriteTexts("sources", tensor.sources, json);
  WriteTexts("steps", tensor.steps, json);
  if (tensor.loss) {
    json->Key("loss").BeginObject();
    json->Member("changed", tensor.loss->changed);
    json->Member("overflowed", tensor.loss->overflowed);
    json->Member("vanished", tensor.loss->vanished);
    json->Member("worst_f64",
                 fmt::format("{:016x}", std::bit_cast<std::uint64_t>(tensor.loss->worst)));
    json->EndObject();
  }
  json->EndObject();
}

// Reads the members of one object, each checked for its kind.
class ReceiptParser {
 public:
  ReceiptParser(const JsonDocument& document, Receipt* receipt)
      : subject_(document.Subject()),
        fields_(subject_),
        root_(document.Root()),
        receipt_(*receipt) {}

  Result<void> Run() {
    if (!root_.IsObject() || HM_TRY(fields_.Text(root_, "schema")) != kSchema) {
      return Error{Errc::kUnsupported, subject_,
                   fmt::format("this is no receipt of a conversion ({})", kSchema)};
    }
    const JsonValue tool = HM_TRY(fields_.Object(root_, "tool"));
    receipt_.tool_version = HM_TRY(fields_.Text(tool, "version"));
    const JsonValue request = HM_TRY(fields_.Object(root_, "request"));
    for (const JsonMember& member : request.Members()) {
      const auto value = member.value.AsString();
      if (!value) return fields_.Malformed("request", "a text for each parameter");
      receipt_.request.push_back({std::string(member.key), std::string(*value)});
    }
    HM_TRY(Side("input", &receipt_.inputs, &receipt_.input_weights));
    HM_TRY(Side("output", &receipt_.outputs, &receipt_.output_weights));
    receipt_.relation = HM_TRY(fields_.Text(root_, "relation"));
    const std::vector<JsonValue> tensors = HM_TRY(fields_.Array(root_, "tensors"));
    for (const JsonValue& item : tensors) HM_TRY(Tensor(item));
    receipt_.left_out = HM_TRY(fields_.Texts(root_, "left_out"));
    receipt_.notes = HM_TRY(fields_.Texts(root_, "notes"));
    static constexpr std::string_view kKnown[] = {
        "schema", "tool", "request", "input", "output", "relation", "tensors", "left_out", "notes"};
    for (const JsonMember& member : root_.Members()) {
      if (std::ranges::find(kKnown, member.key) == std::end(kKnown)) {
        receipt_.unknown_fields.emplace_back(member.key);
      }
    }
    return {};
  }

 private:
  Result<void> Side(std::string_view key, std::vector<ReceiptFile>* files, std::string* weights) {
    const JsonValue side = HM_TRY(fields_.Object(root_, key));
    *weights = HM_TRY(fields_.Text(side, "weights"));
    for (const JsonValue& item : HM_TRY(fields_.Array(side, "files"))) {
      const std::string path = HM_TRY(fields_.Text(item, "path"));
      const std::uint64_t size = HM_TRY(fields_.Number(item, "size"));
      const auto tree = Digest::Parse(HM_TRY(fields_.Text(item, "tree")));
      if (!tree || tree->GetAlgorithm() != Algorithm::kTree)
        return fields_.Malformed("tree", "a tree root");
      files->push_back({path, size, *tree});
    }
    return {};
  }

  Result<void> Tensor(const JsonValue& item) {
    ReceiptTensor tensor{.dtype = Dtype::kF32};
    tensor.name = HM_TRY(fields_.Text(item, "name"));
    tensor.file = HM_TRY(fields_.Text(item, "file"));
    const auto dtype = DtypeByName(HM_TRY(fields_.Text(item, "dtype")));
    if (!dtype) return fields_.Malformed("dtype", "an element type known here");
    tensor.dtype = *dtype;
    for (const JsonValue& size : HM_TRY(fields_.Array(item, "shape"))) {
      const auto number = size.AsU64();
      if (!number) return fields_.Malformed("shape", "a list of whole numbers");
      tensor.shape.push_back(*number);
    }
    tensor.sources = HM_TRY(fields_.Texts(item, "sources"));
    tensor.steps = HM_TRY(fields_.Texts(item, "steps"));
    if (const auto loss = item.Find("loss")) {
      RoundingLoss lost;
      lost.changed = HM_TRY(fields_.Number(*loss, "changed"));
      lost.overflowed = HM_TRY(fields_.Number(*loss, "overflowed"));
      lost.vanished = HM_TRY(fields_.Number(*loss, "vanished"));
      const std::string worst = HM_TRY(fields_.Text(*loss, "worst_f64"));
      std::uint64_t bits = 0;
      for (const char c : worst) {
        const std::size_t digit = std::string_view("0123456789abcdef").find(c);
        if (digit == std::string_view::npos || worst.size() != 16) {
          return fields_.Malformed("worst_f64", "16 hex digits");
        }
        bits = bits << 4 | digit;
      }
      lost.worst = std::bit_cast<double>(bits);
      tensor.loss = lost;
    }
    receipt_.tensors.push_back(std::move(tensor));
    return {};
  }

  const std::string& subject_;
  const JsonFields fields_;
  const JsonValue root_;
  Receipt& receipt_;
};

}  // namespace

std::string WriteReceipt(const Receipt& receipt) {
  JsonWriter json(JsonWriter::Form::kCanonical);
  json.BeginObject();
  json.Member("schema", kSchema);
  json.Key("tool").BeginObject();
  json.Member("name", "hallmark");
  json.Member("version", receipt.tool_version);
  json.EndObject();
  json.Key("request").BeginObject();
  for (const auto& [name, value] : receipt.request) json.Member(name, value);
  json.EndObject();
  WriteSide("input", receipt.inputs, receipt.input_weights, &json);
  WriteSide("output", receipt.outputs, receipt.output_weights, &json);
  json.Member("relation", receipt.relation);
  json.Key("tensors").BeginArray();
  for (const ReceiptTensor& tensor : receipt.tensors) WriteTensor(tensor, &json);
  json.EndArray();
  WriteTexts("left_out", receipt.left_out, &json);
  WriteTexts("notes", receipt.notes, &json);
  json.EndObject();
  return json.Take() + "\n";
}

Result<Receipt> ParseReceipt(std::string_view json, std::string subject) {
  const JsonDocument document = HM_TRY(JsonDocument::Parse(json, std::move(subject)));
  Receipt receipt;
  HM_TRY(ReceiptParser(document, &receipt).Run());
  return receipt;
}

}  // namespace hallmark
