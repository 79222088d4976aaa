#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/report/json.h"
#include "cli/report/part_json.h"
#include "cli/report/remembered.h"
#include "cli/report/verify_report.h"

namespace hallmark {
namespace {

void WriteCheck(const DigestCheck& check, JsonWriter* json) {
  json->BeginObject();
  json->Member("expected", check.expected.digest.ToString());
  if (check.actual) json->Member("actual", check.actual->ToString());
  json->Key("matches").Bool(check.Matches());
  const Testimony& testimony = check.expected.testimony;
  if (!testimony.claim.empty()) json->Member("claim", testimony.claim);
  if (!testimony.witnesses.empty()) WriteTexts("witnesses", testimony.witnesses, json);
  if (testimony.further_witnesses > 0) {
    json->Member("further_witnesses", testimony.further_witnesses);
  }
  json->EndObject();
}

void WriteDamage(const DamagedRange& damage, JsonWriter* json) {
  json->BeginObject();
  json->Member("offset", damage.range.offset);
  json->Member("size", damage.range.size);
  if (damage.differing_bytes > 0) json->Member("differing_bytes", damage.differing_bytes);
  json->Key("tensors_known").Bool(damage.tensors_known);
  WriteTexts("tensors", damage.tensors, json);
  WriteTexts("groups", damage.groups, json);
  json->EndObject();
}

std::string_view SourceOf(const VerifyReport& report, const FileVerdict& file) {
  if (file.state == FileState::kUnlisted || file.source >= report.sources.size()) return {};
  return report.sources[file.source].name;
}

// `source`: its name; empty where no source lists the file.
void WriteFile(const FileVerdict& file, std::string_view source, JsonWriter* json) {
  json->BeginObject();
  json->Member("state", FileStateName(file.state));
  if (!file.path.empty()) json->Member("path", file.path);
  if (!file.listed_as.empty()) json->Member("listed_as", file.listed_as);
  if (!source.empty()) json->Member("source", source);
  json->Member("size", file.size);
  if (file.listed_size) json->Member("listed_size", *file.listed_size);
  json->Key("holds_weights").Bool(file.holds_weights);
  json->Key("same_weights").Bool(file.same_weights);
  json->Key("remembered").Bool(file.remembered);
  if (!file.remembered_from.empty()) json->Member("remembered_from", file.remembered_from);
  if (file.sampled_bytes > 0) json->Member("sampled_bytes", file.sampled_bytes);
  json->Key("checks").BeginArray();
  for (const DigestCheck& check : file.checks) WriteCheck(check, json);
  json->EndArray();
  json->Key("damage").BeginArray();
  for (const DamagedRange& damage : file.damage) WriteDamage(damage, json);
  json->EndArray();
  json->Key("intact").BeginArray();
  for (const ByteRange& range : file.intact) WriteRange(range, json);
  json->EndArray();
  if (!file.reason.empty()) json->Member("reason", file.reason);
  if (file.error) {
    json->Key("error");
    WriteError(*file.error, json);
  }
  json->EndObject();
}

void WriteDifference(const WeightsVerdict::Difference& difference, JsonWriter* json) {
  json->BeginObject();
  json->Member("tensor", difference.tensor);
  json->Member("group", difference.group);
  json->Member("what", difference.what);
  json->Key("places").BeginArray();
  for (const auto& [file, range] : difference.places) {
    json->BeginObject();
    json->Member("file", file);
    json->Member("offset", range.offset);
    json->Member("size", range.size);
    json->EndObject();
  }
  json->EndArray();
  if (difference.values) {
    json->Key("values").BeginObject();
    json->Member("differing", difference.values->differing);
    json->Member("total", difference.values->total);
    json->Key("max_abs");
    if (std::isfinite(difference.values->max_abs)) {
      json->Float(difference.values->max_abs);
    } else {
      json->String("infinite");
    }
    json->EndObject();
  }
  json->EndObject();
}

void WriteWeights(const WeightsVerdict& weights, JsonWriter* json) {
  json->Key("weights").BeginObject();
  json->Member("state", WeightsStateName(weights.state));
  if (!weights.ours.empty()) json->Member("ours", weights.ours);
  if (!weights.theirs.empty()) json->Member("theirs", weights.theirs);
  if (!weights.source.empty()) json->Member("source", weights.source);
  if (!weights.reason.empty()) json->Member("reason", weights.reason);
  json->Key("differences").BeginArray();
  for (const auto& difference : weights.differences) WriteDifference(difference, json);
  json->EndArray();
  json->EndObject();
}

void WriteSignatures(const std::vector<Endorsement>& endorsements, JsonWriter* json) {
  json->Key("signatures").BeginArray();
  for (const Endorsement& endorsement : endorsements) {
    json->BeginObject().Member("signer", endorsement.signer).Member("scheme", endorsement.scheme);
    if (!endorsement.origin.empty()) json->Member("origin", endorsement.origin);
    if (!endorsement.comment.empty()) json->Member("comment", endorsement.comment);
    json->EndObject();
  }
  json->EndArray();
}

void WriteProvenance(const std::vector<ProvenanceStep>& steps, JsonWriter* json) {
  json->Key("provenance").BeginArray();
  for (const ProvenanceStep& step : steps) {
    json->BeginObject()
        .Member("receipt", step.receipt)
        .Member("relation", step.relation)
        .Member("request", step.request);
    WriteSignatures(step.endorsements, json);
    json->EndObject();
  }
  json->EndArray();
}

void WriteAsked(const VerifyAsked& asked, JsonWriter* json) {
  json->Key("asked").BeginObject();
  WriteTexts("include", asked.include, json);
  json->Key("weights_only").Bool(asked.weights_only);
  json->Key("compare_weights").Bool(asked.compare_weights);
  json->EndObject();
}

void WriteSample(const SampleSummary& sample, JsonWriter* json) {
  json->Key("sample").BeginObject();
  json->Member("asked", sample.asked);
  json->Member("seed", sample.seed);
  json->Member("pieces", sample.pieces);
  json->Member("all_pieces", sample.all_pieces);
  json->Member("bytes", sample.bytes);
  json->Member("all_bytes", sample.all_bytes);
  json->Member("likely_found", sample.likely_found);
  json->EndObject();
}

std::string Json(const VerifyReport& report, ExitCode exit, JsonWriter::Form form, bool files) {
  JsonWriter json = BeginReport("verify", VerdictName(report.verdict), exit, form);
  json.Member("summary", report.summary);
  if (!report.hint.empty()) json.Member("hint", report.hint);
  WriteAsked(report.asked, &json);
  if (report.part) WritePart(*report.part, &json);
  if (report.sample) WriteSample(*report.sample, &json);
  if (report.merged_from > 0) json.Member("merged_from", report.merged_from);
  json.Key("sources").BeginArray();
  for (const SourceSummary& source : report.sources) {
    json.BeginObject();
    json.Member("name", source.name);
    json.Member("dialect", source.dialect);
    json.Member("title", source.title);
    json.Key("complete").Bool(source.complete);
    json.Key("inside_copy").Bool(source.inside_copy);
    json.Key("resists_attackers").Bool(source.resists_attackers);
    json.Member("listed_files", source.listed_files);
    WriteSignatures(source.endorsements, &json);
    json.EndObject();
  }
  json.EndArray();
  if (files) {
    json.Key("files").BeginArray();
    for (const FileVerdict& file : report.files) WriteFile(file, SourceOf(report, file), &json);
    json.EndArray();
  } else {
    json.Member("records", static_cast<std::uint64_t>(report.files.size()));
  }
  WriteWeights(report.weights, &json);
  if (!report.provenance.empty()) WriteProvenance(report.provenance, &json);
  json.Key("read").BeginObject();
  json.Member("files_hashed", report.files_hashed);
  json.Member("bytes_hashed", report.bytes_hashed);
  WriteRemembered(report.remembered, &json);
  json.Member("tensors_compared", report.weights.tensors_compared);
  json.EndObject();
  WriteFindings(report.findings, &json);
  return EndReport(&json);
}

}  // namespace

ExitCode VerifyExit(const VerifyReport& report) {
  ExitCode exit = ExitCode::kInconclusive;
  switch (report.verdict) {
    case Verdict::kAuthentic:
    case Verdict::kMatches:
    case Verdict::kSameWeights:
      exit = ExitCode::kOk;
      break;
    case Verdict::kMismatch:
      exit = ExitCode::kMismatch;
      break;
    case Verdict::kPartial:
      if (report.holds_as_asked) exit = ExitCode::kOk;
      break;
    case Verdict::kInconclusive:
      break;
  }
  for (const Finding& finding : report.findings) {
    if (finding.severity != Severity::kDanger) continue;
    const bool vouched_for =
        std::any_of(report.files.begin(), report.files.end(), [&](const FileVerdict& file) {
          return file.path == finding.subject &&
                 (file.state == FileState::kOk || file.state == FileState::kRenamed);
        });
    if (!vouched_for) exit = Worse(exit, ExitCode::kDangerous);
  }
  return exit;
}

std::string VerifyJson(const VerifyReport& report, ExitCode exit) {
  return Json(report, exit, JsonWriter::Form::kPretty, true);
}

std::string VerifyFileLine(const FileVerdict& file, std::string_view source) {
  JsonWriter json(JsonWriter::Form::kCompact);
  WriteFile(file, source, &json);
  return json.Take() + "\n";
}

std::string VerifyLastLines(const VerifyReport& report, ExitCode exit) {
  std::string text;
  for (const FileVerdict& file : report.files) {
    if (!file.told) text += VerifyFileLine(file, SourceOf(report, file));
  }
  return text + Json(report, exit, JsonWriter::Form::kCompact, false);
}

}  // namespace hallmark
