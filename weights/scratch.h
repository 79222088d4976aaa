// Memory that views put bytes through.
#pragma once

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/base/page_buffer.h"

namespace hallmark {

// Memory for one read. Every thread keeps what it has used for its next read, one for each view
// inside another: fresh pages would cost as much as the reading.
class Scratch {
 public:
  static constexpr std::uint64_t kBytes = 2 * 1024 * 1024;

  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  MutableByteSpan First(std::uint64_t size) {
    HM_CHECK(size <= kBytes);
    return {bytes_.get(), size};
  }

 private:
  PageBuffer bytes_;
};

}  // namespace hallmark
