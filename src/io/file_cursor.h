// A ByteCursor over a range of a file, for headers whose length is not known beforehand.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/base/byte_cursor.h"
#include "src/io/file.h"

namespace hallmark {

// Reads ahead in windows of 256 KiB, larger only for a single item that is larger. `file` must
// outlive it. [begin, end) must lie within the file.
class FileCursor final : public ByteCursor {
 public:
  explicit FileCursor(const File& file) : FileCursor(file, 0, file.Size()) {}
  FileCursor(const File& file, std::uint64_t begin, std::uint64_t end)
      : ByteCursor(file.Name(), begin, end), source_(file) {}
  // Over any source, under a name of its own.
  FileCursor(const BlockSource& source, std::string subject)
      : ByteCursor(std::move(subject), 0, source.Size()), source_(source) {}

 protected:
  Result<void> Refill(std::uint64_t size) override;

 private:
  const BlockSource& source_;
  std::vector<std::byte> buffer_;
};

}  // namespace hallmark
