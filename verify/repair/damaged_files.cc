#include "verify/repair/damaged_files.h"

#include <algorithm>
#include <set>
#include <string>
#include <system_error>

#include "verify/copy.h"
#include "verify/match.h"
#include "verify/repair/checked_span.h"
#include "verify/verify.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

bool IsDamaged(FileState state) {
  switch (state) {
    case FileState::kMismatch:
    case FileState::kWrongSize:
    case FileState::kMissing:
    case FileState::kIncomplete:
    case FileState::kUnread:
      return true;
    default:
      return false;
  }
}

class Search {
 public:
  explicit Search(const std::vector<Source>& sources) : sources_(sources) {}

  Result<DamagedFiles> Run(const fs::path& path,
                           const std::function<void(const FileVerdict&)>& on_early,
                           const Task& task) {
    Copy copy = HM_TRY(Copy::List(path));
    found_.is_one_file = copy.IsOneFile();
    std::error_code ignored;
    const bool is_folder = fs::is_directory(path, ignored);
    if (copy.OwnManifest() || (!is_folder && !found_.is_one_file)) {
      return Error{Errc::kUsage, path.string(), "a folder or one file can be mended", std::nullopt,
                   "name the folder that the files lie in"};
    }
    found_.root = is_folder ? path : path.parent_path();
    if (found_.root.empty()) found_.root = ".";
    found_.copy = HM_TRY(OpenParty(path, sources_));
    for (const DirectoryEntry& entry : found_.copy.listing.files) {
      const auto file = OpenFile(entry.full_path);
      if (file) found_.stamps.emplace(entry.path, (*file)->Stamp());
    }
    VerifyOptions options;
    options.compare_weights = false;
    options.on_early = on_early;
    found_.found = HM_TRY(Verify(std::move(copy), sources_, options, task));
    for (const FileVerdict& row : found_.found.files) {
      if (IsDamaged(row.state) && !row.listed_as.empty()) HM_TRY(Take(row));
    }
    for (const FileVerdict& row : found_.found.files) TakeDigests(row);
    for (std::size_t w = 0; w < found_.files.size(); ++w) AddNeighbours(w);
    return std::move(found_);
  }

 private:
  // A file that one source finds right has to stay so when it is mended by another.
  void TakeDigests(const FileVerdict& row) {
    if (row.state != FileState::kOk || row.path.empty()) return;
    const auto damaged = by_path_.find(row.path);
    if (damaged == by_path_.end()) {
      const auto [known, is_new] = intact_.emplace(row.path, found_.intact.size());
      if (is_new) found_.intact.emplace_back().path = row.path;
      PlannedFile& file = found_.intact[known->second];
      for (const DigestCheck& check : row.checks) AddDigest(check.expected.digest, &file);
      return;
    }
    PlannedFile& file = found_.files[damaged->second].plan;
    if (row.checks.empty()) file.reason = kContradiction;  // its pieces are right
    for (const DigestCheck& check : row.checks) AddDigest(check.expected.digest, &file);
    if (!file.size) file.size = row.listed_size;
    if (row.listed_size && file.size != row.listed_size) file.reason = kContradiction;
  }

  static void AddDigest(const Digest& digest, PlannedFile* file) {
    if (!CoversWholeFile(digest.GetAlgorithm())) return;
    if (std::ranges::find(file->digests, digest) == file->digests.end()) {
      file->digests.push_back(digest);
    }
  }

  Result<void> Take(const FileVerdict& row) {
    const bool is_here = row.state != FileState::kMissing && row.state != FileState::kIncomplete;
    if (!is_here && found_.is_one_file) return {};  // the rest of the release is not asked for
    const Source& source = sources_[row.source];
    const auto listed = std::ranges::find(source.files, row.listed_as, &ListedFile::path);
    if (listed == source.files.end()) return {};
    const std::string path = is_here ? row.path : PlaceOf(row.listed_as);
    const std::pair key{row.source, static_cast<std::size_t>(listed - source.files.begin())};
    const auto [known, is_new] = by_path_.emplace(path, found_.files.size());
    if (is_new) {
      FileInWork& work = found_.files.emplace_back();
      work.plan.path = path;
      work.plan.listed_as = row.listed_as;
      work.plan.found = row.state;
      if (!row.path.empty()) HM_TRY(OpenOurs(row.path, is_here, &work));
      if (!is_here) work.plan.unfinished = row.path;
    }
    FileInWork& work = found_.files[known->second];
    work.listed.push_back(key);
    work.is_whole_wrong = work.is_whole_wrong || row.state == FileState::kMismatch;
    AddListed(*listed, &work);
    return {};
  }

