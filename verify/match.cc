#include "verify/match.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "src/base/text.h"

namespace hallmark {
std::vector<std::optional<std::size_t>> MatchByName(const Source& source,
                                                    const DirectoryListing& listing) {
  std::vector<std::optional<std::size_t>> match(source.files.size());
  std::multimap<std::string_view, std::size_t> by_name;
  std::vector<bool> taken(listing.files.size(), false);
  for (std::size_t i = 0; i < source.files.size(); ++i) {
    auto found = FindFile(listing, source.files[i].path);
    if (!found && !source.folder.empty()) {
      found = FindFile(listing, source.folder + "/" + source.files[i].path);
    }
    if (!found || taken[*found]) continue;
    match[i] = *found;
    taken[*found] = true;
  }
  for (std::size_t i = 0; i < listing.files.size(); ++i) {
    if (!taken[i]) by_name.emplace(LastComponent(listing.files[i].path), i);
  }
  std::map<std::string_view, std::size_t> listed_names;
  for (std::size_t i = 0; i < source.files.size(); ++i) {
    if (!match[i]) ++listed_names[LastComponent(source.files[i].path)];
  }
  for (std::size_t i = 0; i < source.files.size(); ++i) {
    if (match[i]) continue;
    if (source.files[i].path.empty()) {
      if (listing.files.size() == 1 && !taken[0]) {
        match[i] = 0;
        taken[0] = true;
      }
      continue;
    }
    const std::string_view name = LastComponent(source.files[i].path);
    if (listed_names[name] != 1 || by_name.count(name) != 1) continue;  // ambiguous: digests decide
    const std::size_t found = by_name.find(name)->second;
    match[i] = found;
    taken[found] = true;
  }
  return match;
}

std::optional<std::size_t> FindUnfinished(const std::string& path,
                                          const DirectoryListing& listing) {
  // Firefox and wget-like tools, hub clients, Chromium, qBittorrent, Transmission, generic.
  for (const std::string_view suffix : {".part", ".incomplete", ".crdownload", ".!qB", ".partial",
                                        ".download", ".tmp", ".hallmark-partial"}) {
    if (const auto found = FindFile(listing, path + std::string(suffix))) return found;
  }
  return std::nullopt;
}

bool HasControlFile(const std::string& path, const DirectoryListing& listing) {
  return FindFile(listing, path + ".aria2").has_value();
}

}  // namespace hallmark
