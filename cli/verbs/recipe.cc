// hallmark recipe: how official files are laid out around their weights.
#include "transform/recipe.h"

#include <fmt/format.h>

#include "cli/report/json.h"
#include "cli/report/text.h"
#include "cli/session.h"
#include "cli/verbs/verbs.h"
#include "src/base/text.h"
#include "src/io/atomic_file.h"
#include "transform/make_recipe.h"

namespace hallmark {
namespace {

std::string ShareOf(std::uint64_t part, std::uint64_t whole) {
  if (part == 0 || whole == 0) return "none";
  return fmt::format("{} bytes, {:.2g} %", WithCommas(part),
                     100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string Text(const MadeRecipe& made, const std::string& target, std::uint64_t size,
                 const Style& style, std::size_t width) {
  const Recipe& recipe = made.recipe;
  TextTable table(0);
  table.Add({"written", fmt::format("{}  ({})", EscapeForPeople(target), HumanBytes(size))});
  table.Add({"files", Count(recipe.files.size(), "file")});
  table.Add({"weights", recipe.weights});
  table.Add({"literal bytes",
             fmt::format("{} of headers and the like", WithCommas(recipe.literals.size()))});
  table.Add({"of weights", ShareOf(recipe.literal_payload, recipe.payload_bytes)});
  std::string text = table.ToString(style);
  for (const LiteralPayload& literal : made.literal) {
    text += fmt::format("  kept: {} ({} bytes): {}\n", EscapeForPeople(literal.stored_name),
                        WithCommas(literal.bytes), literal.reason);
  }
  return text + FindingsText(made.findings, style, width);
}

std::string Json(const MadeRecipe& made, const std::string& target, std::uint64_t size,
                 ExitCode exit) {
  JsonWriter json = BeginReport("recipe", ExitCodeName(exit), exit);
  json.Member("output", target);
  json.Member("size", size);
  json.Member("weights", made.recipe.weights);
  json.Key("files").BeginArray();
  for (const RecipeFile& file : made.recipe.files) {
    json.BeginObject();
    json.Member("path", file.path);
    json.Member("size", file.size);
    json.Member("sha256", file.sha256.ToString());
    json.EndObject();
  }
  json.EndArray();
  json.Member("literal_bytes", static_cast<std::uint64_t>(made.recipe.literals.size()));
  json.Member("payload_bytes", made.recipe.payload_bytes);
  json.Member("literal_payload_bytes", made.recipe.literal_payload);
  WriteFindings(made.findings, &json);
  return EndReport(&json);
}

ExitCode ExitFor(const MadeRecipe& made) {
  for (const Finding& finding : made.findings) {
    if (finding.severity == Severity::kDanger) return ExitCode::kDangerous;
  }
  return ExitCode::kOk;
}

Result<ExitCode> Run(const Arguments& arguments, Session& session) {
  const std::string target = arguments.Text("--output");
  if (target.empty()) {
    return Error{Errc::kUsage, "recipe", "no output is named", std::nullopt, "add -o FILE"};
  }
  const bool force = arguments.Given("--force");
  HM_TRY(session.CheckOutput(target, force));
  const MadeRecipe made = HM_TRY(MakeRecipe(arguments.Operands()[0], session.GetTask()));
  const std::string text = HM_TRY(WriteRecipe(made.recipe));
  HM_TRY(WriteFileAtomically(target, text, force));
  const ExitCode exit = ExitFor(made);
  HM_TRY(session.Print(arguments.Given("--json")
                           ? Json(made, target, text.size(), exit)
                           : Text(made, target, text.size(), session.GetStyle(), session.Width())));
  return exit;
}

}  // namespace

Verb RecipeVerb() {
  return {
      .name = "recipe",
      .summary = "write down how official files are laid out around their weights",
      .description =
          "Records everything of a model's files but the weights: headers, pickles, padding, "
          "order, "
          "sharding. Whoever holds the same weights in any other container can then make the "
          "official files again, bit for bit (hallmark rebuild), or check them against the "
          "publisher's own checksums without making them (hallmark verify --recipe). A recipe "
          "holds "
          "no weights and can be passed on where they can't.\n\n"
          "Every tensor is tried: what the recipe would give back is compared with what the file "
          "holds. Weights that no rule gives back would have to be kept literally; above 0.1 % of "
          "all there is no recipe.",
      .operands = {{.name = "OFFICIAL",
                    .help = "the official files: a directory, a tar of one, any one shard, an "
                            "index.json or a single file"}},
      .options = Joined({OutputOption("the recipe"), ForceOption(), JsonOption()}, WorkOptions()),
      .examples = {{"hallmark recipe llama-2-7b/ -o llama-2-7b.recipe",
                    "for all who hold a converted copy"}},
      .exits = WithCommonExits(
          {{ExitCode::kOk, "the recipe was written"},
           {ExitCode::kUnsupported, "too many weights would have to be kept literally"},
           {ExitCode::kDangerous, "written, but loading the files elsewhere could run code"}}),
      .run = Run,
  };
}

}  // namespace hallmark
