#include "src/io/file_window.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <vector>

namespace hallmark {
namespace {

// The windows there are, where a signal handler can look: no locks, no memory of its own.
struct Slot {
  std::atomic<std::uintptr_t> begin{0};  // 0: free; 1: taken, but not yet or no longer mapped
  std::atomic<std::uintptr_t> end{0};
  std::atomic<bool> damaged{false};
};
constexpr std::uintptr_t kTaken = 1;
std::array<Slot, 64> slots;
struct sigaction previous_action;

std::uintptr_t PageSize() {
  static const auto size = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  return size;
}

void OnBusError(int, siginfo_t* info, void*) {
  const int saved_errno = errno;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  for (Slot& slot : slots) {
    const std::uintptr_t begin = slot.begin.load();
    const std::uintptr_t end = slot.end.load();
    if (begin <= kTaken || address < begin || address >= end) continue;
    // The rest of the window becomes zeros, and the read that failed is tried again.
    const std::uintptr_t page = address - (address - begin) % PageSize();  // begin is a page's
    void* const zeros = mmap(reinterpret_cast<void*>(page), end - page, PROT_READ,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (zeros == MAP_FAILED) break;
    slot.damaged.store(true);
    errno = saved_errno;
    return;
  }
  // Not ours: as it would be without this handler.
  sigaction(SIGBUS, &previous_action, nullptr);
  errno = saved_errno;
}

bool CatchBusErrors() {
  static const bool caught = [] {
    PageSize();  // known before the handler asks
    struct sigaction action = {};
    action.sa_sigaction = OnBusError;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGBUS, &action, &previous_action) == 0;
  }();
  return caught;
}

std::optional<std::size_t> TakeSlot() {
  for (std::size_t i = 0; i < slots.size(); ++i) {
    std::uintptr_t free = 0;
    if (slots[i].begin.compare_exchange_strong(free, kTaken)) return i;
  }
  return std::nullopt;
}

// Whether reading [begin, begin + size) will not wait for a disk. The system tells the truth only
// about files of one's own, and says yes to others.
bool InMemory(void* begin, std::size_t size) {
  std::vector<unsigned char> resident((size + PageSize() - 1) / PageSize());
  if (mincore(begin, size, resident.data()) != 0) return false;
  return std::ranges::all_of(resident, [](unsigned char page) { return (page & 1) != 0; });
}

}  // namespace

std::optional<FileWindow> FileWindow::Map(int descriptor, std::uint64_t offset, std::size_t size) {
  if (size == 0 || !CatchBusErrors()) return std::nullopt;
  const auto slot = TakeSlot();
  if (!slot) return std::nullopt;
  const std::size_t before = offset % PageSize();
  const std::size_t mapped = before + size;
  void* const begin =
      mmap(nullptr, mapped, PROT_READ, MAP_SHARED, descriptor, static_cast<off_t>(offset - before));
  if (begin == MAP_FAILED) {
    slots[*slot].begin.store(0);
    return std::nullopt;
  }
  const MutableByteSpan mapping(static_cast<std::byte*>(begin), mapped);
  slots[*slot].damaged.store(false);
  slots[*slot].end.store(reinterpret_cast<std::uintptr_t>(begin) + mapped);
  slots[*slot].begin.store(reinterpret_cast<std::uintptr_t>(begin));
  FileWindow window(mapping, mapping.subspan(before), *slot);
  // Populating also fails, instead of killing, where the file has ended meanwhile.
  if (!InMemory(begin, mapped) || madvise(begin, mapped, MADV_POPULATE_READ) != 0) {
    return std::nullopt;
  }
  return window;
}

FileWindow::~FileWindow() {
  if (mapping_.empty()) return;
  slots[slot_].begin.store(kTaken);
  munmap(mapping_.data(), mapping_.size());
  slots[slot_].begin.store(0);
}

bool FileWindow::Intact() const { return !slots[slot_].damaged.load(); }

}  // namespace hallmark
