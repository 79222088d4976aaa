// hallmark id: the weight identity of a model, whatever container it is in.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "cli/report/json.h"
#include "cli/report/part_json.h"
#include "cli/report/read_json.h"
#include "cli/session.h"
#include "cli/verbs/verbs.h"
#include "src/base/text.h"
#include "weights/identity.h"
#include "weights/model_sets.h"

namespace hallmark {
namespace {

struct IdOptions {
  bool layers = false;
  bool tensors = false;
};

// `name`: of the model, where there are several; else empty.
std::string Text(const WeightIdentity& identity, std::string_view name, const IdOptions& options) {
  std::string text = identity.ToString();
  if (!name.empty()) text += "  " + EscapeForPeople(name);
  text += "\n";
  if (options.layers) {
    for (const GroupIdentity& group : identity.groups) {
      text += fmt::format("{}  {}\n", ToHex(group.digest), EscapeForPeople(group.key));
    }
  }
  if (options.tensors) {
    for (const TensorIdentity& tensor : identity.tensors) {
      text += fmt::format("{}  {:<6} {:<16} {}\n", ToHex(tensor.digest), DtypeName(tensor.dtype),
                          ShapeText(tensor.shape), EscapeForPeople(tensor.name));
    }
  }
  return text;
}

void WriteTensor(const TensorIdentity& tensor, JsonWriter* json) {
  json->BeginObject();
  json->Member("name", tensor.name);
  json->Member("stored_name", tensor.stored_name);
  json->Member("group", tensor.group);
  json->Member("dtype", DtypeName(tensor.dtype));
  json->Member("stored_dtype", DtypeName(tensor.stored_dtype));
  WriteShape(tensor.shape, json);
  json->Member("digest", "sha256:" + ToHex(tensor.digest));
  json->Key("relations").BeginArray();
  for (const std::string& relation : tensor.relations) json->String(relation);
  json->EndArray();
  json->EndObject();
}

void WriteIdentity(const WeightIdentity& identity, const IdOptions& options, JsonWriter* json) {
  json->Member("weights", identity.ToString());
  json->Member("architecture", identity.architecture);
  json->Member("scheme", identity.scheme);
  json->Member("tensor_count", static_cast<std::uint64_t>(identity.tensors.size()));
  if (options.layers) {
    json->Key("groups").BeginArray();
    for (const GroupIdentity& group : identity.groups) {
      json->BeginObject();
      json->Member("key", group.key);
      json->Member("digest", "sha256:" + ToHex(group.digest));
      json->EndObject();
    }
    json->EndArray();
  }
  if (options.tensors) {
    json->Key("tensors").BeginArray();
    for (const TensorIdentity& tensor : identity.tensors) WriteTensor(tensor, json);
    json->EndArray();
  }
  WriteLeftOut(identity.left_out, json);
  WriteFindings(identity.findings, json);
}

// What is not part of the identity goes to stderr, so that stdout holds the identity alone; many
// tensors left out for one reason are one note.
void TellWhatWasLeftOut(const WeightIdentity& identity, Session& session) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const LeftOut& item : identity.left_out) {
    by_reason[item.reason].push_back(item.stored_name);
  }
  for (const auto& [reason, names] : by_reason) {
    session.Note(fmt::format("left out: {}{}: {}", names.front(),
                             names.size() > 1 ? fmt::format(" and {} more", names.size() - 1) : "",
                             reason));
  }
  for (const Finding& finding : identity.findings) {
    session.Note(finding.subject.empty() ? finding.message
                                         : fmt::format("{}: {}", finding.subject, finding.message));
  }
}

Result<WeightIdentity> Identify(const std::string& path, const Task& task) {
  const Model model = HM_TRY(Model::Open(path, task));
  WeightIdentity identity = HM_TRY(ComputeIdentity(model, task));
  HM_TRY(model.CheckUnchanged());
  identity.findings.insert(identity.findings.begin(), model.Findings().begin(),
                           model.Findings().end());
  return identity;
}

