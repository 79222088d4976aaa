// A terminal that keeps what was written.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "cli/terminal.h"

namespace hallmark {

class FakeTerminal : public Terminal {
 public:
  Result<void> WriteOut(std::string_view text) override {
    out += text;
    return {};
  }
  void WriteError(std::string_view text) override {
    const std::lock_guard lock(mutex);
    error += text;
  }
  bool OutIsTerminal() const override { return is_terminal; }
  bool ErrorIsTerminal() const override { return is_terminal; }
  std::size_t Width() const override { return 80; }

  std::string out;
  std::string error;
  bool is_terminal = false;
  std::mutex mutex;  // guards `error`: progress writes from its own thread
};

}  // namespace hallmark
