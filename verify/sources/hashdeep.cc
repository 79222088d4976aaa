// hashdeep lists: "size,md5,sha256,name" after a header that names the columns.
#include "verify/sources/dialects.h"
#include "verify/sources/lines.h"
#include "verify/sources/list_source.h"

namespace hallmark {
namespace {

bool Sniff(std::string_view text, std::string_view file_name) {
  return text.starts_with("%%%% HASHDEEP-") || FirstShape(text, file_name) == LineShape::kHashdeep;
}

}  // namespace

const Dialect kHashdeepDialect = {"hashdeep", "hashdeep list", Sniff, SourceFromLines};

}  // namespace hallmark
