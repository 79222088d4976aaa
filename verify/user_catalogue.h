// A user's own part of the catalogue: a folder of files, each somebody's word on one release.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "verify/catalogue.h"

namespace hallmark {

// $XDG_DATA_HOME/hallmark/catalogue, or ~/.local/share/hallmark/catalogue; empty without a home.
std::filesystem::path UserCatalogueFolder();

// What to do where the id of a new entry is in the catalogue already. Unasked, an entry that says
// the same adds its witness, and one that says something else is refused.
struct IfTaken {
  bool replace = false;       // the user's own entry goes; a built-in one cannot
  bool keep_dissent = false;  // both words are kept, and shown wherever one of them counts
};

struct AddedEntry {
  std::string id;
  std::filesystem::path file;        // written; empty: nothing in it was new
  bool joined = false;               // to an entry that was there
  std::vector<std::string> dissent;  // that is kept from now on
  std::vector<std::string> alone;    // that the entry it joined does not say: left out
};

// Adds an entry, one file a word. kUsage if the id is taken and `if_taken` does not allow it, or
// nothing in the two can be compared.
Result<AddedEntry> AddEntry(const std::filesystem::path& user_folder, const CatalogueEntry& entry,
                            const IfTaken& if_taken);

// The same for every entry of an exported catalogue; nothing is written if one of them is refused.
// Whatever the file says of its witnesses, it is the community's word, of one witness for each
// number: `witness`, or where that is empty the first whom the file names, or somebody unnamed.
Result<std::vector<AddedEntry>> ImportCatalogue(const std::filesystem::path& user_folder,
                                                std::string_view json, std::string subject,
                                                const std::string& witness,
                                                const IfTaken& if_taken);

// Removes what the user's files say of an id; what is built in stays. Returns the files that were
// removed. Errors: kNotFound (naming ids that come near), kUsage (only built in; or the word lies
// in a file with those on other models, which the user put there).
Result<std::vector<std::filesystem::path>> RemoveEntry(const std::filesystem::path& user_folder,
                                                       std::string_view id);

}  // namespace hallmark
