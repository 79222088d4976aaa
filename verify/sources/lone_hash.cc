// A digest without a file name: x.bin.sha256 holding just hex, or "hex  -".
#include "verify/sources/dialects.h"
#include "verify/sources/lines.h"
#include "verify/sources/list_source.h"

namespace hallmark {
namespace {

bool Sniff(std::string_view text, std::string_view file_name) {
  return FirstShape(text, file_name) == LineShape::kLone;
}

}  // namespace

const Dialect kLoneHashDialect = {"lone-hash", "single hash", Sniff, SourceFromLines};

}  // namespace hallmark
