// hallmark completion: a script for the user's shell, on stdout.
#include "cli/generate/help.h"
#include "cli/session.h"
#include "cli/verbs/verbs.h"

namespace hallmark {
namespace {

Result<ExitCode> Run(const Arguments& arguments, Session& session) {
  const std::string& shell = arguments.Operands()[0];
  HM_TRY(session.Print(shell == "bash"  ? BashCompletion()
                       : shell == "zsh" ? ZshCompletion()
                                        : FishCompletion()));
  return ExitCode::kOk;
}

}  // namespace

Verb CompletionVerb() {
  return {
      .name = "completion",
      .summary = "print a completion script for bash, zsh or fish",
      .operands = {{.name = "SHELL",
                    .help = "bash, zsh or fish",
                    .kind = ValueKind::kChoice,
                    .choices = {"bash", "zsh", "fish"}}},
      .examples = {{"source <(hallmark completion bash)", "for this shell"},
                   {"hallmark completion fish > ~/.config/fish/completions/hallmark.fish",
                    "for every fish to come"}},
      .exits = {{ExitCode::kOk, "printed"}, {ExitCode::kUsage, "no such shell"}},
      .run = Run,
  };
}

}  // namespace hallmark
