// Memory to read files into.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace hallmark {

// Buffers that begin on a page: the system copies whole pages into them, and where malloc puts
// large blocks, 16 bytes into a page, AMD's string instructions take half as long again.
inline constexpr std::align_val_t kPageAlignment{4096};

struct FreePages {
  void operator()(std::byte* bytes) const { ::operator delete[](bytes, kPageAlignment); }
};
using PageBuffer = std::unique_ptr<std::byte[], FreePages>;

// `size` bytes, not initialised.
inline PageBuffer MakePageBuffer(std::size_t size) {
  return PageBuffer(static_cast<std::byte*>(::operator new[](size, kPageAlignment)));
}

}  // namespace hallmark
