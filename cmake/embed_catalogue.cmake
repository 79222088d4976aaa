# cmake -DOUT=x.cc -DFILES="a.json;b.json" -P embed_catalogue.cmake: the files as char arrays, which
# have no length limit, in the order given. The output depends on nothing but names and contents.
set(arrays "")
set(table "")
set(index 0)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(READ ${file} hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND arrays "const unsigned char kText${index}[] = {\n${bytes}};\n")
  string(APPEND table "    {\"${name}\", {reinterpret_cast<const char*>(kText${index}), ${size}}},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE ${OUT}.new "// Generated from verify/catalogue/*.json.
#include \"verify/catalogue_data.h\"

namespace hallmark {
namespace {

${arrays}
}  // namespace

std::span<const EmbeddedText> EmbeddedCatalogues() {
  static const EmbeddedText kTexts[] = {
${table}  };
  return kTexts;
}

}  // namespace hallmark
")
file(RENAME ${OUT}.new ${OUT})
