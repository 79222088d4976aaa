// The only file that sees CLI11: it maps one verb's declaration onto a CLI::App. Required operands,
// choices and suggestions are checked here, because CLI11 would report a misspelt option as a
// missing operand.
#include "cli/parse.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>

#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::string_view kHelp = "--help";

Error UsageError(std::string_view path, std::string message, std::string hint = {}) {
  if (hint.empty()) hint = fmt::format("see hallmark {} --help", path);
  return Error{Errc::kUsage, std::string(path), std::move(message), std::nullopt, std::move(hint)};
}

std::string DidYouMean(std::string_view typed, const std::vector<std::string_view>& known) {
  const std::string_view nearest = NearestSpelling(typed, known);
  return nearest.empty() ? std::string() : fmt::format("did you mean {}?", nearest);
}

std::vector<std::string_view> Names(std::span<const Verb> verbs) {
  std::vector<std::string_view> names;
  for (const Verb& verb : verbs) names.push_back(verb.name);
  return names;
}

Result<void> CheckChoice(std::string_view path, std::string_view what, std::string_view value,
                         const std::vector<std::string_view>& choices) {
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) return {};
  std::string hint = DidYouMean(value, choices);
  if (hint.empty()) hint = fmt::format("one of {}", fmt::join(choices, ", "));
  return UsageError(path, fmt::format("{}: got {}", what, EscapeForPeople(value)), std::move(hint));
}

}  // namespace

// Builds the App, runs it and takes the values over.
class ArgumentParser {
 public:
  ArgumentParser(const Verb& verb, std::string path) : verb_(verb), path_(std::move(path)) {}

  Result<Invocation> Parse(std::vector<std::string> arguments) {
    Declare();
    // CLI11 gives back what is no option; all that follows "--" is none, whatever it looks like.
    const auto marker = std::find(arguments.begin(), arguments.end(), "--");
    std::vector<std::string> after;
    if (marker != arguments.end()) after.assign(marker + 1, arguments.end());
    arguments.erase(marker, arguments.end());
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    try {
      app_.parse(arguments);
    } catch (const CLI::ParseError& error) {
      return UsageError(path_, Describe(error));
    }
    Invocation invocation{&verb_, path_, {}, false};
    invocation.wants_help = help_->count() > 0;
    if (invocation.wants_help) return invocation;
    std::vector<std::string> operands = app_.remaining();
    for (const std::string& text : operands) {
      if (text.size() > 1 && text[0] == '-') return UnknownOption(text);
    }
    operands.insert(operands.end(), after.begin(), after.end());
    HM_TRY(TakeOptions(&invocation.arguments));
    HM_TRY(CheckOperands(operands));
    invocation.arguments.operands_ = std::move(operands);
    return invocation;
  }

