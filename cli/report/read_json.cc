#include "cli/report/read_json.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/report/json.h"
#include "cli/report/part_json.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr JsonLimits kLimits = {.max_bytes = 2'000'000'000, .max_depth = 64};

// The members of one object, checked for their kinds. The first that is wrong is kept.
class Fields {
 public:
  Fields(const JsonValue& object, std::string where) : object_(object), where_(std::move(where)) {}

  std::string Text(std::string_view key, bool required = true) {
    const auto value = object_.Find(key);
    const auto text = value ? value->AsString() : std::nullopt;
    if (!text && (value || required)) Complain(key);
    return std::string(text.value_or(""));
  }
  std::optional<std::uint64_t> Number(std::string_view key) {
    const auto value = object_.Find(key);
    const auto number = value ? value->AsU64() : std::nullopt;
    if (value && !number) Complain(key);
    return number;
  }
  std::uint64_t Count(std::string_view key) {
    const auto number = Number(key);
    if (!number) Complain(key);
    return number.value_or(0);
  }
  bool Flag(std::string_view key) {
    const auto value = object_.Find(key);
    const auto flag = value ? value->AsBool() : std::nullopt;
    if (!flag) Complain(key);
    return flag.value_or(false);
  }
  std::vector<JsonValue> Items(std::string_view key, bool required = true) {
    const auto value = object_.Find(key);
    if ((value && !value->IsArray()) || (!value && required)) Complain(key);
    return value ? value->Items() : std::vector<JsonValue>();
  }
  std::vector<std::string> Texts(std::string_view key, bool required = true) {
    std::vector<std::string> texts;
    for (const JsonValue& item : Items(key, required)) {
      const auto text = item.AsString();
      if (!text) Complain(key);
      texts.emplace_back(text.value_or(""));
    }
    return texts;
  }
  std::optional<JsonValue> Object(std::string_view key) {
    const auto value = object_.Find(key);
    if (value && !value->IsObject()) Complain(key);
    return value;
  }
  std::string Time(std::string_view key) {
    std::string text = Text(key, false);
    if (!text.empty() && !IsUtcText(text)) Complain(key);
    return text;
  }
  std::optional<Digest> DigestAt(std::string_view key) {
    if (!object_.Find(key)) return std::nullopt;
    const auto digest = Digest::Parse(Text(key));
    if (!digest) Complain(key);
    return digest;
  }
  void Complain(std::string_view key) {
    if (!object_.IsObject()) key = "";
    if (!wrong_) wrong_ = fmt::format("{}/{}: not what hallmark writes", where_, key);
  }
  // kMalformed if anything was wrong.
  Result<void> Check() const {
    if (!wrong_) return {};
    return Error{Errc::kMalformed, "", *wrong_};
  }

 private:
  JsonValue object_;
  std::string where_;
  std::optional<std::string> wrong_;
};

Result<Error> ReadError(const JsonValue& value, const std::string& where) {
  Fields fields(value, where);
  const std::string code = fields.Text("code");
  Error error{Errc::kIo, fields.Text("subject"), fields.Text("message"), fields.Number("offset"),
              fields.Text("hint", false)};
  bool known = false;
  for (int i = 0; i <= static_cast<int>(Errc::kInterrupted); ++i) {
    if (ErrcName(static_cast<Errc>(i)) != code) continue;
    error.code = static_cast<Errc>(i);
    known = true;
  }
  if (!known) fields.Complain("code");
  HM_TRY(fields.Check());
  return error;
}

Result<std::vector<Finding>> ReadFindings(std::span<const JsonValue> items) {
  std::vector<Finding> findings;
  for (const JsonValue& item : items) {
    Fields fields(item, fmt::format("/findings/{}", findings.size()));
    const std::string severity = fields.Text("severity");
    Finding finding{Severity::kNote, fields.Text("code"), fields.Text("subject"),
                    fields.Text("message"), fields.Number("offset")};
    if (severity == SeverityName(Severity::kWarning))
      finding.severity = Severity::kWarning;
    else if (severity == SeverityName(Severity::kDanger))
      finding.severity = Severity::kDanger;
    else if (severity != SeverityName(Severity::kNote))
      fields.Complain("severity");
    HM_TRY(fields.Check());
    findings.push_back(std::move(finding));
  }
  return findings;
}

Result<DigestCheck> ReadCheck(const JsonValue& item, const std::string& where) {
  Fields fields(item, where);
  const auto expected = fields.DigestAt("expected");
  if (!expected) fields.Complain("expected");
  const auto actual = fields.DigestAt("actual");
  Testimony testimony{fields.Text("claim", false), fields.Texts("witnesses", false),
                      fields.Number("further_witnesses").value_or(0)};
  HM_TRY(fields.Check());
  return DigestCheck{{*expected, std::move(testimony)}, actual};
}

