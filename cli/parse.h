// From a command line to the Arguments of one verb, with errors that say what was meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace hallmark {

// What to run and with what. `path` is the verb as typed ("catalogue show").
struct Invocation {
  const Verb* verb = nullptr;  // null: no verb was given
  std::string path;
  Arguments arguments;
  bool wants_help = false;
};

// `arguments` without the program's name. A leading --help, -h or "help" sets wants_help, with the
// verb that it asks about, if any; a leading --version is the verb "version". Errors: kUsage, with
// the nearest spelling as a hint.
Result<Invocation> ParseCommandLine(const std::vector<std::string>& arguments);

// Of `known`, the spelling nearest to `typed`; empty if none is near.
std::string_view NearestSpelling(std::string_view typed,
                                 const std::vector<std::string_view>& known);

}  // namespace hallmark
