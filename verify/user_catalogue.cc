#include "verify/user_catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <span>
#include <system_error>

#include "src/base/text.h"
#include "src/io/atomic_file.h"
#include "verify/witnesses.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

constexpr int kMostWords = 10'000;  // on one id

// The first name that no file has. The first word on an id gives the name, and those of further
// words come after it: in that order they are read.
Result<fs::path> FreeFile(const fs::path& folder, const std::string& name) {
  for (int i = 1; i <= kMostWords; ++i) {
    fs::path path = folder / (i == 1 ? name + ".json" : fmt::format("{}~{}.json", name, i));
    std::error_code ignored;
    if (!fs::exists(path, ignored)) return path;
  }
  return Error{Errc::kUnsupported, folder.string(), fmt::format("{} words on one id", kMostWords)};
}

std::string FileName(std::string_view id) {
  std::string name;
  for (const char c : id) name += c == '/' ? "--" : std::string(1, c);
  return name;
}

// Files whose words would go with that of `entry`: those of other models do not.
Result<std::vector<fs::path>> FilesOnlyOf(const Catalogue& catalogue, const CatalogueEntry& entry) {
  for (const CatalogueEntry& other : catalogue.Models()) {
    if (&other == &entry) continue;
    for (const fs::path& file : other.user_files) {
      if (std::ranges::find(entry.user_files, file) == entry.user_files.end()) continue;
      return Error{Errc::kUsage, entry.id,
                   fmt::format("{} holds it together with {}", file.string(), other.id),
                   std::nullopt, "that file was put there by hand: edit or remove it"};
    }
  }
  return entry.user_files;
}

Result<void> Remove(std::span<const fs::path> files) {
  for (const fs::path& file : files) {
    std::error_code code;
    fs::remove(file, code);
    if (code) return Error{Errc::kIo, file.string(), code.message()};
  }
  return {};
}

// What AddEntry will do, before anything is written.
struct Plan {
  std::string text;
  std::string name;                // of a new file, without .json
  std::vector<fs::path> replaced;  // the first by the new text; no new file then
  AddedEntry added;
  bool write = true;
};

Result<Plan> PlanToAdd(const Catalogue& catalogue, const CatalogueEntry& entry,
                       const IfTaken& if_taken) {
  Plan plan;
  plan.text = HM_TRY(ExportEntry(entry));
  // What is written must be readable; an entry made by hand is checked like one from a file.
  HM_TRY(ParseCatalogue(plan.text, entry.id));
  plan.added.id = entry.id;
  plan.name = FileName(entry.id);
  const CatalogueEntry* taken = catalogue.Find(entry.id);
  if (taken == nullptr) return plan;
  plan.added.id = taken->id;
  if (!taken->user_files.empty()) plan.name = taken->user_files.front().stem().string();
  if (if_taken.replace) {
    if (taken->built_in) {
      return Error{Errc::kUsage, entry.id, "this id belongs to a built-in entry", std::nullopt,
                   "without --force your word is added to it"};
    }
    plan.replaced = HM_TRY(FilesOnlyOf(catalogue, *taken));
    return plan;
  }
  const Agreement agreement = CompareWords(*taken, entry);
  const std::string_view force = taken->built_in ? "" : ", --force replaces yours";
  if (!agreement.dissent.empty() && !if_taken.keep_dissent) {
    return Error{Errc::kUsage, entry.id,
                 fmt::format("says otherwise than the catalogue: {}", agreement.dissent.front()),
                 std::nullopt,
                 fmt::format("choose another id; --dissent keeps both words{}", force)};
  }
  if (agreement.agreed == 0 && agreement.dissent.empty()) {
    return Error{Errc::kUsage, entry.id,
                 "is in the catalogue, and nothing in the two entries can be compared",
                 std::nullopt, fmt::format("choose another id{}", force)};
  }
  plan.added.joined = true;
  plan.added.dissent = agreement.dissent;
  plan.added.alone = agreement.alone;
  CatalogueEntry joined = *taken;
  plan.write = JoinWord(joined, entry);
  return plan;
}

