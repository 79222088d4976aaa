// Which container is this? Told by content, never by suffix.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "formats/file_head.h"
#include "formats/foreign.h"
#include "formats/model_reader.h"

namespace hallmark {

struct Format {
  std::string_view name;   // for scripts: "safetensors"
  std::string_view title;  // for people: "PyTorch zip"
  // Whether to try `open`: true also for a damaged file of this format, so that its reader can say
  // what is wrong, and never for a file of another format.
  bool (*sniff)(const FileHead& head);
  Result<std::unique_ptr<ModelReader>> (*open)(const File& file);
};

// Adding a format adds one row here.
std::span<const Format> AllFormats();

// The format whose content this is, or null: not a container of weights known here.
Result<const Format*> SniffFormat(const File& file);

// Opens `file` with the reader of its format. `file` must outlive the reader. Where no format fits,
// kUnsupported (or kMalformed for an empty or unfilled file) says what the file looks like instead:
// a saved web page, a git-lfs pointer, an error message of a server, an archive, zeros.
Result<std::unique_ptr<ModelReader>> OpenContainer(const File& file);

}  // namespace hallmark
