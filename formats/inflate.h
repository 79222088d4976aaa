// A raw deflate stream in a file, readable at any offset with bounded memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/io/file.h"
#include "src/tensor/tensor_info.h"

namespace hallmark {

// Inflates one raw deflate stream (RFC 1951). Remembers its position and a bounded number of
// earlier states, so that going back costs little. Not thread-safe. The file must outlive it.
class InflateStream {
 public:
  // `subject` names the entry in messages. `size` and `crc32` are what the stream must give.
  InflateStream(const File& file, ByteRange compressed, std::uint64_t size, std::uint32_t crc32,
                std::string subject);
  ~InflateStream();
  InflateStream(const InflateStream&) = delete;
  InflateStream& operator=(const InflateStream&) = delete;

  std::uint64_t Position() const;
  // [offset, offset + out.size()) lies within `size`. Errors: kIo; kMalformed where the stream is
  // broken, or, once its end is reached, its length or CRC is not what was declared.
  Result<void> Read(std::uint64_t offset, MutableByteSpan out);

 private:
  struct State;

  Result<void> Seek(std::uint64_t offset);
  Result<void> Produce(MutableByteSpan out);
  Result<void> FillInput();
  Result<void> CheckEnd();
  void Remember();
  Error Broken(std::string message) const;

  const File& file_;
  ByteRange compressed_;
  std::uint64_t size_;
  std::uint32_t crc32_;
  std::string subject_;
  std::unique_ptr<State> state_;
  std::vector<std::unique_ptr<State>> remembered_;  // by position
  std::uint64_t interval_;                          // output bytes between remembered states
  std::vector<std::byte> input_;
  std::size_t input_begin_ = 0;  // unread part of input_
  std::size_t input_end_ = 0;
};

}  // namespace hallmark
