#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "src/base/text.h"

namespace hallmark {
namespace {

// 0, or the error number of what went wrong.
int WriteAll(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

bool EnvironmentSays(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

bool IsDumb() {
  const char* term = std::getenv("TERM");
  return term == nullptr || std::strcmp(term, "dumb") == 0;
}

}  // namespace

When WhenByName(std::string_view name) {
  return name == "always" ? When::kAlways : name == "never" ? When::kNever : When::kAuto;
}

std::string Style::Paint(Tone tone, std::string_view word) const {
  if (!coloured_ || tone == Tone::kPlain) return std::string(word);
  std::string_view code;
  switch (tone) {
    case Tone::kGood:
      code = "1;32";
      break;
    case Tone::kBad:
      code = "1;31";
      break;
    case Tone::kUnsure:
      code = "1;33";
      break;
    default:
      code = "2";
  }
  return fmt::format("\x1b[{}m{}\x1b[0m", code, word);
}

ProcessTerminal::ProcessTerminal()
    : out_is_terminal_(isatty(STDOUT_FILENO) != 0),
      error_is_terminal_(isatty(STDERR_FILENO) != 0 && !IsDumb()) {}

Result<void> ProcessTerminal::WriteOut(std::string_view text) {
  if (reader_gone_) return {};
  const int error = WriteAll(STDOUT_FILENO, text);
  if (error == EPIPE) {
    reader_gone_ = true;
    return {};
  }
  if (error != 0) return Error{Errc::kIo, "standard output", std::strerror(error)};
  return {};
}

void ProcessTerminal::WriteError(std::string_view text) { WriteAll(STDERR_FILENO, text); }

std::size_t ProcessTerminal::Width() const {
  if (const char* columns = std::getenv("COLUMNS"); columns != nullptr) {
    const unsigned long width = std::strtoul(columns, nullptr, 10);
    if (width >= 20 && width <= 1000) return width;
  }
  winsize size{};
  for (const int descriptor : {STDERR_FILENO, STDOUT_FILENO}) {
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) return size.ws_col;
  }
  return 80;
}

bool WantsColour(When when, const Terminal& terminal) {
  if (when != When::kAuto) return when == When::kAlways;
  return terminal.OutIsTerminal() && !IsDumb() && !EnvironmentSays("NO_COLOR");
}

std::string ErrorText(const Error& error) {
  std::string text = "hallmark: error: ";
  if (!error.subject.empty()) text += EscapeForPeople(error.subject) + ": ";
  if (error.offset) text += fmt::format("at byte {:#x}: ", *error.offset);
  text += EscapeForPeople(error.message) + "\n";
  if (!error.hint.empty()) text += fmt::format("hallmark: hint: {}\n", EscapeForPeople(error.hint));
  return text;
}

}  // namespace hallmark
