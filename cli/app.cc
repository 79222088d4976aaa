#include "cli/app.h"

#include <algorithm>
#include <exception>
#include <new>
#include <optional>

#include "cli/generate/help.h"
#include "cli/parse.h"
#include "cli/report/json.h"
#include "cli/session.h"

namespace hallmark {
namespace {

// How a report was asked for, if at all.
std::optional<JsonWriter::Form> WantedJson(const Invocation& invocation) {
  const auto given = [&](std::string_view name) {
    return std::ranges::any_of(invocation.verb->options, [&](const Option& option) {
      return option.name == name && invocation.arguments.Given(name);
    });
  };
  if (given("--json-lines")) return JsonWriter::Form::kCompact;
  if (given("--json")) return JsonWriter::Form::kPretty;
  return std::nullopt;
}

ExitCode Fail(const Error& error, Terminal* terminal) {
  terminal->WriteError(ErrorText(error));
  return ExitCodeFor(error);
}

ExitCode RunVerb(const Invocation& invocation, Terminal* terminal,
                 const std::atomic<bool>* stopped) {
  Session session(*invocation.verb, invocation.arguments, terminal, stopped);
  Result<ExitCode> outcome = invocation.verb->run(invocation.arguments, session);
  if (outcome) return *outcome;
  session.Report(outcome.error());
  if (const auto form = WantedJson(invocation)) {
    // The error was told on stderr; if stdout cannot be written either there is nobody to tell.
    (void)session.Print(ErrorReport(invocation.path, outcome.error(), *form));
  }
  return ExitCodeFor(outcome.error());
}

ExitCode Run(const std::vector<std::string>& arguments, Terminal* terminal,
             const std::atomic<bool>* stopped) {
  Result<Invocation> invocation = ParseCommandLine(arguments);
  if (!invocation) {
    // What was meant is not known, but who asks for JSON gets JSON.
    if (std::ranges::find(arguments, "--json") != arguments.end()) {
      (void)terminal->WriteOut(ErrorReport(arguments.front(), invocation.error()));
    }
    return Fail(invocation.error(), terminal);
  }
  if (invocation->wants_help) {
    const std::string text = invocation->verb == nullptr
                                 ? OverviewText()
                                 : HelpText(*invocation->verb, invocation->path);
    const Result<void> written = terminal->WriteOut(text);
    return written ? ExitCode::kOk : Fail(written.error(), terminal);
  }
  if (invocation->verb == nullptr) {
    terminal->WriteError(OverviewText());
    return ExitCode::kUsage;
  }
  return RunVerb(*invocation, terminal, stopped);
}

}  // namespace

ExitCode RunHallmark(const std::vector<std::string>& arguments, Terminal* terminal,
                     const std::atomic<bool>* stopped) {
  try {
    return Run(arguments, terminal, stopped);
  } catch (const std::bad_alloc&) {
    terminal->WriteError("hallmark: error: not enough memory for this\n");
    return ExitCode::kInconclusive;
  } catch (const std::exception& exception) {
    terminal->WriteError(std::string("hallmark: error: a bug in hallmark: ") + exception.what() +
                         "\n");
  }
  return ExitCode::kBug;
}

}  // namespace hallmark
