#include "verify/unasked_sources.h"

#include <set>
#include <string_view>
#include <utility>

#include "verify/sources/store.h"
#include "verify/user_catalogue.h"

namespace hallmark {

Result<UnaskedSources> FindUnaskedSources(const std::filesystem::path& copy,
                                          const DirectoryListing& listing, const Task& task) {
  UnaskedSources unasked;
  SourcesAround around = HM_TRY(FindSourcesAround(copy, task));
  unasked.lists = std::move(around.sources);
  unasked.findings = std::move(around.findings);

  if (auto store = SourceFromStore(copy, listing)) unasked.lists.push_back(*std::move(store));

  const Catalogue catalogue = HM_TRY(Catalogue::Load(UserCatalogueFolder()));
  unasked.findings.insert(unasked.findings.end(), catalogue.Findings().begin(),
                          catalogue.Findings().end());
  std::set<const CatalogueEntry*> entries;
  for (const DirectoryEntry& file : listing.files) {
    for (const CatalogueHit& hit : catalogue.FindByNameAndSize(file.path, file.size)) {
      if (!hit.file->digests.empty()) entries.insert(hit.entry);
    }
  }
  for (const CatalogueEntry& entry : catalogue.Models()) {  // in the catalogue's order
    if (entries.contains(&entry)) unasked.candidates.push_back(ToSource(entry));
  }
  return unasked;
}

}  // namespace hallmark
