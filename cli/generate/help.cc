#include "cli/generate/help.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/report/text.h"

namespace hallmark {
namespace {

constexpr std::size_t kWidth = 88;
constexpr std::size_t kHelpColumn = 28;

// "  -o, --output FILE        what it does", wrapped under the second column.
std::string Entry(std::string_view name, std::string_view help) {
  std::string text = fmt::format("  {}", name);
  if (Columns(text) + 2 > kHelpColumn) {
    text += "\n" + std::string(kHelpColumn, ' ');
  } else {
    text.append(kHelpColumn - Columns(text), ' ');
  }
  return text + Wrapped(help, kWidth, kHelpColumn, kHelpColumn);
}

std::string Paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\n\n"), text.size());
    std::string paragraph(text.substr(0, end));
    std::replace(paragraph.begin(), paragraph.end(), '\n', ' ');
    out += Wrapped(paragraph, kWidth, 0);
    text.remove_prefix(std::min(end + 2, text.size()));
    if (!text.empty()) out += "\n";
  }
  return out;
}

}  // namespace

std::string OptionText(const Option& option) {
  std::string text = option.letter != 0 ? fmt::format("-{}, ", option.letter) : "";
  text += option.name;
  if (option.kind != ValueKind::kFlag) text += fmt::format(" {}", option.value);
  return text;
}

std::string OptionHelp(const Option& option) {
  std::string text(option.help);
  if (option.kind == ValueKind::kChoice || option.kind == ValueKind::kChoices) {
    text += fmt::format(" ({}: {})", option.kind == ValueKind::kChoice ? "one of" : "any of",
                        fmt::join(option.choices, ", "));
  }
  if (!option.fallback.empty()) text += fmt::format(" [{}]", option.fallback);
  if (option.repeatable) text += "; may be repeated";
  return text;
}

std::string OperandText(const Operand& operand) {
  std::string text(operand.name);
  if (operand.many) text += "...";
  return operand.required ? text : fmt::format("[{}]", text);
}

std::string UsageLine(const Verb& verb, std::string_view path) {
  std::string text = fmt::format("hallmark {}", path);
  if (!verb.verbs.empty()) return text + " VERB [OPTION]...";
  for (const Operand& operand : verb.operands) text += " " + OperandText(operand);
  return text + " [OPTION]...";
}

std::string OverviewText() {
  std::string text =
      "hallmark: is this copy of model weights the real one?\n\nusage: hallmark VERB "
      "[OPTION]...\n\n"
      "verbs:\n";
  for (const Verb& verb : AllVerbs()) text += Entry(verb.name, verb.summary);
  text +=
      "\nexamples:\n"
      "  hallmark verify llama-2-7b/ --against checklist.chk\n"
      "  hallmark verify mirror.gguf --against official.json\n"
      "  hallmark inspect model.safetensors\n"
      "\nhallmark VERB --help tells more about a verb.\n\nexit status:\n";
  for (const ExitCodeInfo& info : AllExitCodes()) {
    text += Entry(fmt::format("{:<4}{}", static_cast<int>(info.code), info.name), info.meaning);
  }
  return text;
}

std::string HelpText(const Verb& verb, std::string_view path) {
  std::string text =
      fmt::format("hallmark {}: {}\n\nusage: {}\n", path, verb.summary, UsageLine(verb, path));
  if (!verb.examples.empty()) {
    text += "\nexamples:\n";
    for (const Example& example : verb.examples) {
      text += fmt::format("  {}\n      {}\n", example.command, example.what);
    }
  }
  if (!verb.description.empty()) text += "\n" + Paragraphs(verb.description);
  if (!verb.verbs.empty()) {
    text += "\nverbs:\n";
    for (const Verb& child : verb.verbs) text += Entry(child.name, child.summary);
    return text + fmt::format("\nhallmark {} VERB --help tells more about a verb.\n", path);
  }
  if (!verb.operands.empty()) {
    text += "\n";
    for (const Operand& operand : verb.operands) text += Entry(operand.name, operand.help);
  }
  text += "\noptions:\n";
  for (const Option& option : verb.options) text += Entry(OptionText(option), OptionHelp(option));
  text += Entry("-h, --help", "show this help");
  if (!verb.exits.empty()) {
    text += "\nexit status:\n";
    for (const VerbExit& exit : verb.exits) {
      text += Entry(std::to_string(static_cast<int>(exit.code)), exit.when);
    }
  }
  return text;
}

}  // namespace hallmark
