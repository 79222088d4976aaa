# cmake -DOUT=x.cc -DFILE=production_root.json -P embed_root.cmake: the file as a char array.
file(READ ${FILE} hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${OUT}.new "// Generated from sign/sigstore/data/production_root.json.
#include \"sign/sigstore/public_root.h\"

namespace hallmark {
namespace {

const unsigned char kText[] = {
${bytes}};

}  // namespace

std::string_view EmbeddedPublicRoot() {
  return {reinterpret_cast<const char*>(kText), sizeof kText};
}

}  // namespace hallmark
")
file(RENAME ${OUT}.new ${OUT})
