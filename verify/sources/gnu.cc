// GNU lists: "hex  name", as coreutils, b3sum and shasum write them.
#include "verify/sources/dialects.h"
#include "verify/sources/lines.h"
#include "verify/sources/list_source.h"

namespace hallmark {
namespace {

bool Sniff(std::string_view text, std::string_view file_name) {
  return FirstShape(text, file_name) == LineShape::kGnu;
}

}  // namespace

const Dialect kGnuDialect = {"gnu", "GNU checksum list", Sniff, SourceFromLines};

}  // namespace hallmark
