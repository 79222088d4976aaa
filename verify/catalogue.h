// The book of known checksums: releases, their files, who vouches for which digest. A part is built
// in; people who hold official files add theirs. Schema: docs/schemas/catalogue.schema.json.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/finding.h"
#include "src/hash/digest.h"
#include "verify/sources/source.h"

namespace hallmark {

struct CatalogueTensor {
  std::string name;  // canonical
  IdentityDigest digest;
};

struct ListedWeights {
  std::string identity;  // "hm1:…"
  Testimony testimony;
};

// One model of one release.
struct CatalogueEntry {
  std::string id;  // stable: "llama-1/7B"
  std::string family;
  std::string release;
  std::string publisher;
  std::string model;       // as the publisher calls it: "ViT-B/32"
  bool complete = true;    // lists every file of the release
  std::string incomplete;  // what is missing, if not complete
  std::string note;
  std::vector<ListedWeights> weights;    // empty: not known; several: witnesses disagree
  std::vector<CatalogueTensor> tensors;  // where known: they let near misses be named
  // Those common to all sizes of the release included. A file with two digests of one algorithm is
  // one about which witnesses disagree.
  std::vector<ListedFile> files;
  bool built_in = false;
  std::vector<std::filesystem::path> user_files;  // of the user's folder that speak of it

  std::string Title() const;  // for people: "LLaMA 7B (Meta AI)"
};

struct CatalogueHit {
  const CatalogueEntry* entry;
  const ListedFile* file;  // in entry->files
};

// Immutable once loaded and safe to share between threads; what it returns points into it.
class Catalogue {
 public:
  // The built-in part, and every *.json in `user_folder` (which need not exist; empty: none). An
  // entry there whose id is known joins that entry (verify/witnesses.h). A file that is broken, or
  // an entry in which nothing can be compared with the one it would join, is left out and becomes a
  // finding.
  // Errors: kIo where the folder is there but cannot be listed.
  static Result<Catalogue> Load(const std::filesystem::path& user_folder);
  Catalogue(Catalogue&&) = default;
  Catalogue& operator=(Catalogue&&) = default;

  std::span<const CatalogueEntry> Models() const { return entries_; }
  const std::vector<Finding>& Findings() const { return findings_; }

  // By id in any case; null if there is none.
  const CatalogueEntry* Find(std::string_view id) const;
  // Like Find, but kNotFound names the ids that come nearest.
  Result<const CatalogueEntry*> Require(std::string_view id) const;
  std::vector<CatalogueHit> FindByDigest(const Digest& digest) const;
  // By last component of the path, any case. A file listed without a size fits any size.
  std::vector<CatalogueHit> FindByNameAndSize(std::string_view name, std::uint64_t size) const;

 private:
  Catalogue() = default;
  void Add(std::vector<CatalogueEntry> entries, const std::filesystem::path& origin);
  CatalogueEntry* FindOwn(std::string_view id);
  void Index();

  struct Position {
    std::size_t entry;
    std::size_t file;
  };
  CatalogueHit HitAt(const Position& position) const;

  std::vector<CatalogueEntry> entries_;
  std::vector<Finding> findings_;
  std::multimap<Digest, Position> by_digest_;
  std::multimap<std::string, Position, std::less<>> by_name_;  // lower case, last component
};

// The entry as a source. Weights that witnesses dispute are in none.
Source ToSource(const CatalogueEntry& entry);

// Strict: ids, paths, digests, claims and sizes are checked. Fields that are not known are ignored
// and become findings. Errors: kMalformed; kUnsupported for another major version.
struct ParsedCatalogue {
  std::vector<CatalogueEntry> entries;
  std::vector<Finding> findings;
};
Result<ParsedCatalogue> ParseCatalogue(std::string_view json, std::string subject);

// The entry as a catalogue of its own, ready for ImportCatalogue elsewhere; the same bytes for the
// same entry. kMalformed if a name is not UTF-8.
Result<std::string> ExportEntry(const CatalogueEntry& entry);

// What `manifest` says, as an entry under `id` ("my-org/my-model"). kUsage if the id is not of the
// form name/name of letters, digits, '.', '_', '-'.
struct EntryNames {
  std::string id;
  std::string family;  // empty: the part of the id before the first slash
  std::string model;   // empty: the rest of the id
  std::string release;
  std::string publisher;
  std::string witness = {};  // whose copy it is; empty: the user's own
};
Result<CatalogueEntry> EntryFromManifest(const Manifest& manifest, const EntryNames& names);

}  // namespace hallmark
