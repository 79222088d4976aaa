// hallmark rebuild: the official files, bit for bit, from a converted copy.
#include "transform/rebuild.h"

#include <fmt/format.h>

#include "cli/report/json.h"
#include "cli/report/text.h"
#include "cli/session.h"
#include "cli/verbs/verbs.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

std::string Text(const RebuildReport& report, const std::string& target, const Style& style) {
  TextTable table(0);
  table.AlignRight(1);
  std::uint64_t total = 0;
  for (const RebuiltFileReport& file : report.files) {
    total += file.size;
    table.Add(
        {file.matches ? "official" : "differs", WithCommas(file.size), EscapeForPeople(file.path)},
        file.matches ? Tone::kGood : Tone::kBad);
  }
  std::string text = table.ToString(style);
  if (report.AllMatch()) {
    return text + fmt::format("{} in {}, each the official file\n", HumanBytes(total),
                              EscapeForPeople(target));
  }
  return text +
         "nothing was kept: the copy does not hold the official weights; hallmark diff says what "
         "differs\n";
}

std::string Json(const RebuildReport& report, const std::string& target, ExitCode exit) {
  JsonWriter json = BeginReport("rebuild", ExitCodeName(exit), exit);
  json.Member("output", target);
  json.Key("files").BeginArray();
  for (const RebuiltFileReport& file : report.files) {
    json.BeginObject();
    json.Member("path", file.path);
    json.Member("size", file.size);
    json.Key("matches").Bool(file.matches);
    json.EndObject();
  }
  json.EndArray();
  return EndReport(&json);
}

Result<ExitCode> Run(const Arguments& arguments, Session& session) {
  const std::string target = arguments.Text("--output"), from = arguments.Text("--from");
  if (target.empty() || from.empty()) {
    return Error{Errc::kUsage, "rebuild",
                 target.empty() ? "no output is named" : "no copy is named", std::nullopt,
                 target.empty() ? "add -o DIR" : "add --from COPY"};
  }
  const Recipe recipe = HM_TRY(ReadRecipe(arguments.Operands()[0]));
  const RebuildSource copy = HM_TRY(RebuildSource::Open(from, session.GetTask()));
  const RebuildReport report = HM_TRY(Rebuild(recipe, copy,
                                              {.target = target,
                                               .force = arguments.Given("--force"),
                                               .discard = arguments.Given("--discard")},
                                              session.GetTask()));
  const ExitCode exit = report.AllMatch() ? ExitCode::kOk : ExitCode::kMismatch;
  HM_TRY(session.Print(arguments.Given("--json") ? Json(report, target, exit)
                                                 : Text(report, target, session.GetStyle())));
  return exit;
}

}  // namespace

Verb RebuildVerb() {
  return {
      .name = "rebuild",
      .summary = "make official files again, bit for bit, from a converted copy",
      .description =
          "Writes the files that a recipe describes, with the weights of any lossless copy: "
          "another "
          "container, another sharding, a wider element type. Each file is hashed as it is written "
          "and must be the very one the recipe was made of, else nothing stays. That a recipe is "
          "official is its maker's word: verify the result, or the copy itself with hallmark "
          "verify "
          "--recipe, against the publisher's list.",
      .operands = {{.name = "RECIPE", .help = "what hallmark recipe wrote"}},
      .options = Joined(
          {{.name = "--from",
            .kind = ValueKind::kPath,
            .value = "COPY",
            .help = "the copy that holds the weights"},
           {.name = "--output",
            .letter = 'o',
            .kind = ValueKind::kPath,
            .value = "DIR",
            .help = "the directory to make"},
           {.name = "--discard", .help = "throw away what an interrupted run left, and begin anew"},
           {.name = "--force", .help = "write into a directory that exists, over its files"},
           JsonOption()},
          WorkOptions()),
      .examples = {{"hallmark rebuild llama-2-7b.recipe --from llama-2-7b-f16.gguf -o llama-2-7b/",
                    "Meta's own files out of a GGUF"}},
      .exits = WithCommonExits(
          {{ExitCode::kOk, "every file was written, and is the official one"},
           {ExitCode::kMismatch,
            "the copy does not hold the official weights; nothing was written"},
           {ExitCode::kInconclusive, "the copy lacks a tensor, or a file cannot be read"},
           {ExitCode::kMalformed,
            "the recipe breaks its format, or the copy's values were rounded"},
           {ExitCode::kUnsupported, "the copy's tensors are of other shapes or types"}}),
      .run = Run,
  };
}

}  // namespace hallmark
