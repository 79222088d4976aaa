// hallmark id: the weight identity of a model, whatever container it is in.
#include <fmt/format.h>

#include <map>

#include "cli/report/json.h"
#include "cli/session.h"
#include "cli/verbs/verbs.h"
#include "src/base/text.h"
#include "weights/identity.h"

namespace hallmark {
namespace {

struct IdOptions {
  bool layers = false;
  bool tensors = false;
};

std::string Text(const WeightIdentity& identity, const IdOptions& options) {
  std::string text = identity.ToString() + "\n";
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

std::string Json(const WeightIdentity& identity, const IdOptions& options, ExitCode exit) {
  JsonWriter json = BeginReport("id", ExitCodeName(exit), exit);
  json.Member("weights", identity.ToString());
  json.Member("architecture", identity.architecture);
  json.Member("scheme", identity.scheme);
  json.Member("tensor_count", static_cast<std::uint64_t>(identity.tensors.size()));
  if (options.layers) {
    json.Key("groups").BeginArray();
    for (const GroupIdentity& group : identity.groups) {
      json.BeginObject();
      json.Member("key", group.key);
      json.Member("digest", "sha256:" + ToHex(group.digest));
      json.EndObject();
    }
    json.EndArray();
  }
  if (options.tensors) {
    json.Key("tensors").BeginArray();
    for (const TensorIdentity& tensor : identity.tensors) WriteTensor(tensor, &json);
    json.EndArray();
  }
  WriteLeftOut(identity.left_out, &json);
  WriteFindings(identity.findings, &json);
  return EndReport(&json);
}

std::string JsonLines(const WeightIdentity& identity) {
  std::string text;
  for (const TensorIdentity& tensor : identity.tensors) {
    JsonWriter json(JsonWriter::Form::kCompact);
    WriteTensor(tensor, &json);
    text += json.Take() + "\n";
  }
  return text;
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

Result<ExitCode> Run(const Arguments& arguments, Session& session) {
  const Model model = HM_TRY(Model::Open(arguments.Operands()[0], session.GetTask()));
  WeightIdentity identity = HM_TRY(ComputeIdentity(model, session.GetTask()));
  HM_TRY(model.CheckUnchanged());
  identity.findings.insert(identity.findings.begin(), model.Findings().begin(),
                           model.Findings().end());
  ExitCode exit = ExitCode::kOk;
  for (const Finding& finding : identity.findings) {
    if (finding.severity == Severity::kDanger) exit = ExitCode::kDangerous;
  }

  const IdOptions options{arguments.Given("--layers"), arguments.Given("--tensors")};
  if (arguments.Given("--json-lines")) {
    HM_TRY(session.Print(JsonLines(identity)));
  } else if (arguments.Given("--json")) {
    HM_TRY(session.Print(Json(identity, options, exit)));
  } else {
    HM_TRY(session.Print(Text(identity, options)));
    TellWhatWasLeftOut(identity, session);
  }
  return exit;
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
          "Reads every weight. The identity is on stdout, what was left out of it on stderr.",
      .operands =
          {{.name = "MODEL",
            .help = "a directory, a tar of one, any one shard, an index.json or a single file"}},
      .options = Joined({{.name = "--layers", .help = "add the digest of every layer"},
                         {.name = "--tensors", .help = "add the digest of every tensor"},
                         JsonOption(),
                         JsonLinesOption()},
                        WorkOptions()),
      .examples = {{"hallmark id llama-2-7b/", "hm1: and 64 digits"},
                   {"hallmark id mirror.gguf --layers", "and a digest for every layer"}},
      .exits = WithCommonExits(
          {{ExitCode::kOk, "the identity was computed"},
           {ExitCode::kMalformed, "a file breaks its format, or the shards do not fit together"},
           {ExitCode::kDangerous, "computed, but loading it elsewhere could run code"}}),
      .run = Run,
  };
}

}  // namespace hallmark