Result<DamagedRange> ReadDamage(const JsonValue& item, const std::string& where) {
  Fields fields(item, where);
  DamagedRange damage{.range = {fields.Count("offset"), fields.Count("size")}};
  damage.differing_bytes = fields.Number("differing_bytes").value_or(0);
  damage.tensors_known = fields.Flag("tensors_known");
  damage.tensors = fields.Texts("tensors");
  damage.groups = fields.Texts("groups");
  HM_TRY(fields.Check());
  return damage;
}

Result<FileVerdict> ReadFile(const JsonValue& item, const std::string& where,
                             const std::vector<SourceSummary>& sources) {
  Fields fields(item, where);
  FileVerdict file{};
  const auto state = FileStateByName(fields.Text("state"));
  if (!state) fields.Complain("state");
  file.state = state.value_or(FileState::kUnread);
  file.path = fields.Text("path", false);
  file.listed_as = fields.Text("listed_as", false);
  if (const std::string source = fields.Text("source", false); !source.empty()) {
    const auto found = std::ranges::find(sources, source, &SourceSummary::name);
    if (found == sources.end()) fields.Complain("source");
    file.source = static_cast<std::size_t>(found - sources.begin());
  }
  file.size = fields.Count("size");
  file.listed_size = fields.Number("listed_size");
  file.holds_weights = fields.Flag("holds_weights");
  file.same_weights = fields.Flag("same_weights");
  file.remembered = fields.Flag("remembered");
  file.remembered_from = fields.Time("remembered_from");
  file.sampled_bytes = fields.Number("sampled_bytes").value_or(0);
  file.reason = fields.Text("reason", false);
  for (const JsonValue& check : fields.Items("checks")) {
    file.checks.push_back(HM_TRY(ReadCheck(check, where + "/checks")));
  }
  for (const JsonValue& damage : fields.Items("damage")) {
    file.damage.push_back(HM_TRY(ReadDamage(damage, where + "/damage")));
  }
  for (const JsonValue& range : fields.Items("intact")) {
    Fields bounds(range, where + "/intact");
    file.intact.push_back({bounds.Count("offset"), bounds.Count("size")});
    HM_TRY(bounds.Check());
  }
  if (const auto error = fields.Object("error")) {
    file.error = HM_TRY(ReadError(*error, where + "/error"));
  }
  HM_TRY(fields.Check());
  return file;
}

Result<SampleSummary> ReadSample(const JsonValue& value) {
  Fields fields(value, "/sample");
  SampleSummary sample{fields.Text("asked"),        fields.Text("seed"),
                       fields.Count("pieces"),      fields.Count("all_pieces"),
                       fields.Count("bytes"),       fields.Count("all_bytes"),
                       fields.Count("likely_found")};
  HM_TRY(fields.Check());
  return sample;
}

}  // namespace

void CopyJson(const JsonValue& value, JsonWriter* json) {
  switch (value.GetKind()) {
    case JsonValue::Kind::kNull:
      json->Null();
      break;
    case JsonValue::Kind::kBool:
      json->Bool(*value.AsBool());
      break;
    case JsonValue::Kind::kInteger:
      json->Unsigned(value.AsU64().value_or(0));
      break;
    case JsonValue::Kind::kFloat:
      json->Float(*value.AsDouble());
      break;
    case JsonValue::Kind::kString:
      json->String(*value.AsString());
      break;
    case JsonValue::Kind::kArray:
      json->BeginArray();
      for (const JsonValue& item : value.Items()) CopyJson(item, json);
      json->EndArray();
      break;
    case JsonValue::Kind::kObject:
      json->BeginObject();
      for (const JsonMember& member : value.Members()) {
        json->Key(member.key);
        CopyJson(member.value, json);
      }
      json->EndObject();
      break;
  }
}

