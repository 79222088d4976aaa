// The rules of the terminal: results on stdout, messages on stderr, colour on verdict words only,
// "hallmark: error: …" in lower case and without a full stop.
#pragma once

#include <string>
#include <string_view>

#include "src/base/error.h"

namespace hallmark {

enum class When { kAuto, kAlways, kNever };
When WhenByName(std::string_view name);  // "auto", "always", "never"

// How a word is judged. Green is kept for what was checked and holds.
enum class Tone { kPlain, kGood, kBad, kUnsure, kDim };

// Puts colour on words, or leaves them as they are. Cheap to copy.
class Style {
 public:
  explicit Style(bool coloured = false) : coloured_(coloured) {}
  std::string Paint(Tone tone, std::string_view word) const;

 private:
  bool coloured_;
};

// Where text goes. The process's own streams, or strings in tests. Not thread-safe.
class Terminal {
 public:
  virtual ~Terminal() = default;
  // A reader that has gone away (EPIPE) is not an error: what follows is dropped in silence.
  virtual Result<void> WriteOut(std::string_view text) = 0;
  virtual void WriteError(std::string_view text) = 0;
  virtual bool OutIsTerminal() const = 0;
  virtual bool ErrorIsTerminal() const = 0;
  virtual std::size_t Width() const = 0;  // columns
};

class ProcessTerminal : public Terminal {
 public:
  ProcessTerminal();
  Result<void> WriteOut(std::string_view text) override;
  void WriteError(std::string_view text) override;
  bool OutIsTerminal() const override { return out_is_terminal_; }
  bool ErrorIsTerminal() const override { return error_is_terminal_; }
  std::size_t Width() const override;

 private:
  bool out_is_terminal_;
  bool error_is_terminal_;
  bool reader_gone_ = false;
};

// Whether stdout gets colour: `when`, else a terminal that is not dumb and no NO_COLOR
// (https://no-color.org: set and not empty).
bool WantsColour(When when, const Terminal& terminal);

// "hallmark: error: SUBJECT: at byte 0x…: MESSAGE", then "hallmark: hint: HINT" if there is one.
std::string ErrorText(const Error& error);

}  // namespace hallmark
