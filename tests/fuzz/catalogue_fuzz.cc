// Catalogues that somebody exported: what is accepted can be exported and read again, unchanged.
#include "tests/fuzz/source_properties.h"
#include "verify/catalogue.h"
#include "verify/catalogue_id.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  const auto parsed = ParseCatalogue(FuzzText(data, size), "fuzz");
  if (!parsed) {
    HM_CHECK(!parsed.error().message.empty());
    return 0;
  }
  for (const CatalogueEntry& entry : parsed->entries) {
    HM_CHECK(IsCatalogueId(entry.id));
    CheckSource(ToSource(entry), "catalogue:" + entry.id);
    const auto text = ExportEntry(entry);
    HM_CHECK(text.has_value());
    const auto again = ParseCatalogue(*text, "fuzz");
    HM_CHECK(again.has_value() && again->entries.size() == 1);
    HM_CHECK(*ExportEntry(again->entries[0]) == *text);
  }
  return 0;
}
