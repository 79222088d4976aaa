#include "verify/catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <system_error>

#include "src/base/text.h"
#include "src/io/file.h"
#include "verify/catalogue_data.h"
#include "verify/catalogue_id.h"
#include "verify/witnesses.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kMaxCatalogueBytes = 100'000'000;

// The built-in part alone; broken data there is a bug, and a test reads it all.
const std::vector<CatalogueEntry>& BuiltIn() {
  static const std::vector<CatalogueEntry> kEntries = [] {
    std::vector<CatalogueEntry> entries;
    for (const EmbeddedText& text : EmbeddedCatalogues()) {
      auto parsed = ParseCatalogue(text.text, std::string(text.name));
      HM_CHECK(parsed.has_value());
      for (CatalogueEntry& entry : parsed->entries) {
        entry.built_in = true;
        entries.push_back(std::move(entry));
      }
    }
    return entries;
  }();
  return kEntries;
}

bool IsOfOnePerson(const Testimony& testimony) {
  return testimony.claim != "publisher" && CountWitnesses(testimony) < 2;
}

// Nothing in a match by weights tells whose word they are: the files that carry names differ.
Finding NoteOnWeights(const ListedWeights& weights) {
  const bool single = IsOfOnePerson(weights.testimony);
  return {Severity::kNote, single ? "single-witness" : "catalogue-note", "",
          fmt::format("the weight identity is the word of{}: {}",
                      single ? " one person who is not the publisher" : "",
                      TestimonyText(weights.testimony))};
}

}  // namespace

std::string CatalogueEntry::Title() const {
  const std::string name = model.starts_with(family) ? model : fmt::format("{} {}", family, model);
  return publisher.empty() ? name : fmt::format("{} ({})", name, publisher);
}

Result<Catalogue> Catalogue::Load(const fs::path& user_folder) {
  Catalogue catalogue;
  catalogue.entries_ = BuiltIn();
  std::error_code code;
  if (!user_folder.empty() && fs::is_directory(user_folder, code)) {
    std::vector<fs::path> files;
    fs::directory_iterator entries(user_folder, code);
    for (; !code && entries != fs::directory_iterator(); entries.increment(code)) {
      if (entries->path().extension() == ".json") files.push_back(entries->path());
    }
    if (code) return Error{Errc::kIo, user_folder.string(), code.message()};
    std::sort(files.begin(), files.end());
    for (const fs::path& path : files) {
      const auto read = [&]() -> Result<ParsedCatalogue> {
        const auto file = HM_TRY(OpenFile(path));
        const std::string text = HM_TRY(ReadWholeFile(*file, kMaxCatalogueBytes));
        return ParseCatalogue(text, path.string());
      };
      auto parsed = read();
      if (!parsed) {
        catalogue.findings_.push_back({Severity::kWarning, "broken-catalogue", path.string(),
                                       parsed.error().message + ": left out"});
        continue;
      }
      for (Finding& finding : parsed->findings) catalogue.findings_.push_back(std::move(finding));
      catalogue.Add(std::move(parsed->entries), path);
    }
  }
  catalogue.Index();
  return catalogue;
}

void Catalogue::Add(std::vector<CatalogueEntry> entries, const fs::path& origin) {
  for (CatalogueEntry& entry : entries) {
    CatalogueEntry* known = FindOwn(entry.id);
    if (known == nullptr) {
      known = &entries_.emplace_back(std::move(entry));
    } else {
      const Agreement agreement = CompareWords(*known, entry);
      if (agreement.agreed == 0 && agreement.dissent.empty()) {
        findings_.push_back({Severity::kWarning, "catalogue-id-taken", origin.string(),
                             fmt::format("{} is in the catalogue already, and nothing in the two "
                                         "entries can be compared: left out",
                                         entry.id)});
        continue;
      }
      JoinWord(*known, entry);
    }
    known->user_files.push_back(origin);
  }
}

void Catalogue::Index() {
  for (std::size_t e = 0; e < entries_.size(); ++e) {
    for (std::size_t f = 0; f < entries_[e].files.size(); ++f) {
      const ListedFile& file = entries_[e].files[f];
      by_name_.emplace(AsciiLower(LastComponent(file.path)), Position{e, f});
      for (const ListedDigest& listed : file.digests) {
        by_digest_.emplace(listed.digest, Position{e, f});
      }
    }
  }
}

CatalogueHit Catalogue::HitAt(const Position& position) const {
  const CatalogueEntry& entry = entries_[position.entry];
  return {&entry, &entry.files[position.file]};
}

CatalogueEntry* Catalogue::FindOwn(std::string_view id) {
  const std::string lower = AsciiLower(id);
  const auto found = std::ranges::find_if(
      entries_, [&](const CatalogueEntry& entry) { return AsciiLower(entry.id) == lower; });
  return found == entries_.end() ? nullptr : &*found;
}

