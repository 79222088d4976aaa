// Everything that is made from the declared verbs: --help, man pages, docs/cli, completions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/command.h"

namespace hallmark {

// What `hallmark --help` and `hallmark VERB --help` print. `path`: "catalogue show".
std::string OverviewText();
std::string HelpText(const Verb& verb, std::string_view path);

std::string OverviewManPage();
std::string ManPage(const Verb& verb);  // sub-verbs included

std::string OverviewMarkdown();
std::string Markdown(const Verb& verb);

std::string BashCompletion();
std::string ZshCompletion();
std::string FishCompletion();

// All generated files: path below docs/, text.
std::vector<std::pair<std::string, std::string>> GeneratedDocs();

// Shared by the writers: "verify MODEL [OPTION]...", "-o, --output FILE", value text.
std::string UsageLine(const Verb& verb, std::string_view path);
std::string OptionText(const Option& option);
// The help with choices and the fallback added.
std::string OptionHelp(const Option& option);
std::string OperandText(const Operand& operand);  // "[PATH...]"

}  // namespace hallmark
