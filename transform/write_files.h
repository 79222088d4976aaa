// Writes planned files from tensors that are made as they are wanted, and hashes them on the way.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "formats/file_layout.h"
#include "src/base/task.h"
#include "src/hash/digest.h"
#include "src/io/partial_output.h"
#include "weights/views.h"

namespace hallmark {

// A file to be written: `payloads[i]` gives the bytes of tensor i of the layout.
struct OutputFile {
  std::string path;  // relative to the output, "/" between components
  FileLayout layout;
  std::vector<Bytes> payloads;
  // Reading the payloads counts what they lose, so that all of them are to be read, also by a run
  // that goes on where another was interrupted.
  bool counts_losses = false;
};

// A file that is text or other small content, all of it.
OutputFile LiteralFile(std::string path, std::vector<std::byte> content);

struct WrittenFile {
  std::string path;
  std::uint64_t size = 0;
  Digest tree;
};

// Writes all files below output.Files(), each byte made once, several stretches of 4 MiB at a time,
// and notes each stretch that is done in output.Journal(). If output.WasInterrupted(), stretches
// that an earlier run noted and that are still as it hashed them are not made again, but for files
// with checksums and those that count losses. The files are
// not flushed to the disk yet. Progress advances by bytes written. Memory: 4 MiB and what the views
// need, per thread. Errors: kIo; kInterrupted; whatever reading a payload gives.
Result<std::vector<WrittenFile>> WriteFiles(std::span<const OutputFile> files,
                                            const PartialOutput& output, const Task& task);

// Flushes what WriteFiles wrote to the disk.
Result<void> FlushFiles(std::span<const WrittenFile> files, const PartialOutput& output);

}  // namespace hallmark
