#include "verify/match.h"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "src/base/text.h"

namespace hallmark {
namespace {

// Lists are often made in a folder above ("model/x" for what is x here), and copies lie a folder
// deeper than the list says. What has to be taken from the front of the one or of the other, with
// its last '/', for most paths to meet; both empty if that is not clear.
struct Shift {
  std::string_view listed;
  std::string_view present;
};

Shift FindShift(const Source& source, const DirectoryListing& listing) {
  std::set<std::string_view> listed;
  for (const ListedFile& file : source.files) listed.insert(file.path);
  std::size_t as_they_are = 0;
  std::map<std::string_view, std::size_t> from_listed, from_present;
  const auto each_folder = [](std::string_view path, const auto& visit) {
    for (std::size_t slash = path.find('/'); slash != path.npos;
         slash = path.find('/', slash + 1)) {
      visit(path.substr(0, slash + 1), path.substr(slash + 1));
    }
  };
  for (const std::string_view path : listed) {
    if (FindFile(listing, path)) ++as_they_are;
    each_folder(path, [&](std::string_view folder, std::string_view rest) {
      if (FindFile(listing, rest)) ++from_listed[folder];
    });
  }
  for (const DirectoryEntry& entry : listing.files) {
    each_folder(entry.path, [&](std::string_view folder, std::string_view rest) {
      if (listed.contains(rest)) ++from_present[folder];
    });
  }
  Shift best;
  std::size_t most = as_they_are;
  bool is_clear = true;
  const auto weigh = [&](const auto& votes, std::string_view Shift::*side) {
    for (const auto& [folder, count] : votes) {
      if (count == most && most != as_they_are) is_clear = false;
      if (count <= most) continue;
      most = count;
      is_clear = true;
      best = {};
      best.*side = folder;
    }
  };
  weigh(from_listed, &Shift::listed);
  weigh(from_present, &Shift::present);
  return is_clear ? best : Shift{};
}

}  // namespace

std::vector<std::optional<std::size_t>> MatchByName(const Source& source,
                                                    const DirectoryListing& listing) {
  std::vector<std::optional<std::size_t>> match(source.files.size());
  std::multimap<std::string_view, std::size_t> by_name;
  std::vector<bool> taken(listing.files.size(), false);
  // A model signature's files are where it says.
  const bool is_exact = source.oms != nullptr;
  const Shift shift = is_exact ? Shift() : FindShift(source, listing);
  for (std::size_t i = 0; i < source.files.size(); ++i) {
    const std::string& path = source.files[i].path;
    auto found = FindFile(listing, path);
    if (!found && !source.folder.empty() && !is_exact)
      found = FindFile(listing, source.folder + "/" + path);
    if (!found && !shift.listed.empty() && path.starts_with(shift.listed)) {
      found = FindFile(listing, std::string_view(path).substr(shift.listed.size()));
    }
    if (!found && !shift.present.empty()) {
      found = FindFile(listing, std::string(shift.present) + path);
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
    if (is_exact) continue;
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
