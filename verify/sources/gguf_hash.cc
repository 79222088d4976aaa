// llama-gguf-hash's lists: digests of tensors' data, "sha256    hex  file:tensor", not of files.
#include "verify/sources/dialects.h"
#include "verify/sources/lines.h"
#include "verify/sources/list_source.h"

namespace hallmark {
namespace {

bool Sniff(std::string_view text, std::string_view file_name) {
  return FirstShape(text, file_name) == LineShape::kGgufHash;
}

}  // namespace

const Dialect kGgufHashDialect = {"gguf-hash", "llama-gguf-hash list", Sniff, SourceFromLines};

}  // namespace hallmark