Result<AddedEntry> Carry(const fs::path& user_folder, Plan plan) {
  if (!plan.write) return std::move(plan.added);
  std::error_code code;
  fs::create_directories(user_folder, code);
  if (code) return Error{Errc::kIo, user_folder.string(), code.message()};
  if (plan.replaced.empty()) {
    plan.added.file = HM_TRY(FreeFile(user_folder, plan.name));
    HM_TRY(WriteFileAtomically(plan.added.file, plan.text, false));
  } else {
    plan.added.file = plan.replaced.front();
    HM_TRY(WriteFileAtomically(plan.added.file, plan.text, true));
    HM_TRY(Remove(std::span(plan.replaced).subspan(1)));
  }
  return std::move(plan.added);
}

// What a file says of its witnesses is hearsay: it is one person's word, and never the publisher's.
Testimony AsImported(const Testimony& said, const std::string& witness) {
  Testimony testimony{.claim = "community"};
  if (!witness.empty()) {
    testimony.witnesses = {witness};
  } else if (!said.witnesses.empty() && said.witnesses.front() != kOwnCopy) {
    testimony.witnesses = {said.witnesses.front()};
  } else {
    testimony.further_witnesses = 1;
  }
  return testimony;
}

Result<void> CheckFolder(const fs::path& user_folder) {
  if (!user_folder.empty()) return {};
  return Error{Errc::kUsage, "catalogue", "there is no folder for an own catalogue", std::nullopt,
               "set XDG_DATA_HOME or HOME"};
}

}  // namespace

fs::path UserCatalogueFolder() {
  // The XDG base directory specification: a relative path is to be ignored.
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && data[0] == '/') {
    return fs::path(data) / "hallmark" / "catalogue";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && home[0] == '/') {
    return fs::path(home) / ".local" / "share" / "hallmark" / "catalogue";
  }
  return {};
}

Result<AddedEntry> AddEntry(const fs::path& user_folder, const CatalogueEntry& entry,
                            const IfTaken& if_taken) {
  HM_TRY(CheckFolder(user_folder));
  const Catalogue catalogue = HM_TRY(Catalogue::Load(user_folder));
  return Carry(user_folder, HM_TRY(PlanToAdd(catalogue, entry, if_taken)));
}

Result<std::vector<AddedEntry>> ImportCatalogue(const fs::path& user_folder, std::string_view json,
                                                std::string subject, const std::string& witness,
                                                const IfTaken& if_taken) {
  HM_TRY(CheckFolder(user_folder));
  ParsedCatalogue parsed = HM_TRY(ParseCatalogue(json, std::move(subject)));
  const Catalogue catalogue = HM_TRY(Catalogue::Load(user_folder));
  std::vector<Plan> plans;
  for (CatalogueEntry& entry : parsed.entries) {
    for (ListedFile& file : entry.files) {
      for (ListedDigest& listed : file.digests) {
        listed.testimony = AsImported(listed.testimony, witness);
      }
    }
    for (ListedWeights& weights : entry.weights) {
      weights.testimony = AsImported(weights.testimony, witness);
    }
    plans.push_back(HM_TRY(PlanToAdd(catalogue, entry, if_taken)));
  }
  std::vector<AddedEntry> added;
  for (Plan& plan : plans) added.push_back(HM_TRY(Carry(user_folder, std::move(plan))));
  return added;
}

Result<std::vector<fs::path>> RemoveEntry(const fs::path& user_folder, std::string_view id) {
  const Catalogue catalogue = HM_TRY(Catalogue::Load(user_folder));
  const CatalogueEntry* entry = HM_TRY(catalogue.Require(id));
  if (entry->user_files.empty()) {
    return Error{Errc::kUsage, entry->id, "is built in, and stays"};
  }
  std::vector<fs::path> files = HM_TRY(FilesOnlyOf(catalogue, *entry));
  HM_TRY(Remove(files));
  return files;
}

}  // namespace hallmark
