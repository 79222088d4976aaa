#include "verify/unasked_sources.h"

#include <algorithm>
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

void DropUnprovenCandidates(std::size_t first_candidate, const std::filesystem::path& copy,
                            std::vector<Source>& sources, VerifyReport& report) {
  if (first_candidate >= sources.size()) return;
  std::vector<std::pair<std::size_t, std::size_t>> score(sources.size());  // weights, others
  for (const FileVerdict& file : report.files) {
    if (file.state != FileState::kOk && file.state != FileState::kRenamed) continue;
    ++(file.holds_weights ? score[file.source].first : score[file.source].second);
  }
  const auto first = score.begin() + static_cast<std::ptrdiff_t>(first_candidate);
  const auto best = *std::max_element(first, score.end());
  const bool proven =
      best.first > 0 || (best.second > 0 && std::count(first, score.end(), best) == 1);
  std::vector<std::size_t> new_index(sources.size(), 0);
  std::vector<Source> kept;
  std::string dropped;
  for (std::size_t s = 0; s < sources.size(); ++s) {
    const bool candidate = s >= first_candidate;
    if (candidate && !(proven && score[s] == best)) {
      dropped += (dropped.empty() ? "" : ", ") + sources[s].name;
      continue;
    }
    new_index[s] = kept.size() + 1;
    kept.push_back(std::move(sources[s]));
  }
  if (!proven) {
    report.findings.push_back(
        {Severity::kNote, "not-in-catalogue", copy.string(),
         "names fit " + dropped + ", but no digest does: these are not those files"});
  }
  std::erase_if(report.files, [&](const FileVerdict& file) { return !new_index[file.source]; });
  for (FileVerdict& file : report.files) file.source = new_index[file.source] - 1;
  sources = std::move(kept);
}

}  // namespace hallmark
