#include "cli/report/catalogue_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/report/json.h"
#include "cli/report/text.h"
#include "src/base/text.h"
#include "verify/witnesses.h"

namespace hallmark {
namespace {

void WriteListedFile(const ListedFile& file, JsonWriter* json) {
  json->BeginObject();
  json->Member("path", file.path);
  if (file.size) json->Member("size", *file.size);
  json->Key("optional").Bool(file.optional);
  if (!file.note.empty()) json->Member("note", file.note);
  json->Key("digests").BeginArray();
  for (const ListedDigest& listed : file.digests) {
    json->BeginObject();
    json->Member("digest", listed.digest.ToString());
    WriteTestimony(listed.testimony, json);
    json->EndObject();
  }
  json->EndArray();
  json->EndObject();
}

}  // namespace

std::string CatalogueListText(std::span<const CatalogueEntry> entries) {
  TextTable table(0);
  for (const CatalogueEntry& entry : entries) {
    std::string remark = Count(entry.files.size(), "file");
    if (!entry.complete) remark += ", incomplete";
    if (!entry.weights.empty()) remark += ", weight identity";
    if (!entry.built_in) {
      remark += ", yours";
    } else if (!entry.user_files.empty()) {
      remark += ", built in and yours";
    }
    if (!FindDissent(entry).empty()) remark += ", disputed";
    table.Add({EscapeForPeople(entry.id), EscapeForPeople(entry.Title()), remark});
  }
  return table.ToString(Style());
}

std::string CatalogueEntryText(const CatalogueEntry& entry, std::size_t width) {
  width = std::min(width, kMaxTextWidth);
  std::string text =
      fmt::format("{}: {}\n", EscapeForPeople(entry.id), EscapeForPeople(entry.Title()));
  const auto add = [&](std::string_view key, const std::string& value) {
    if (value.empty()) return;
    text += fmt::format("  {:<10}", key) + Wrapped(EscapeForPeople(value), width, 12, 12);
  };
  add("release", entry.release);
  add("publisher", entry.publisher);
  for (const ListedWeights& weights : entry.weights) {
    add("weights", fmt::format("{} ({})", weights.identity, TestimonyText(weights.testimony)));
  }
  add("missing", entry.complete             ? ""
                 : entry.incomplete.empty() ? "not all files are known"
                                            : entry.incomplete);
  add("note", entry.note);
  std::string origin = entry.built_in ? "built in" : "added by you";
  if (entry.built_in && !entry.user_files.empty()) origin += ", and confirmed or disputed by you";
  add("origin", origin);
  for (const Finding& finding : FindDissent(entry)) {
    add("disputed", finding.subject + ": " + finding.message);
  }
  for (const ListedFile& file : entry.files) {
    text += fmt::format("\n{}", EscapeForPeople(file.path));
    if (file.size) text += fmt::format("  {} bytes", WithCommas(*file.size));
    if (file.optional) text += "  (may be absent)";
    text += "\n";
    for (const ListedDigest& listed : file.digests) {
      const AlgorithmInfo& info = InfoOf(listed.digest.GetAlgorithm());
      text += fmt::format("  {}\n", listed.digest.ToString());
      text +=
          "    " +
          Wrapped(EscapeForPeople(TestimonyText(listed.testimony)) +
                      (info.resists_attackers ? "" : "; guards against accidents, not attackers"),
                  width, 4, 4);
    }
    if (!file.note.empty()) text += "  " + Wrapped(EscapeForPeople(file.note), width, 2, 2);
  }
  return text;
}

void WriteCatalogueEntry(const CatalogueEntry& entry, bool files, JsonWriter* json) {
  json->BeginObject();
  json->Member("id", entry.id);
  json->Member("title", entry.Title());
  json->Member("family", entry.family);
  json->Member("release", entry.release);
  json->Member("publisher", entry.publisher);
  json->Member("model", entry.model);
  json->Key("complete").Bool(entry.complete);
  if (!entry.incomplete.empty()) json->Member("incomplete", entry.incomplete);
  if (!entry.note.empty()) json->Member("note", entry.note);
  if (!entry.weights.empty()) {
    json->Key("weights").BeginArray();
    for (const ListedWeights& weights : entry.weights) WriteListedWeights(weights, json);
    json->EndArray();
  }
  json->Key("built_in").Bool(entry.built_in);
  json->Key("yours").Bool(!entry.user_files.empty());
  json->Key("disputed").BeginArray();
  for (const Finding& finding : FindDissent(entry)) {
    json->String(finding.subject + ": " + finding.message);
  }
  json->EndArray();
  json->Member("file_count", static_cast<std::uint64_t>(entry.files.size()));
  if (files) {
    json->Key("files").BeginArray();
    for (const ListedFile& file : entry.files) WriteListedFile(file, json);
    json->EndArray();
  }
  json->EndObject();
}

}  // namespace hallmark
