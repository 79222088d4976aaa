// What a file is that holds no weights: the page, pointer or archive somebody saved instead.
#pragma once

#include <string>

#include "formats/file_head.h"
#include "src/base/error.h"

namespace hallmark {

struct ForeignKind {
  std::string what;  // "an HTML page", "a git-lfs pointer to 9,976,576,152 bytes"; may be empty
  std::string hint;  // the next step, or empty
  Errc code = Errc::kUnsupported;  // kMalformed where it is a spoiled copy of something
};

// `what` is empty if nothing fits. What it quotes from the file is escaped.
ForeignKind RecogniseForeign(const FileHead& head);

// The part of it that looks at text; empty for binary files.
ForeignKind RecogniseForeignText(const FileHead& head);

}  // namespace hallmark
