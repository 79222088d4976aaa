// SFV lists: "name crc32", comments after ";".
#include "verify/sources/dialects.h"
#include "verify/sources/lines.h"
#include "verify/sources/list_source.h"

namespace hallmark {
namespace {

bool Sniff(std::string_view text, std::string_view file_name) {
  return FirstShape(text, file_name) == LineShape::kSfv;
}

}  // namespace

const Dialect kSfvDialect = {"sfv", "SFV checksum list", Sniff, SourceFromLines};

}  // namespace hallmark