const CatalogueEntry* Catalogue::Find(std::string_view id) const {
  return const_cast<Catalogue*>(this)->FindOwn(id);
}

Result<const CatalogueEntry*> Catalogue::Require(std::string_view id) const {
  if (const CatalogueEntry* entry = Find(id)) return entry;
  const std::string wanted = AsciiLower(id.substr(0, 200));
  std::vector<std::pair<std::size_t, std::string_view>> nearest;
  for (const CatalogueEntry& entry : entries_) {
    const std::string own = AsciiLower(entry.id);
    // A bare "7B" or "llama-1" is taken for a part of an id.
    const bool part = !wanted.empty() && (own.starts_with(wanted) || own.ends_with(wanted));
    nearest.emplace_back(part ? 0 : EditDistance(wanted, own), entry.id);
  }
  std::stable_sort(nearest.begin(), nearest.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string hint;
  for (std::size_t i = 0; i < nearest.size() && i < 4 && nearest[i].first <= 3; ++i) {
    hint += fmt::format("{}{}", i == 0 ? "did you mean " : ", ", nearest[i].second);
  }
  return Error{Errc::kNotFound, fmt::format("catalogue:{}", id), "no such entry in the catalogue",
               std::nullopt, hint.empty() ? "hallmark catalogue list names them all" : hint};
}

std::vector<CatalogueHit> Catalogue::FindByDigest(const Digest& digest) const {
  std::vector<CatalogueHit> hits;
  const auto [begin, end] = by_digest_.equal_range(digest);
  for (auto at = begin; at != end; ++at) hits.push_back(HitAt(at->second));
  return hits;
}

std::vector<CatalogueHit> Catalogue::FindByNameAndSize(std::string_view name,
                                                       std::uint64_t size) const {
  std::vector<CatalogueHit> hits;
  const auto [begin, end] = by_name_.equal_range(AsciiLower(LastComponent(name)));
  for (auto at = begin; at != end; ++at) {
    const CatalogueHit hit = HitAt(at->second);
    if (!hit.file->size || *hit.file->size == size) hits.push_back(hit);
  }
  return hits;
}

Source ToSource(const CatalogueEntry& entry) {
  Source source;
  source.name = "catalogue:" + entry.id;
  source.dialect = "catalogue";
  source.title = "catalogue entry " + entry.Title();
  source.files = entry.files;
  source.complete = entry.complete;
  if (entry.weights.size() == 1) source.weights = entry.weights.front().identity;
  source.findings = FindDissent(entry);
  if (!entry.complete) {
    source.findings.push_back({Severity::kWarning, "incomplete-entry", source.name,
                               "the entry is known to be incomplete: " + entry.incomplete});
  }
  if (!entry.note.empty()) {
    source.findings.push_back({Severity::kNote, "catalogue-note", source.name, entry.note});
  }
  if (entry.weights.size() == 1) source.findings.push_back(NoteOnWeights(entry.weights.front()));
  std::uint64_t single = 0;
  for (const ListedFile& file : entry.files) {
    if (!file.note.empty()) {
      source.findings.push_back({Severity::kNote, "catalogue-note", file.path, file.note});
    }
    if (std::ranges::all_of(file.digests, IsOfOnePerson, &ListedDigest::testimony)) ++single;
  }
  if (single > 0) {
    source.findings.push_back(
        {Severity::kNote, "single-witness", source.name,
         fmt::format("of {} of {} files the digests are the word of one person who is not the "
                     "publisher",
                     single, entry.files.size())});
  }
  NoteWeakDigests(source);
  for (Finding& finding : source.findings) {
    if (finding.subject.empty()) finding.subject = source.name;
  }
  return source;
}

Result<CatalogueEntry> EntryFromManifest(const Manifest& manifest, const EntryNames& names) {
  if (!IsCatalogueId(names.id)) {
    return Error{Errc::kUsage, names.id, "not of the form name/name", std::nullopt,
                 "letters, digits, '.', '_' and '-', as in my-org/my-model"};
  }
  CatalogueEntry entry;
  entry.id = names.id;
  const std::size_t slash = names.id.find('/');
  entry.family = names.family.empty() ? names.id.substr(0, slash) : names.family;
  entry.model = names.model.empty() ? names.id.substr(slash + 1) : names.model;
  entry.release = names.release;
  entry.publisher = names.publisher;
  Testimony own{.claim = "own"};
  if (!names.witness.empty()) own.witnesses.push_back(names.witness);
  if (!manifest.weights.empty()) entry.weights.push_back({manifest.weights, own});
  for (const ManifestFile& file : manifest.files) {
    ListedFile listed;
    listed.path = file.path;
    listed.size = file.size;
    for (const Digest& digest : file.digests) listed.digests.push_back({digest, own});
    entry.files.push_back(std::move(listed));
  }
  for (const ManifestTensor& tensor : manifest.tensors) {
    entry.tensors.push_back({tensor.name, tensor.digest});
  }
  return entry;
}

}  // namespace hallmark
