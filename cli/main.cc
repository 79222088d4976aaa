// The program: signals, streams, exit status. Everything else is cli/app.cc.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string>
#include <vector>

#include "cli/app.h"

namespace {

std::atomic<bool> stopped = false;
static_assert(std::atomic<bool>::is_always_lock_free);

// The first signal asks the work to stop and clean up; SA_RESETHAND lets the second one kill.
void AskToStop(int) { stopped.store(true, std::memory_order_relaxed); }

// A broken invariant has been told on stderr and aborts; scripts get its own exit status.
void EndAsBug(int) { _exit(static_cast<int>(hallmark::ExitCode::kBug)); }

}  // namespace

int main(int argc, char** argv) {
  struct sigaction action = {};
  action.sa_handler = AskToStop;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGABRT, EndAsBug);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes becomes an error like a full disk

  hallmark::ProcessTerminal terminal;
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  return static_cast<int>(hallmark::RunHallmark(arguments, &terminal, &stopped));
}