 private:
  void Declare() {
    app_.set_help_flag();
    app_.allow_extras();
    help_ = app_.add_flag("-h,--help");
    for (const Option& option : verb_.options) {
      std::string names(option.name);
      if (option.letter != 0) names = fmt::format("-{},{}", option.letter, option.name);
      if (option.kind == ValueKind::kFlag) {
        options_.push_back(app_.add_flag(names));
      } else {
        options_.push_back(app_.add_option(names));
        options_.back()->expected(1)->allow_extra_args(false);
      }
      options_.back()->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
  }

  // CLI11's own words name its types; ours name what to type.
  std::string Describe(const CLI::ParseError& error) const {
    for (std::size_t i = 0; i < verb_.options.size(); ++i) {
      const Option& option = verb_.options[i];
      if (std::string_view(error.what()).find(option.name) != std::string_view::npos) {
        return option.kind == ValueKind::kFlag
                   ? fmt::format("{} takes no value", option.name)
                   : fmt::format("{} needs a value: {}", option.name, option.value);
      }
    }
    return EscapeForPeople(error.what());
  }

  Error UnknownOption(std::string_view text) const {
    std::vector<std::string_view> known = {kHelp};
    for (const Option& option : verb_.options) known.push_back(option.name);
    const std::string_view name = text.substr(0, text.find('='));
    return UsageError(path_, fmt::format("unknown option {}", EscapeForPeople(name)),
                      DidYouMean(name, known));
  }

  Result<void> TakeOptions(Arguments* arguments) const {
    for (std::size_t i = 0; i < verb_.options.size(); ++i) {
      const Option& option = verb_.options[i];
      std::vector<std::string> values = options_[i]->results();
      if (!option.repeatable && values.size() > 1 && option.kind != ValueKind::kFlag &&
          option.kind != ValueKind::kChoices) {
        return UsageError(path_, fmt::format("{} was given twice", option.name));
      }
      for (const std::string& value : values) HM_TRY(CheckValue(option, value));
      Arguments::Entry entry{std::move(values), std::string(option.fallback)};
      if (option.kind == ValueKind::kChoices) {
        arguments->entries_[std::string(option.name)] = std::move(entry);
        for (const std::string& part : arguments->List(option.name)) {
          HM_TRY(CheckChoice(path_, option.name, part, option.choices));
        }
      } else {
        arguments->entries_[std::string(option.name)] = std::move(entry);
      }
    }
    return {};
  }

  Result<void> CheckValue(const Option& option, const std::string& value) const {
    if (value.empty()) {
      return UsageError(path_, fmt::format("{} needs a value: {}", option.name, option.value));
    }
    if (option.kind == ValueKind::kFlag && value != "true") {
      return UsageError(path_, fmt::format("{} takes no value", option.name));
    }
    if (option.kind == ValueKind::kNumber) {
      const bool digits = value.find_first_not_of("0123456789") == std::string::npos;
      const unsigned long number = digits && value.size() <= 4 ? std::stoul(value) : 0;
      if (number < 1 || number > 4096) {
        return UsageError(
            path_, fmt::format("{}: got {}, limit 1 to 4096", option.name, EscapeForPeople(value)));
      }
    }
    if (option.kind == ValueKind::kChoice) {
      return CheckChoice(path_, option.name, value, option.choices);
    }
    return {};
  }

  Result<void> CheckOperands(const std::vector<std::string>& given) const {
    const bool open_ended = !verb_.operands.empty() && verb_.operands.back().many;
    if (!open_ended && given.size() > verb_.operands.size()) {
      return UsageError(path_, fmt::format("unexpected argument {}",
                                           EscapeForPeople(given[verb_.operands.size()])));
    }
    for (std::size_t i = 0; i < verb_.operands.size(); ++i) {
      const Operand& operand = verb_.operands[i];
      if (i >= given.size()) {
        if (!operand.required) break;
        return UsageError(path_, fmt::format("{} is missing: {}", operand.name, operand.help));
      }
      if (operand.kind == ValueKind::kChoice) {
        HM_TRY(CheckChoice(path_, operand.name, given[i], operand.choices));
      }
    }
    for (const std::string& value : given) {
      if (value.empty()) return UsageError(path_, "an argument is empty");
    }
    return {};
  }

  const Verb& verb_;
  std::string path_;
  CLI::App app_;
  CLI::Option* help_ = nullptr;
  std::vector<CLI::Option*> options_;
};

std::string_view NearestSpelling(std::string_view typed,
                                 const std::vector<std::string_view>& known) {
  if (typed.size() > 64) return {};
  std::string_view nearest;
  std::size_t least = std::max<std::size_t>(1, typed.size() / 3) + 1;
  for (const std::string_view name : known) {
    const std::size_t distance = EditDistance(AsciiLower(typed), name);
    if (distance < least) least = distance, nearest = name;
  }
  if (!nearest.empty()) return nearest;
  // A word that was cut short or carried on: "--thread", "catalog".
  for (const std::string_view name : known) {
    if (typed.size() >= 3 && (name.starts_with(typed) || typed.starts_with(name))) return name;
  }
  return {};
}

Result<Invocation> ParseCommandLine(const std::vector<std::string>& arguments) {
  std::span<const Verb> verbs = AllVerbs();
  const Verb* verb = nullptr;
  std::string path;
  std::size_t used = 0;
  while (true) {
    if (used == arguments.size()) {
      if (verb == nullptr) return Invocation{};
      return UsageError(path, fmt::format("needs one of {}", fmt::join(Names(verbs), ", ")));
    }
    const std::string& word = arguments[used++];
    if (word == "--help" || word == "-h" || (verb == nullptr && word == "help")) {
      Invocation invocation{verb, path, {}, true};
      if (word != "help" || used == arguments.size()) return invocation;
      const std::string& topic = arguments[used];
      invocation.verb = FindVerb(verbs, topic);
      invocation.path = topic;
      if (invocation.verb != nullptr) return invocation;
      return Error{Errc::kUsage, EscapeForPeople(topic), "unknown verb", std::nullopt,
                   DidYouMean(topic, Names(verbs))};
    }
    const std::string_view name =
        verb == nullptr && word == "--version" ? std::string_view("version") : word;
    const Verb* next = FindVerb(verbs, name);
    if (next == nullptr) {
      if (word.starts_with("-")) {
        return Error{Errc::kUsage, EscapeForPeople(word), "options come after the verb",
                     std::nullopt, "see hallmark --help"};
      }
      std::string hint = DidYouMean(word, Names(verbs));
      if (hint.empty()) hint = fmt::format("one of {}", fmt::join(Names(verbs), ", "));
      return Error{
          Errc::kUsage, path.empty() ? EscapeForPeople(word) : path,
          path.empty() ? "unknown verb" : fmt::format("unknown verb {}", EscapeForPeople(word)),
          std::nullopt, std::move(hint)};
    }
    verb = next;
    path += path.empty() ? std::string(name) : fmt::format(" {}", name);
    if (verb->verbs.empty()) break;
    verbs = verb->verbs;
  }
  return ArgumentParser(*verb, path)
      .Parse({arguments.begin() + static_cast<std::ptrdiff_t>(used), arguments.end()});
}

}  // namespace hallmark
