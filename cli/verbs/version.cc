// hallmark version.
#include "cli/version.h"

#include <fmt/format.h>

#include "cli/report/json.h"
#include "cli/session.h"
#include "cli/verbs/verbs.h"

namespace hallmark {
namespace {

Result<ExitCode> Run(const Arguments& arguments, Session& session) {
  if (!arguments.Given("--json")) {
    HM_TRY(session.Print(fmt::format("hallmark {}\n", VersionText())));
    return ExitCode::kOk;
  }
  JsonWriter json = BeginReport("version", "ok", ExitCode::kOk);
  json.Member("version", VersionText());
  HM_TRY(session.Print(EndReport(&json)));
  return ExitCode::kOk;
}

}  // namespace

Verb VersionVerb() {
  return {
      .name = "version",
      .summary = "print the version; hallmark --version does the same",
      .options = {JsonOption()},
      .exits = {{ExitCode::kOk, "printed"}},
      .run = Run,
  };
}

}  // namespace hallmark
