// hallmark as a function: a command line in, an exit status out.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/terminal.h"

namespace hallmark {

// `arguments` without the program's name; `stopped` is set by a signal and may be null. Whatever
// goes wrong is told on the terminal; nothing is thrown.
ExitCode RunHallmark(const std::vector<std::string>& arguments, Terminal* terminal,
                     const std::atomic<bool>* stopped);

}  // namespace hallmark
