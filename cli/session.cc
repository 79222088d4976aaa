#include "cli/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "src/base/text.h"
#include "src/io/atomic_file.h"

namespace hallmark {
namespace {

bool Declares(const Verb& verb, std::string_view option) {
  return std::any_of(verb.options.begin(), verb.options.end(),
                     [&](const Option& declared) { return declared.name == option; });
}

bool HasFlag(const Verb& verb, const Arguments& arguments, std::string_view option) {
  return Declares(verb, option) && arguments.Given(option);
}

When WhenOf(const Verb& verb, const Arguments& arguments, std::string_view option) {
  return Declares(verb, option) ? WhenByName(arguments.Text(option)) : When::kAuto;
}

ProgressDisplay::Kind ProgressKind(const Verb& verb, const Arguments& arguments,
                                   const Terminal& terminal) {
  using Kind = ProgressDisplay::Kind;
  if (!Declares(verb, "--progress")) return Kind::kNone;
  const When when = WhenOf(verb, arguments, "--progress");
  if (when == When::kAlways) return Kind::kBar;
  if (when == When::kNever || HasFlag(verb, arguments, "--quiet")) return Kind::kNone;
  return terminal.ErrorIsTerminal() ? Kind::kBar : Kind::kLines;
}

unsigned ThreadsOf(const Verb& verb, const Arguments& arguments) {
  if (Declares(verb, "--threads")) {
    if (const auto number = arguments.Number("--threads")) return static_cast<unsigned>(*number);
  }
  return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

Option JsonOption() { return {.name = "--json", .help = "print one JSON object instead of text"}; }

Option JsonLinesOption() {
  return {.name = "--json-lines", .help = "print one JSON object a line, for long lists"};
}

Option ForceOption() { return {.name = "--force", .help = "replace an output that exists"}; }

Option OutputOption(std::string_view help) {
  return {
      .name = "--output", .letter = 'o', .kind = ValueKind::kPath, .value = "FILE", .help = help};
}

Option VerboseOption(std::string_view help) {
  return {.name = "--verbose", .letter = 'v', .help = help};
}

std::vector<Option> WorkOptions() {
  return {
      {.name = "--threads",
       .letter = 'j',
       .kind = ValueKind::kNumber,
       .value = "N",
       .help = "how many threads may work at once (default: all cores)"},
      {.name = "--progress",
       .kind = ValueKind::kChoice,
       .value = "WHEN",
       .help = "progress on stderr: a bar on a terminal, else a line every ten seconds",
       .choices = {"auto", "always", "never"},
       .fallback = "auto"},
      {.name = "--color",
       .kind = ValueKind::kChoice,
       .value = "WHEN",
       .help = "colour verdicts; NO_COLOR is honoured",
       .choices = {"auto", "always", "never"},
       .fallback = "auto"},
      {.name = "--quiet", .letter = 'q', .help = "no progress and no notes on stderr"},
  };
}

std::vector<Option> Joined(std::vector<Option> first, std::vector<Option> second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

std::vector<VerbExit> WithCommonExits(std::vector<VerbExit> own) {
  const std::vector<VerbExit> common = {
      {ExitCode::kUsage, "the command line makes no sense"},
      {ExitCode::kInconclusive, "a file is missing or cannot be read"},
      {ExitCode::kMalformed, "a file breaks its own format"},
      {ExitCode::kUnsupported, "a file is well-formed, but not known here"},
      {ExitCode::kInterrupted, "interrupted"},
  };
  for (const VerbExit& exit : common) {
    const bool said =
        std::any_of(own.begin(), own.end(), [&](const VerbExit& e) { return e.code == exit.code; });
    if (!said) own.push_back(exit);
  }
  std::stable_sort(own.begin(), own.end(),
                   [](const VerbExit& a, const VerbExit& b) { return a.code < b.code; });
  return own;
}

Session::Session(const Verb& verb, const Arguments& arguments, Terminal* terminal,
                 const std::atomic<bool>* stopped)
    : terminal_(terminal),
      quiet_(HasFlag(verb, arguments, "--quiet")),
      verbose_(HasFlag(verb, arguments, "--verbose")),
      style_(WantsColour(WhenOf(verb, arguments, "--color"), *terminal) &&
             Declares(verb, "--color")),
      progress_(terminal, ProgressKind(verb, arguments, *terminal)),
      task_{ThreadsOf(verb, arguments), &progress_, stopped} {}

Result<void> Session::Print(std::string_view text) {
  progress_.Finish();
  return terminal_->WriteOut(text);
}

Result<void> Session::PrintNow(std::string_view text) {
  progress_.WriteError("");
  return terminal_->WriteOut(text);
}

Result<void> Session::CheckOutput(const std::string& path, bool force) const {
  if (path.empty()) return {};
  return CheckTarget(path, force);
}

Result<void> Session::PrintTo(const std::string& path, bool force, std::string_view text) {
  if (path.empty()) return Print(text);
  return WriteFileAtomically(path, text, force);
}

void Session::Note(std::string_view text) {
  if (quiet_) return;
  progress_.WriteError(fmt::format("hallmark: note: {}\n", EscapeForPeople(text)));
}

void Session::Report(const Error& error) { progress_.WriteError(ErrorText(error)); }

}  // namespace hallmark
