// Entries of the catalogue as text and JSON.
#pragma once

#include <span>
#include <string>

#include "cli/terminal.h"
#include "src/json/json_writer.h"
#include "verify/catalogue.h"

namespace hallmark {

// One line an entry.
std::string CatalogueListText(std::span<const CatalogueEntry> entries);
// Files with their digests, claims and witnesses.
std::string CatalogueEntryText(const CatalogueEntry& entry, std::size_t width);
// An object; with `files`, all that is known of them.
void WriteCatalogueEntry(const CatalogueEntry& entry, bool files, JsonWriter* json);

}  // namespace hallmark
