// Meta's checklist.chk: md5 lines in the GNU form with bare names, made by md5sum and shipped in
// each size's directory. LLaMA 1 and 2 have a second one for the tokenizer.
#include "src/base/text.h"
#include "verify/sources/dialects.h"
#include "verify/sources/lines.h"
#include "verify/sources/list_source.h"

namespace hallmark {
namespace {

bool Sniff(std::string_view text, std::string_view file_name) {
  return AsciiLower(file_name).ends_with(".chk") && FirstShape(text, file_name) == LineShape::kGnu;
}

}  // namespace

const Dialect kChecklistDialect = {"checklist", "Meta checklist", Sniff, SourceFromLines};

}  // namespace hallmark