  // `is_there`: under its own name, not that of an unfinished download.
  Result<void> OpenOurs(const std::string& path, bool is_there, FileInWork* work) {
    const auto entry = FindFile(found_.copy.listing, path);
    if (!entry) return {};
    auto opened = DiskBytes::Open(found_.copy.listing.files[*entry].full_path);
    if (!opened) {
      found_.findings.push_back({Severity::kWarning, "unreadable", path, opened.error().message});
      return {};
    }
    work->plan.ours = *opened;
    if (is_there) work->plan.size_before = (*opened)->Size();
    return {};
  }

  static void AddListed(const ListedFile& listed, FileInWork* work) {
    PlannedFile& plan = work->plan;
    if (!plan.size) plan.size = listed.size;
    if (listed.size && plan.size != listed.size) plan.reason = kContradiction;
    for (const ListedDigest& digest : listed.digests) AddDigest(digest.digest, &plan);
  }

  // Where a file belongs that is not here: as others are, which may have a folder more or less in
  // front of their paths than in the list.
  std::string PlaceOf(const std::string& listed) const {
    for (const FileVerdict& row : found_.found.files) {
      if (row.path.empty() || row.listed_as.empty() || row.state == FileState::kRenamed ||
          row.state == FileState::kIncomplete) {
        continue;
      }
      if (row.path == row.listed_as) return listed;
      if (row.listed_as.ends_with("/" + row.path)) {
        const std::size_t more = row.listed_as.size() - row.path.size();
        if (listed.starts_with(row.listed_as.substr(0, more))) return listed.substr(more);
      }
      if (row.path.ends_with("/" + row.listed_as)) {
        return row.path.substr(0, row.path.size() - row.listed_as.size()) + listed;
      }
    }
    return listed;
  }

  // Files that are as listed, but have bytes in pieces with those that are not.
  void AddNeighbours(std::size_t damaged) {
    const auto listed = found_.files[damaged].listed;
    for (const auto& [s, f] : listed) {
      const Source& source = sources_[s];
      if (source.pieces.empty() || FindInManifest(source, source.files[f].path) != nullptr ||
          source.files[f].layer != nullptr || !neighbours_of_.insert(s).second) {
        continue;
      }
      for (std::size_t other = 0; other < source.files.size(); ++other) {
        const auto entry = found_.copy.match[s][other];
        if (!entry) continue;
        const std::string& path = found_.copy.listing.files[*entry].path;
        const auto [known, is_new] = by_path_.emplace(path, found_.files.size());
        if (!is_new) continue;
        FileInWork& work = found_.files.emplace_back();
        work.is_damaged = false;
        work.plan.path = path;
        work.plan.listed_as = source.files[other].path;
        work.plan.found = FileState::kOk;
        work.listed.emplace_back(s, other);
        AddListed(source.files[other], &work);
        (void)OpenOurs(path, true, &work);
      }
    }
  }

  const std::vector<Source>& sources_;
  DamagedFiles found_;
  std::map<std::string, std::size_t, std::less<>> by_path_;  // index into files
  std::map<std::string, std::size_t, std::less<>> intact_;   // index into intact
  std::set<std::size_t> neighbours_of_;                      // sources that were looked at
};

}  // namespace

Result<Party> OpenParty(const fs::path& path, std::span<const Source> sources) {
  Party party{path, HM_TRY(Copy::List(path)).Listing(), {}};
  for (const Source& source : sources) {
    party.match.push_back(MatchByName(source, party.listing));
  }
  return party;
}

Result<DamagedFiles> FindDamagedFiles(const fs::path& copy, const std::vector<Source>& sources,
                                      const std::function<void(const FileVerdict&)>& on_early,
                                      const Task& task) {
  return Search(sources).Run(copy, on_early, task);
}

}  // namespace hallmark
