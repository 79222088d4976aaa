// What a running verb has at hand: where to write, how to paint, threads, progress, stopping.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "src/base/finding.h"
#include "src/base/task.h"

namespace hallmark {

// Options that several verbs share; a verb lists those it uses.
Option JsonOption();
Option JsonLinesOption();
Option ForceOption();
Option OutputOption(std::string_view help);
Option VerboseOption(std::string_view help);
// For verbs that may take long: --threads, --progress, --color, --quiet.
std::vector<Option> WorkOptions();
std::vector<Option> Joined(std::vector<Option> first, std::vector<Option> second);

// The exit statuses every verb that opens files has, after its own.
std::vector<VerbExit> WithCommonExits(std::vector<VerbExit> own);

// Lives as long as one run of one verb. Used from one thread.
class Session {
 public:
  // Reads the shared options as far as the verb declares them. `stopped` may be null.
  Session(const Verb& verb, const Arguments& arguments, Terminal* terminal,
          const std::atomic<bool>* stopped);

  const Task& GetTask() const { return task_; }
  const Style& GetStyle() const { return style_; }
  bool IsVerbose() const { return verbose_; }
  bool OutIsTerminal() const { return terminal_->OutIsTerminal(); }
  std::size_t Width() const { return terminal_->Width(); }  // columns of the terminal

  // Results: ends progress, then writes to stdout.
  Result<void> Print(std::string_view text);
  // Results that come one by one while work goes on.
  Result<void> PrintNow(std::string_view text);
  // Whether PrintTo could write there; for before long work.
  Result<void> CheckOutput(const std::string& path, bool force) const;
  // Results to `path`, whole or not at all; to stdout if it is empty.
  Result<void> PrintTo(const std::string& path, bool force, std::string_view text);
  // A message on stderr; notes are silent with --quiet.
  void Note(std::string_view text);
  void Report(const Error& error);

 private:
  Terminal* terminal_;
  bool quiet_ = false;
  bool verbose_ = false;
  Style style_;
  ProgressDisplay progress_;
  Task task_;
};

}  // namespace hallmark
