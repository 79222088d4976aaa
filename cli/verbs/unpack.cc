// hallmark unpack: the files that pack packed, bit for bit.
#include "transform/unpack.h"

#include <fmt/format.h>

#include "cli/report/json.h"
#include "cli/report/text.h"
#include "cli/session.h"
#include "cli/verbs/verbs.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

std::string Text(const UnpackReport& report, const Style& style) {
  TextTable table(0);
  table.AlignRight(0);
  for (const OriginalFile& file : report.files) {
    table.Add({WithCommas(file.size), EscapeForPeople(file.path)});
  }
  table.Add({WithCommas(report.size), "bytes in all, each file checked against what was packed"});
  return table.ToString(style);
}

std::string Json(const UnpackReport& report) {
  JsonWriter json = BeginReport("unpack", ExitCodeName(ExitCode::kOk), ExitCode::kOk);
  json.Member("size", report.size);
  json.Member("packed_size", report.packed_size);
  json.Key("files").BeginArray();
  for (const OriginalFile& file : report.files) {
    json.BeginObject();
    json.Member("path", file.path);
    json.Member("size", file.size);
    json.Member("tree", "tree:" + ToHex(file.root));
    json.EndObject();
  }
  json.EndArray();
  return EndReport(&json);
}

Result<ExitCode> Run(const Arguments& arguments, Session& session) {
  const std::string target = arguments.Text("--output");
  if (target.empty()) {
    return Error{Errc::kUsage, "unpack", "no output is named", std::nullopt, "add -o DIR"};
  }
  UnpackOptions options{.force = arguments.Given("--force")};
  if (arguments.Given("--base")) options.base = arguments.Text("--base");
  const UnpackReport report =
      HM_TRY(Unpack(arguments.Operands()[0], target, options, session.GetTask()));
  HM_TRY(
      session.Print(arguments.Given("--json") ? Json(report) : Text(report, session.GetStyle())));
  return ExitCode::kOk;
}

}  // namespace

Verb UnpackVerb() {
  return {
      .name = "unpack",
      .summary = "give back the files that pack packed",
      .description =
          "Writes the files of a packed model below a directory, bit for bit as they were, and "
          "checks each against the digest it had (`hallmark hash --algo tree`). That they are the "
          "ones which were packed does not make them genuine: verify says that.\n\n"
          "What was packed against a base needs it again with --base; that it is the very one is "
          "checked by digest, wherever it lies. A base may be packed itself.",
      .operands = {{.name = "PACKED", .help = "what hallmark pack wrote"}},
      .options =
          Joined({{.name = "--output",
                   .letter = 'o',
                   .kind = ValueKind::kPath,
                   .value = "DIR",
                   .help = "the directory to make"},
                  {.name = "--base",
                   .kind = ValueKind::kPath,
                   .value = "MODEL",
                   .help = "the model it was packed against"},
                  {.name = "--force", .help = "write into a directory that exists, over its files"},
                  JsonOption()},
                 WorkOptions()),
      .examples = {{"hallmark unpack llama-2-7b.hmz -o llama-2-7b/", "the files as they were"},
                   {"hallmark unpack tuned.hmz --base llama-2-7b/ -o tuned/", "from a difference"}},
      .exits = WithCommonExits(
          {{ExitCode::kOk, "all files were written, and are those that were packed"},
           {ExitCode::kMalformed, "the packed file is damaged"},
           {ExitCode::kUntrusted, "another base than the one it was packed against"}}),
      .run = Run,
  };
}

}  // namespace hallmark
