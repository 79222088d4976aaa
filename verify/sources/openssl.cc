// OpenSSL lists: "SHA2-256(name)= hex", as openssl dgst writes them.
#include "verify/sources/dialects.h"
#include "verify/sources/lines.h"
#include "verify/sources/list_source.h"

namespace hallmark {
namespace {

bool Sniff(std::string_view text, std::string_view file_name) {
  return FirstShape(text, file_name) == LineShape::kOpenssl;
}

}  // namespace

const Dialect kOpensslDialect = {"openssl", "OpenSSL digest list", Sniff, SourceFromLines};

}  // namespace hallmark