Result<PartReport> ReadPartReport(std::string_view text, std::string name) {
  std::vector<JsonDocument> documents;
  // One object over several lines, or one a line.
  const bool whole = text.starts_with("{\n");
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = whole ? text.size() : std::min(text.find('\n', at), text.size());
    if (end > at) {
      documents.push_back(
          HM_TRY(JsonDocument::Parse(text.substr(at, end - at), name, at, kLimits)));
    }
    at = end + 1;
  }
  const Error cut{Errc::kMalformed, name, "does not end with hallmark's report and its verdict",
                  std::nullopt, "that part was interrupted, or this is another file: run it again"};
  if (documents.empty()) return cut;
  PartReport part{.name = std::move(name), .documents = std::move(documents), .head = {}};
  part.head = part.documents.back().Root();
  Fields fields(part.head, "");
  const std::string schema = fields.Text("schema");
  part.verb = fields.Text("verb");
  if (!fields.Check()) return cut;
  const bool known = part.verb == "verify" || part.verb == "hash" || part.verb == "id";
  if (schema != "hallmark.report/1" || !known) {
    return Error{
        Errc::kUnsupported, part.name,
        fmt::format("a report {} of {}", EscapeForPeople(schema), EscapeForPeople(part.verb)),
        std::nullopt, "reports of verify, hash and id can be merged"};
  }
  if (const auto error = fields.Object("error")) {
    Error own = HM_TRY(ReadError(*error, "/error"));
    own.message = fmt::format("this part could not do its work: {}{}",
                              own.subject.empty() ? "" : own.subject + ": ", own.message);
    own.subject = part.name;
    return own;
  }
  const auto stamp = fields.Object("part");
  if (!stamp) {
    return Error{Errc::kUsage, part.name, "a report of the whole, not of a part", std::nullopt,
                 "only what was made with --part is merged"};
  }
  auto read = ReadPart(*stamp);
  if (!read) return Error{Errc::kMalformed, part.name, read.error().message};
  part.stamp = *std::move(read);
  const std::uint64_t exit = fields.Count("exit_code");
  const auto code = std::ranges::find_if(AllExitCodes(), [&](const ExitCodeInfo& info) {
    return static_cast<std::uint64_t>(info.code) == exit;
  });
  if (code == AllExitCodes().end())
    fields.Complain("exit_code");
  else
    part.exit = code->code;
  part.items = fields.Items(part.verb == "id" ? "models" : "files", whole);
  const bool lost = !whole && fields.Count("records") != part.documents.size() - 1;
  if (auto good = fields.Check(); !good) {
    return Error{Errc::kMalformed, part.name, good.error().message};
  }
  if (lost) {
    return Error{Errc::kMalformed, part.name,
                 fmt::format("{} records before the last line, which counts {}",
                             part.documents.size() - 1, fields.Count("records")),
                 std::nullopt, "lines were lost or added: run this part again"};
  }
  for (std::size_t i = 0; i + 1 < part.documents.size(); ++i) {
    part.items.push_back(part.documents[i].Root());
  }
  return part;
}

Result<RememberedTotal> ReadRemembered(const JsonValue& value) {
  Fields fields(value, "");
  RememberedTotal total{fields.Number("files_remembered").value_or(0),
                        fields.Number("bytes_remembered").value_or(0),
                        fields.Time("oldest_remembered")};
  if (total.oldest.empty() != (total.files == 0)) fields.Complain("oldest_remembered");
  HM_TRY(fields.Check());
  return total;
}

Result<VerifyReport> ReadVerifyReport(const PartReport& part) {
  const auto read = [&]() -> Result<VerifyReport> {
    VerifyReport report;
    Fields fields(part.head, "");
    if (const auto asked = fields.Object("asked")) {
      Fields own(*asked, "/asked");
      report.asked = {own.Texts("include"), own.Flag("weights_only"), own.Flag("compare_weights")};
      HM_TRY(own.Check());
    }
    if (const auto sample = fields.Object("sample")) report.sample = HM_TRY(ReadSample(*sample));
    for (const JsonValue& item : fields.Items("sources")) {
      Fields own(item, fmt::format("/sources/{}", report.sources.size()));
      report.sources.push_back({own.Text("name"), own.Text("dialect"), own.Text("title"),
                                own.Flag("complete"), own.Flag("inside_copy"),
                                own.Flag("resists_attackers"), own.Count("listed_files")});
      HM_TRY(own.Check());
    }
    for (const JsonValue& item : part.items) {
      report.files.push_back(
          HM_TRY(ReadFile(item, fmt::format("/files/{}", report.files.size()), report.sources)));
    }
    const auto numbers = fields.Object("read");
    if (!numbers) fields.Complain("read");
    HM_TRY(fields.Check());
    Fields own(*numbers, "/read");
    report.files_hashed = own.Count("files_hashed");
    report.bytes_hashed = own.Count("bytes_hashed");
    HM_TRY(own.Check());
    report.remembered = HM_TRY(ReadRemembered(*numbers));
    report.findings = HM_TRY(ReadFindings(fields.Items("findings")));
    HM_TRY(fields.Check());
    return report;
  };
  auto report = read();
  if (!report) return Error{report.error().code, part.name, report.error().message};
  return report;
}

}  // namespace hallmark
