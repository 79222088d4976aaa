#include "cli/report/json.h"

namespace hallmark {

std::string_view ErrcName(Errc code) {
  switch (code) {
    case Errc::kUsage:
      return "usage";
    case Errc::kNotFound:
      return "not-found";
    case Errc::kIo:
      return "io";
    case Errc::kMalformed:
      return "malformed";
    case Errc::kUnsupported:
      return "unsupported";
    case Errc::kUntrusted:
      return "untrusted";
    case Errc::kDangerous:
      return "dangerous";
    case Errc::kInterrupted:
      return "interrupted";
  }
  return "bug";
}

JsonWriter BeginReport(std::string_view verb, std::string_view verdict, ExitCode exit,
                       JsonWriter::Form form) {
  JsonWriter json(form);
  json.BeginObject();
  json.Member("schema", "hallmark.report/1");
  json.Member("verb", verb);
  json.Member("verdict", verdict);
  json.Member("exit_code", static_cast<std::uint64_t>(exit));
  return json;
}

std::string EndReport(JsonWriter* json) {
  json->EndObject();
  return json->Take() + "\n";
}

std::string ErrorReport(std::string_view verb, const Error& error, JsonWriter::Form form) {
  JsonWriter json = BeginReport(verb, "error", ExitCodeFor(error), form);
  json.Key("error");
  WriteError(error, &json);
  return EndReport(&json);
}

void WriteError(const Error& error, JsonWriter* json) {
  json->BeginObject();
  json->Member("code", ErrcName(error.code));
  json->Member("subject", error.subject);
  json->Member("message", error.message);
  if (error.offset) json->Member("offset", *error.offset);
  if (!error.hint.empty()) json->Member("hint", error.hint);
  json->EndObject();
}

void WriteFindings(std::span<const Finding> findings, JsonWriter* json) {
  json->Key("findings").BeginArray();
  for (const Finding& finding : findings) {
    json->BeginObject();
    json->Member("severity", SeverityName(finding.severity));
    json->Member("code", finding.code);
    json->Member("subject", finding.subject);
    json->Member("message", finding.message);
    if (finding.offset) json->Member("offset", *finding.offset);
    json->EndObject();
  }
  json->EndArray();
}

void WriteRange(const ByteRange& range, JsonWriter* json) {
  json->BeginObject();
  json->Member("offset", range.offset);
  json->Member("size", range.size);
  json->EndObject();
}

void WriteTexts(std::string_view key, std::span<const std::string> texts, JsonWriter* json) {
  json->Key(key).BeginArray();
  for (const std::string& text : texts) json->String(text);
  json->EndArray();
}

void WriteTestimony(const Testimony& testimony, JsonWriter* json) {
  json->Member("claim", testimony.claim);
  WriteTexts("witnesses", testimony.witnesses, json);
  json->Member("further_witnesses", testimony.further_witnesses);
}

void WriteListedWeights(const ListedWeights& weights, JsonWriter* json) {
  json->BeginObject();
  json->Member("identity", weights.identity);
  WriteTestimony(weights.testimony, json);
  json->EndObject();
}

void WriteShape(const Shape& shape, JsonWriter* json) {
  json->Key("shape").BeginArray();
  for (const std::uint64_t dimension : shape) json->Unsigned(dimension);
  json->EndArray();
}

void WriteLeftOut(std::span<const LeftOut> left_out, JsonWriter* json) {
  json->Key("left_out").BeginArray();
  for (const LeftOut& item : left_out) {
    json->BeginObject();
    json->Member("stored_name", item.stored_name);
    json->Member("reason", item.reason);
    json->EndObject();
  }
  json->EndArray();
}

}  // namespace hallmark
