// Which container is this? Told by content, never by suffix.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "formats/model_reader.h"

namespace hallmark {

// The start of a file, as much of it as sniffing needs.
struct FileHead {
  ByteSpan bytes;      // the first min(size, 4096) bytes
  std::uint64_t size;  // of the whole file
};

struct Format {
  std::string_view name;
  std::string_view title;  // for people: "safetensors", "PyTorch zip"
  bool (*sniff)(const FileHead& head);
  Result<std::unique_ptr<ModelReader>> (*open)(const File& file);
};

std::span<const Format> AllFormats();

// The format whose content this is, or null: not a container of weights known here.
Result<const Format*> SniffFormat(const File& file);

// Opens `file` with the reader of its format. `file` must outlive the reader. Where no format fits,
// kUnsupported (or kMalformed for an empty or cut file) says what the file looks like instead:
// a saved web page, a git-lfs pointer, an error message of a server, an archive, zeros.
Result<std::unique_ptr<ModelReader>> OpenContainer(const File& file);

// Names what a file that holds no weights is: "an HTML page", "a git-lfs pointer to a file of
// 9,976,576,152 bytes", "a gzip archive", …; empty if nothing fits. `hint` gets the next step.
struct ForeignKind {
  std::string what;
  std::string hint;
};
ForeignKind RecogniseForeign(const FileHead& head);

}  // namespace hallmark
