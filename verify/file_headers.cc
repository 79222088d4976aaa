#include "verify/file_headers.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "formats/archives.h"
#include "formats/registry.h"

namespace hallmark {
namespace {

using Paths = std::set<std::string>;

void AddFindings(std::span<const Finding> found, HeaderReading& reading) {
  for (const Finding& finding : found) {
    if (finding.severity != Severity::kNote) reading.findings.push_back(finding);
  }
}

// A file that is a container; the files that it names as its own are added to `companions`.
HeaderReading ReadContainer(const File& file, const std::string& path, const std::string& name,
                            Paths& companions) {
  HeaderReading reading;
  const Result<const Format*> format = SniffFormat(file);
  if (!format || *format == nullptr) return reading;
  const auto reader = (*format)->open(file);
  reading.holds_weights = !reader || !(*reader)->Tensors().empty();
  if (reader) {
    AddFindings((*reader)->Findings(), reading);
    for (const CompanionFile& companion : (*reader)->Companions()) {
      companions.insert(path.substr(0, path.rfind('/') + 1) + companion.path);
    }
    return reading;
  }
  const Error& error = reader.error();
  const bool dangerous = error.code == Errc::kDangerous;
  reading.findings.push_back({dangerous ? Severity::kDanger : Severity::kWarning,
                              dangerous ? "dangerous" : "unreadable-container", name, error.message,
                              error.offset});
  return reading;
}

// What a companion is, its container knows; by itself it may look like something else.
void SettleCompanions(const DirectoryListing& listing, const Paths& companions,
                      std::vector<HeaderReading>& readings) {
  for (std::size_t i = 0; i < readings.size(); ++i) {
    if (companions.contains(listing.files[i].path)) readings[i] = {true, {}};
  }
}

// The members of an archive, taken together.
Result<HeaderReading> ReadArchive(std::shared_ptr<const File> archive, const std::string& path,
                                  const Task& task) {
  HeaderReading whole;
  const auto folder = FolderInArchive(std::move(archive), path);
  if (!folder) {
    const Error& error = folder.error();
    whole.findings.push_back(
        {Severity::kWarning, "unreadable-archive", path, error.message, error.offset});
    return whole;
  }
  const DirectoryListing listing = HM_TRY((*folder)->List());
  AddFindings(listing.findings, whole);
  Paths companions;
  std::vector<HeaderReading> members;
  for (const DirectoryEntry& entry : listing.files) {
    HM_TRY(task.CheckStopped());
    const auto file = HM_TRY((*folder)->Open(entry.path));
    members.push_back(ReadContainer(*file, entry.path, file->Name(), companions));
  }
  SettleCompanions(listing, companions, members);
  for (HeaderReading& member : members) {
    whole.holds_weights |= member.holds_weights;
    std::ranges::move(member.findings, std::back_inserter(whole.findings));
  }
  return whole;
}

}  // namespace

Result<std::vector<HeaderReading>> ReadFileHeaders(const Folder& folder,
                                                   const DirectoryListing& listing,
                                                   const Task& task) {
  std::vector<HeaderReading> readings(listing.files.size());
  Paths companions;
  for (std::size_t i = 0; i < readings.size(); ++i) {
    HM_TRY(task.CheckStopped());
    const std::string& path = listing.files[i].path;
    auto file = folder.Open(path);
    if (!file) continue;  // hashing will say why
    readings[i] = ReadContainer(**file, path, path, companions);
    if (!readings[i].holds_weights && IsArchive(**file).value_or(false)) {
      readings[i] = HM_TRY(ReadArchive(*std::move(file), path, task));
    }
  }
  SettleCompanions(listing, companions, readings);
  return readings;
}

}  // namespace hallmark