ExitCode ExitFor(const WeightIdentity& identity) {
  const bool danger = std::ranges::any_of(identity.findings, [](const Finding& finding) {
    return finding.severity == Severity::kDanger;
  });
  return danger ? ExitCode::kDangerous : ExitCode::kOk;
}

Result<ExitCode> RunOne(const Arguments& arguments, const IdOptions& options, Session& session) {
  const WeightIdentity identity = HM_TRY(Identify(arguments.Operands()[0], session.GetTask()));
  const ExitCode exit = ExitFor(identity);
  if (!arguments.Given("--json")) {
    HM_TRY(session.Print(Text(identity, "", options)));
    TellWhatWasLeftOut(identity, session);
    return exit;
  }
  JsonWriter json = BeginReport("id", ExitCodeName(exit), exit);
  WriteIdentity(identity, options, &json);
  HM_TRY(session.Print(EndReport(&json)));
  return exit;
}

// One stretch of work, whatever the models in it say of theirs.
class OneProgress : public ProgressSink {
 public:
  explicit OneProgress(ProgressSink* whole) : whole_(whole) {}
  void Begin(std::string_view, std::uint64_t, std::uint64_t) override {}
  void Advance(std::uint64_t bytes) override {
    if (whole_ != nullptr) whole_->Advance(bytes);
  }
  void FileDone(std::string_view) override {}

 private:
  ProgressSink* whole_;
};

// Model after model, each told as soon as it is done.
class IdRun {
 public:
  IdRun(const Arguments& arguments, const IdOptions& options, Session& session)
      : arguments_(arguments),
        options_(options),
        session_(session),
        lines_(arguments.Given("--json-lines")),
        json_(arguments.Given("--json") && !lines_),
        progress_(session.GetTask().progress),
        task_(session.GetTask()) {
    task_.progress = &progress_;
  }

  Result<ExitCode> Run() {
    HM_TRY(List());
    std::uint64_t bytes = 0;
    for (const WorkItem& model : models_) bytes += model.bytes;
    session_.GetTask().Begin("identifying", bytes, models_.size());
    for (const WorkItem& model : models_) {
      HM_TRY(Do(std::string(model.key)));
      session_.GetTask().FileDone(model.key);
    }
    return Finish();
  }

 private:
  // The models of this part, by what their files hold.
  Result<void> List() {
    const auto part = HM_TRY(PartAskedFor("id", arguments_));
    Fingerprint print;
    std::uint64_t bytes = 0, files = 0;
    for (const std::string& operand : arguments_.Operands()) {
      WorkItem& model = models_.emplace_back(WorkItem{operand, 0});
      const auto listing = ListModelFiles(operand);
      if (!listing) continue;  // opening it will say why
      for (const DirectoryEntry& entry : listing->files) model.bytes += entry.size;
      print.Add(operand).Add(FingerprintOf(*listing));
      bytes += model.bytes;
      files += listing->files.size();
    }
    if (!part) return {};
    stamp_ = PartStamp{.part = *part,
                       .request = RequestOf("id", arguments_, {"--layers", "--tensors"}),
                       .files = print.Finish(),
                       .total_files = files,
                       .total_bytes = bytes};
    const std::vector<std::uint64_t> parts = DivideWork(models_, part->count);
    std::vector<WorkItem> kept;
    for (std::size_t i = 0; i < models_.size(); ++i) {
      if (parts[i] == part->index) kept.push_back(models_[i]);
    }
    models_ = std::move(kept);
    return {};
  }

