// A verb, declared once as data: parsing, --help, man pages, docs/cli and completions come from it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/exit_code.h"
#include "src/base/error.h"

namespace hallmark {

// What an option's value or an operand is; decides what is checked and what completion offers.
enum class ValueKind {
  kFlag,  // no value
  kText,
  kNumber,  // 1 … 4096
  kPath,
  kSource,   // a path, or a scheme such as catalogue:ID
  kChoice,   // one of `choices`
  kChoices,  // several of them, separated by commas
};

struct Option {
  std::string_view name;  // "--output"
  char letter = 0;        // 'o' for -o; 0: none
  ValueKind kind = ValueKind::kFlag;
  std::string_view value = {};  // "FILE"; empty for flags
  std::string_view help = {};   // lower case, no full stop; shown after the name
  std::vector<std::string_view> choices = {};
  std::string_view fallback = {};  // the value if it is not given; shown in help
  bool repeatable = false;
};

struct Operand {
  std::string_view name;  // "MODEL"
  std::string_view help;
  ValueKind kind = ValueKind::kPath;
  std::vector<std::string_view> choices = {};
  bool required = true;
  bool many = false;  // takes all that follow; only the last operand may
};

struct Example {
  std::string_view command;  // without the prompt
  std::string_view what;
};

struct VerbExit {
  ExitCode code;
  std::string_view when;
};

// What the user typed for one verb. Options are looked up by name; asking for one that the verb
// does not declare is a bug.
class Arguments {
 public:
  bool Given(std::string_view option) const { return !Values(option).empty(); }
  // The last value given, else the fallback, else "".
  std::string Text(std::string_view option) const;
  const std::vector<std::string>& Values(std::string_view option) const;
  // A kNumber's value if it was given.
  std::optional<std::uint64_t> Number(std::string_view option) const;
  // The parts of a kChoices, in the order given and without repeats.
  std::vector<std::string> List(std::string_view option) const;

  const std::vector<std::string>& Operands() const { return operands_; }

 private:
  friend class ArgumentParser;
  struct Entry {
    std::vector<std::string> values;  // "1" for each time a flag was given
    std::string fallback;
  };
  std::map<std::string, Entry, std::less<>> entries_;
  std::vector<std::string> operands_;
};

class Session;

struct Verb {
  std::string_view name;              // "verify"
  std::string_view summary;           // one line, lower case, no full stop
  std::string_view description = {};  // paragraphs, a blank line between them
  std::vector<Operand> operands = {};
  std::vector<Option> options = {};
  std::vector<Example> examples = {};
  std::vector<VerbExit> exits = {};
  // Does the work; what it returns is the exit status. Null if `verbs` are what can be run.
  Result<ExitCode> (*run)(const Arguments& arguments, Session& session) = nullptr;
  std::vector<Verb> verbs = {};
};

std::span<const Verb> AllVerbs();  // in the order help shows them
// By name; null if there is none.
const Verb* FindVerb(std::span<const Verb> verbs, std::string_view name);

}  // namespace hallmark
