// hallmark pack: the files of a model in less space, without loss.
#include "transform/pack.h"

#include <fmt/format.h>

#include "cli/report/json.h"
#include "cli/report/text.h"
#include "cli/session.h"
#include "cli/verbs/verbs.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

std::string Percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  return fmt::format("{:.1f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string Text(const PackReport& report, const Style& style) {
  TextTable table(0);
  for (std::size_t column : {0, 1, 2}) table.AlignRight(column);
  const auto add = [&](std::uint64_t size, std::uint64_t packed, std::string name) {
    table.Add({WithCommas(size), WithCommas(packed), Percent(packed, size), std::move(name)});
  };
  table.Add({"bytes", "packed", "", ""});
  for (const PackedFileReport& file : report.files) {
    add(file.size, file.packed_size, EscapeForPeople(file.path));
  }
  add(report.size, report.packed_size, "in all");
  return table.ToString(style);
}

std::string Json(const PackReport& report, ExitCode exit) {
  JsonWriter json = BeginReport("pack", ExitCodeName(exit), exit);
  json.Member("size", report.size);
  json.Member("packed_size", report.packed_size);
  json.Key("files").BeginArray();
  for (const PackedFileReport& file : report.files) {
    json.BeginObject();
    json.Member("path", file.path);
    json.Member("size", file.size);
    json.Member("packed_size", file.packed_size);
    json.EndObject();
  }
  json.EndArray();
  WriteTexts("base_files", report.base_files, &json);
  WriteFindings(report.findings, &json);
  return EndReport(&json);
}

Result<ExitCode> Run(const Arguments& arguments, Session& session) {
  const std::string target = arguments.Text("--output");
  if (target.empty()) {
    return Error{Errc::kUsage, "pack", "no output is named", std::nullopt, "add -o FILE.hmz"};
  }
  PackOptions options{.force = arguments.Given("--force")};
  if (arguments.Given("--base")) options.base = arguments.Text("--base");
  const PackReport report =
      HM_TRY(Pack(arguments.Operands()[0], target, options, session.GetTask()));
  const ExitCode exit = report.findings.empty() ? ExitCode::kOk : ExitCode::kInconclusive;
  if (arguments.Given("--json")) {
    HM_TRY(session.Print(Json(report, exit)));
    return exit;
  }
  HM_TRY(session.Print(Text(report, session.GetStyle())));
  for (const Finding& finding : report.findings) {
    session.Note(fmt::format("not packed: {}: {}", finding.subject, finding.message));
  }
  if (options.base && report.base_files.empty()) {
    session.Note("nothing has its counterpart in the base: it is not needed for unpacking");
  }
  return exit;
}

}  // namespace

Verb PackVerb() {
  return {
      .name = "pack",
      .summary = "pack a model into less space, without loss",
      .description =
          "Writes one file that holds all files of a model, weights and others. Floats are taken "
          "apart, so that their exponents compress: a model in bf16 takes about two thirds of its "
          "space. `hallmark unpack` gives the files back bit for bit; inspect, id, identify, "
          "verify and hash --format manifest read a packed model as it is.\n\n"
          "With --base, tensors that the base holds by the same name, type and shape are kept as "
          "the difference to it: a fine-tune takes little more than what was changed. Unpacking "
          "then needs that very base, and refuses another.",
      .operands = {{.name = "MODEL", .help = "a directory, an index.json or a single file"}},
      .options = Joined({OutputOption("the packed file to write, by custom NAME.hmz"),
                         {.name = "--base",
                          .kind = ValueKind::kPath,
                          .value = "MODEL",
                          .help = "keep what this model holds too as the difference to it"},
                         ForceOption(),
                         JsonOption()},
                        WorkOptions()),
      .examples = {{"hallmark pack llama-2-7b/ -o llama-2-7b.hmz", "one file, two thirds the size"},
                   {"hallmark pack tuned/ --base llama-2-7b/ -o tuned.hmz", "the difference only"}},
      .exits = WithCommonExits(
          {{ExitCode::kOk, "all files were packed"},
           {ExitCode::kInconclusive,
            "a file is missing or cannot be read, or the directory holds what is no file"}}),
      .run = Run,
  };
}

}  // namespace hallmark