  Result<void> Do(const std::string& model) {
    const Result<WeightIdentity> identity = Identify(model, task_);
    if (!identity) {
      if (identity.error().code == Errc::kInterrupted) return identity.error();
      session_.Report(identity.error());
      exit_ = Worse(exit_, ExitCodeFor(identity.error()));
    } else {
      ++identified_;
      exit_ = Worse(exit_, ExitFor(*identity));
    }
    if (!json_ && !lines_) {
      return identity ? session_.PrintNow(Text(*identity, model, options_)) : Result<void>();
    }
    JsonWriter json(JsonWriter::Form::kCompact);
    json.BeginObject();
    json.Member("model", model);
    if (identity) {
      WriteIdentity(*identity, options_, &json);
    } else {
      json.Key("error");
      WriteError(identity.error(), &json);
    }
    json.EndObject();
    const std::string line = json.Take();
    if (lines_) return session_.PrintNow(line + "\n");
    records_.push_back(line);
    return {};
  }

  Result<ExitCode> Finish() {
    if (!json_ && !lines_) return exit_;
    JsonWriter json = BeginReport("id", ExitCodeName(exit_), exit_,
                                  lines_ ? JsonWriter::Form::kCompact : JsonWriter::Form::kPretty);
    if (stamp_) WritePart(*stamp_, &json);
    if (json_) {
      json.Key("models").BeginArray();
      for (const std::string& record : records_) {
        CopyJson(HM_TRY(JsonDocument::Parse(record, "")).Root(), &json);
      }
      json.EndArray();
    } else {
      json.Member("records", static_cast<std::uint64_t>(models_.size()));
    }
    json.Member("models_identified", identified_);
    HM_TRY(session_.Print(EndReport(&json)));
    return exit_;
  }

  const Arguments& arguments_;
  const IdOptions options_;
  Session& session_;
  const bool lines_;
  const bool json_;
  OneProgress progress_;
  Task task_;  // with that progress
  std::vector<WorkItem> models_;
  std::vector<std::string> records_;
  std::optional<PartStamp> stamp_;
  std::uint64_t identified_ = 0;
  ExitCode exit_ = ExitCode::kOk;
};

Result<ExitCode> Run(const Arguments& arguments, Session& session) {
  const IdOptions options{arguments.Given("--layers"), arguments.Given("--tensors")};
  const bool one = arguments.Operands().size() == 1 && !arguments.Given("--part") &&
                   !arguments.Given("--json-lines");
  if (one) return RunOne(arguments, options, session);
  return IdRun(arguments, options, session).Run();
}

}  // namespace

Verb IdVerb() {
  return {
      .name = "id",
      .summary = "compute a model's weight identity",
      .description =
          "The identity names the numbers of a model, not the file that carries them: two copies "
          "have the same one exactly when neither container, sharding, tensor order nor a lossless "
          "change of element type makes the difference. hm1: is comparable between containers; "
          "hm1raw: is for models whose architecture is not known here, and only between copies of "
          "one naming scheme. Tokenizer and configuration are not part of it.\n\n"
          "Reads every weight: --cached of hash, verify and identify remembers digests of files, "
          "not "
          "of tensors. The identity is on stdout, what was left out of it on stderr. Of "
          "several models each is a line with its name, as soon as it is done; one that has no "
          "identity does not stop the others.",
      .operands = {{.name = "MODEL",
                    .help = "a directory, a tar or packed file of one, any one shard, an "
                            "index.json or a single file",
                    .many = true}},
      .options = Joined({{.name = "--layers", .help = "add the digest of every layer"},
                         {.name = "--tensors", .help = "add the digest of every tensor"},
                         PartOption(),
                         JsonOption(),
                         JsonLinesOption()},
                        WorkOptions()),
      .examples = {{"hallmark id llama-2-7b/", "hm1: and 64 digits"},
                   {"hallmark id mirror.gguf --layers", "and a digest for every layer"},
                   {"hallmark id mirror/*/ --part 3/16 --json-lines", "one of sixteen workers"}},
      .exits = WithCommonExits(
          {{ExitCode::kOk, "the identity was computed"},
           {ExitCode::kMalformed, "a file breaks its format, or the shards do not fit together"},
           {ExitCode::kDangerous, "computed, but loading it elsewhere could run code"}}),
      .run = Run,
  };
}

}  // namespace hallmark
