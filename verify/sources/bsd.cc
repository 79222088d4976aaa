// BSD lists: "SHA256 (name) = hex", as coreutils --tag and the BSDs write them.
#include "verify/sources/dialects.h"
#include "verify/sources/lines.h"
#include "verify/sources/list_source.h"

namespace hallmark {
namespace {

bool Sniff(std::string_view text, std::string_view file_name) {
  return FirstShape(text, file_name) == LineShape::kTagged;
}

}  // namespace

const Dialect kBsdDialect = {"bsd", "BSD checksum list", Sniff, SourceFromLines};

}  // namespace hallmark
