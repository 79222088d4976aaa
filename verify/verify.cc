// The order of a verification: list, match by name, say what is wrong already, hash once, judge,
// look for renamed files, compare weights where files differ, name the damage, conclude.
#include "verify/verify.h"

#include <fmt/format.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "src/base/text.h"
#include "verify/conclude.h"
#include "verify/copy.h"
#include "verify/copy_weights.h"
#include "verify/damage.h"
#include "verify/listed_content.h"
#include "verify/match.h"
#include "verify/unasked_sources.h"
#include "verify/weights_comparison.h"
#include "weights/model_sets.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

const ManifestFile* ListedInManifest(const Source& source, const std::string& path) {
  return source.manifest ? FindFile(*source.manifest, path) : nullptr;
}

bool IsUnreadFolder(const Finding& finding) {
  return finding.code == "unreadable" || finding.code == "too-deep" ||
         finding.code == "link-to-directory";
}

class Verification {
 public:
  Verification(Copy copy, std::vector<Source> sources, const VerifyOptions& options,
               const Task& task)
      : copy_(std::move(copy)),
        sources_(std::move(sources)),
        options_(options),
        task_(task),
        weights_(copy_, task) {}

  Result<VerifyReport> Run() {
    report_.findings = copy_.Listing().findings;
    report_.unread_folders = std::ranges::count_if(report_.findings, IsUnreadFolder);
    if (sources_.empty()) HM_TRY(LookForSources());
    FindSourcesInCopy();
    AddFindings(HM_TRY(copy_.ReadHeaders(task_)));
    for (std::size_t s = 0; s < sources_.size(); ++s) MatchListed(s);
    const Copy::Hashed hashed = HM_TRY(copy_.Hash(options_.resume, task_));
    report_.files_hashed = hashed.files;
    report_.bytes_hashed = hashed.bytes;
    HM_TRY(CheckContents());
    Judge();
    DropUnprovenCandidates();
    FindDisagreements();
    AddUnlisted();
    HM_TRY(CompareAllWeights());
    HM_TRY(LocateDamage());
    SummariseSources();
    Conclude(options_, report_);
    return std::move(report_);
  }

 private:
  bool Included(std::string_view path) const {
    if (options_.include.empty()) return true;
    const std::string text(path);
    return std::any_of(options_.include.begin(), options_.include.end(), [&](const std::string& g) {
      return fnmatch(g.c_str(), text.c_str(), 0) == 0;
    });
  }

  // Of a path that the copy holds.
  const DirectoryEntry& EntryAt(const std::string& path) const {
    return copy_.Entry(IndexOf(path));
  }
  const CopyFile& FileAt(const std::string& path) const { return copy_.File(IndexOf(path)); }
  std::size_t IndexOf(const std::string& path) const {
    const auto found = FindFile(copy_.Listing(), path);
    HM_CHECK(found.has_value());
    return *found;
  }

  void AddFindings(std::vector<Finding> findings) {
    std::ranges::move(findings, std::back_inserter(report_.findings));
  }

  // A list that came with the copy cannot vouch for it, also where the user named it; and it is no
  // part of what it lists.
  void FindSourcesInCopy() {
    is_source_.assign(copy_.Size(), false);
    std::map<std::pair<dev_t, ino_t>, std::vector<std::size_t>> here;
    for (std::size_t p = 0; p < copy_.Size(); ++p) {
      struct stat info;
      if (stat(copy_.Entry(p).full_path.c_str(), &info) != 0) continue;
      here[{info.st_dev, info.st_ino}].push_back(p);
    }
    for (Source& source : sources_) {
      struct stat info;
      if (source.file.empty() || stat(source.file.c_str(), &info) != 0) continue;
      const auto found = here.find({info.st_dev, info.st_ino});
      if (found == here.end()) continue;
      source.inside_copy = true;
      for (const std::size_t p : found->second) is_source_[p] = true;
    }
  }

  Result<void> LookForSources() {
    if (copy_.OwnManifest()) {
      sources_ = {*copy_.OwnManifest()};
      return {};
    }
    UnaskedSources unasked = HM_TRY(FindUnaskedSources(copy_.Path(), copy_.Listing(), task_));
    sources_ = std::move(unasked.lists);
    first_candidate_ = sources_.size();
    for (Source& source : unasked.candidates) sources_.push_back(std::move(source));
    AddFindings(std::move(unasked.findings));
    return {};
  }

  // Of the catalogue's entries whose names fit, only those stay that most digests prove: of weights
  // if there are any, else of other files if one entry alone has the most.
  void DropUnprovenCandidates() {
    if (first_candidate_ >= sources_.size()) return;
    std::vector<std::pair<std::size_t, std::size_t>> score(sources_.size());  // weights, others
    for (const FileVerdict& file : report_.files) {
      if (file.state != FileState::kOk && file.state != FileState::kRenamed) continue;
      ++(file.holds_weights ? score[file.source].first : score[file.source].second);
    }
    const auto first = score.begin() + static_cast<std::ptrdiff_t>(first_candidate_);
    const auto best = *std::max_element(first, score.end());
    const bool proven =
        best.first > 0 || (best.second > 0 && std::count(first, score.end(), best) == 1);
    std::vector<std::size_t> new_index(sources_.size(), 0);
    std::vector<Source> kept;
    std::string dropped;
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      const bool candidate = s >= first_candidate_;
      if (candidate && !(proven && score[s] == best)) {
        dropped += (dropped.empty() ? "" : ", ") + sources_[s].name;
        continue;
      }
      new_index[s] = kept.size() + 1;
      kept.push_back(std::move(sources_[s]));
    }
    if (!proven) {
      report_.findings.push_back(
          {Severity::kNote, "not-in-catalogue", copy_.Path().string(),
           "names fit " + dropped + ", but no digest does: these are not those files"});
    }
    std::erase_if(report_.files, [&](const FileVerdict& file) { return !new_index[file.source]; });
    for (FileVerdict& file : report_.files) file.source = new_index[file.source] - 1;
    sources_ = std::move(kept);
  }

  // Pairs what a source lists with what is there and says what is wrong before any hashing.
  void MatchListed(std::size_t s) {
    const Source& source = sources_[s];
    const auto match = MatchByName(source, copy_.Listing());
    const std::vector<bool> has_content = HasListedContent(source);
    auto& present = present_.try_emplace(s, source.files.size()).first->second;
    std::vector<std::size_t> missing;
    std::vector<bool> matched(copy_.Size(), false);
    for (std::size_t i = 0; i < source.files.size(); ++i) {
      const ListedFile& listed = source.files[i];
      if (!Included(listed.path) && !(match[i] && Included(copy_.Entry(*match[i]).path))) {
        continue;
      }
      if (copy_.IsOneFile() && !match[i]) {
        missing.push_back(i);
        continue;
      }
      FileVerdict verdict = AsListed(listed, s);
      if (match[i]) {
        Expect(listed, source, *match[i], has_content[i], verdict);
        if (has_content[i] && verdict.state == FileState::kUnread) present[i] = match[i];
        matched[*match[i]] = true;
      } else if (const auto unfinished = FindUnfinished(listed.path, copy_.Listing())) {
        verdict.state = FileState::kIncomplete;
        UsePresent(*unfinished, verdict);
        verdict.holds_weights |= LooksLikeWeights(listed.path);
        WantTree(source, listed, *unfinished);
        matched[*unfinished] = true;
      } else {
        missing.push_back(i);
        if (listed.optional) continue;
        verdict.state = FileState::kMissing;
        verdict.holds_weights = LooksLikeWeights(listed.path);
      }
      const bool bad_already =
          verdict.state == FileState::kIncomplete || verdict.state == FileState::kWrongSize;
      if (bad_already && s < first_candidate_ && options_.on_early) options_.on_early(verdict);
      report_.files.push_back(std::move(verdict));
    }
    // A missing file may be here under another name: its digest would tell.
    std::set<Algorithm> of_any_size;
    std::map<std::uint64_t, std::set<Algorithm>> of_size;
    for (const std::size_t i : missing) {
      const ListedFile& listed = source.files[i];
      std::set<Algorithm>& algorithms = listed.size ? of_size[*listed.size] : of_any_size;
      for (const ListedDigest& digest : listed.digests) {
        algorithms.insert(digest.digest.GetAlgorithm());
      }
    }
    for (std::size_t p = 0; p < copy_.Size(); ++p) {
      if (matched[p] || is_source_[p]) continue;
      std::set<Algorithm> algorithms = of_any_size;
      if (const auto own = of_size.find(copy_.Entry(p).size); own != of_size.end()) {
        algorithms.insert(own->second.begin(), own->second.end());
      }
      if (algorithms.empty()) continue;
      copy_.File(p).wanted.insert(algorithms.begin(), algorithms.end());
      rename_candidates_[s].insert(p);
    }
    missing_[s] = std::move(missing);
  }

  static FileVerdict AsListed(const ListedFile& listed, std::size_t source) {
    FileVerdict verdict{};
    verdict.listed_as = listed.path;
    verdict.source = source;
    verdict.listed_size = listed.size;
    for (const ListedDigest& digest : listed.digests) verdict.checks.push_back({digest, {}});
    return verdict;
  }

  void UsePresent(std::size_t p, FileVerdict& verdict) const {
    verdict.path = copy_.Entry(p).path;
    verdict.size = copy_.Entry(p).size;
    verdict.holds_weights = copy_.File(p).holds_weights;
  }

  void WantTree(const Source& source, const ListedFile& listed, std::size_t p) {
    const ManifestFile* file = ListedInManifest(source, listed.path);
    if (file != nullptr && !file->sub_roots.empty()) copy_.File(p).wanted.insert(Algorithm::kTree);
  }

  void Expect(const ListedFile& listed, const Source& source, std::size_t p, bool has_content,
              FileVerdict& verdict) {
    UsePresent(p, verdict);
    WantTree(source, listed, p);
    if (HasControlFile(copy_.Entry(p).path, copy_.Listing())) {
      verdict.state = FileState::kIncomplete;
    } else if (listed.size && *listed.size != verdict.size) {
      verdict.state = FileState::kWrongSize;
    } else if (listed.digests.empty() && !has_content) {
      verdict.state = FileState::kNotComparable;
    } else {
      verdict.state = FileState::kUnread;  // until it was read
      for (const ListedDigest& digest : listed.digests) {
        copy_.File(p).wanted.insert(digest.digest.GetAlgorithm());
      }
    }
  }

  Result<void> CheckContents() {
    for (const auto& [s, present] : present_) {
      ContentChecks checks = HM_TRY(CheckListedContent(sources_[s], present, copy_, task_));
      report_.bytes_hashed += checks.bytes_read;
      for (std::size_t i = 0; i < checks.files.size(); ++i) {
        if (!checks.files[i]) continue;
        if (copy_.File(*present[i]).wanted.empty()) ++report_.files_hashed;
        contents_.emplace(std::pair(s, sources_[s].files[i].path), *std::move(checks.files[i]));
      }
    }
    return {};
  }

  // Two sources that say different things of one file cannot both be right.
  void FindDisagreements() {
    std::map<std::pair<std::string, Algorithm>, std::pair<Digest, std::size_t>> said;
    for (const FileVerdict& file : report_.files) {
      for (const DigestCheck& check : file.checks) {
        const Digest& digest = check.expected.digest;
        const auto [at, first] =
            said.try_emplace({file.listed_as, digest.GetAlgorithm()}, digest, file.source);
        // What witnesses of one source dispute, that source says itself.
        if (first || at->second.first == digest || at->second.second == file.source) continue;
        report_.findings.push_back(
            {Severity::kWarning, "sources-disagree", file.listed_as,
             fmt::format("{} and {} list different {} digests for it",
                         sources_[at->second.second].name, sources_[file.source].name,
                         InfoOf(digest.GetAlgorithm()).name)});
      }
    }
  }

  void Judge() {
    for (FileVerdict& file : report_.files) {
      if (file.path.empty()) continue;
      const CopyFile& present = FileAt(file.path);
      Fill(present, file);
      const auto content = contents_.find({file.source, file.listed_as});
      if (present.error) {
        file.state = FileState::kUnread;
        file.error = present.error;
      } else if (content != contents_.end() && content->second.error) {
        file.error = content->second.error;
      } else if (file.state == FileState::kUnread) {
        const bool all = std::all_of(file.checks.begin(), file.checks.end(),
                                     [](const DigestCheck& check) { return check.Matches(); });
        file.state = all ? FileState::kOk : FileState::kMismatch;
        if (content != contents_.end()) Join(content->second, file);
      }
    }
    for (const auto& [s, candidates] : rename_candidates_) FindRenamed(s, candidates);
  }

  // What pieces and tensors say of a file, beside its digests.
  void Join(const ContentVerdict& content, FileVerdict& file) {
    if (content.differs) {
      file.state = FileState::kMismatch;
    } else if (content.unchecked > 0 && file.checks.empty()) {
      file.state = FileState::kNotComparable;
    }
    file.damage = content.damage;
    AddFindings(content.findings);
  }

  static void Fill(const CopyFile& present, FileVerdict& file) {
    file.remembered = present.remembered;
    for (DigestCheck& check : file.checks) {
      check.actual = present.Find(check.expected.digest.GetAlgorithm());
    }
  }

  // Missing files of source `s` whose digest a file of another name has.
  void FindRenamed(std::size_t s, const std::set<std::size_t>& candidates) {
    std::map<std::string_view, std::size_t> verdicts;  // by the path that is listed
    for (std::size_t v = 0; v < report_.files.size(); ++v) {
      const FileVerdict& file = report_.files[v];
      if (file.source == s && file.state == FileState::kMissing) verdicts[file.listed_as] = v;
    }
    std::multimap<Digest, std::size_t> by_digest;
    for (const std::size_t p : candidates) {
      if (!copy_.File(p).outcome) continue;
      for (const Digest& digest : copy_.File(p).outcome->digests) by_digest.emplace(digest, p);
    }
    std::set<std::size_t> taken;
    for (const std::size_t i : missing_[s]) {
      const ListedFile& listed = sources_[s].files[i];
      if (listed.digests.empty()) continue;
      const auto [first, last] = by_digest.equal_range(listed.digests[0].digest);
      const auto found = std::find_if(first, last, [&](const auto& candidate) {
        const std::size_t p = candidate.second;
        return !taken.contains(p) &&
               std::ranges::all_of(listed.digests, [&](const ListedDigest& listed_digest) {
                 const Digest& digest = listed_digest.digest;
                 return copy_.File(p).Find(digest.GetAlgorithm()) == digest;
               });
      });
      if (found == last) continue;
      const std::size_t p = found->second;
      taken.insert(p);
      const auto known = verdicts.find(listed.path);
      // Of a copy of one file it is only known now that it is listed.
      FileVerdict& verdict = known == verdicts.end()
                                 ? report_.files.emplace_back(AsListed(listed, s))
                                 : report_.files[known->second];
      verdict.state = FileState::kRenamed;
      UsePresent(p, verdict);
      Fill(copy_.File(p), verdict);
    }
  }

  // What no source lists. Sources that do not claim to list everything make it no finding; a list
  // that came with the copy adds nothing to one that did not.
  void AddUnlisted() {
    if (sources_.empty()) return;
    const bool all_inside = std::ranges::all_of(sources_, &Source::inside_copy);
    const auto counts = [&](const Source& source) { return all_inside || !source.inside_copy; };
    std::set<std::string> listed;
    for (const FileVerdict& file : report_.files) {
      if (counts(sources_[file.source])) listed.insert(file.path);
    }
    const bool someone_lists_all =
        std::ranges::any_of(sources_, [&](const Source& s) { return s.complete && counts(s); });
    for (std::size_t p = 0; p < copy_.Size(); ++p) {
      const DirectoryEntry& entry = copy_.Entry(p);
      if (listed.contains(entry.path) || is_source_[p] || !Included(entry.path)) continue;
      // Programs go by the name; an empty file holds nothing by any.
      const bool holds_weights =
          copy_.File(p).holds_weights || (entry.size > 0 && LooksLikeWeights(entry.path));
      if (!someone_lists_all && !holds_weights && !copy_.IsOneFile()) continue;
      FileVerdict& file = report_.files.emplace_back();
      file.state = FileState::kUnlisted;
      file.path = entry.path;
      file.size = entry.size;
      file.holds_weights = holds_weights;
      if (copy_.File(p).error) {
        file.state = FileState::kUnread;
        file.error = copy_.File(p).error;
      }
    }
  }

  bool WeightsNeedComparing(std::size_t s) const {
    return std::any_of(report_.files.begin(), report_.files.end(), [&](const FileVerdict& file) {
      const bool fine = file.state == FileState::kOk || file.state == FileState::kRenamed;
      return file.holds_weights && !fine && (file.source == s || file.listed_as.empty());
    });
  }

  Result<void> CompareAllWeights() {
    if (!options_.compare_weights) return {};
    bool found_same = false;
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      const Source& source = sources_[s];
      const bool knows = !source.weights.empty() || source.manifest || source.model;
      if (!knows || !WeightsNeedComparing(s)) continue;
      std::set<std::string> covered;  // files of the source that hold the weights it speaks of
      Result<WeightsVerdict> compared = CompareWith(source, covered);
      WeightsVerdict verdict;
      if (compared) {
        verdict = *std::move(compared);
      } else {
        const Error& error = compared.error();
        if (error.code == Errc::kInterrupted) return error;
        verdict.state = WeightsVerdict::State::kNotComparable;
        verdict.reason = error.subject.empty()
                             ? error.message
                             : EscapeForPeople(error.subject) + ": " + error.message;
        verdict.hint = error.hint;
      }
      verdict.source = source.name;
      if (verdict.state == WeightsVerdict::State::kSame) {
        Excuse(s, covered);
        found_same = true;
      }
      // One different source outweighs one that is the same.
      if (report_.weights.state != WeightsVerdict::State::kDifferent) {
        report_.weights = std::move(verdict);
      }
    }
    AddFindings(weights_.Findings(found_same));
    return {};
  }

  Result<WeightsVerdict> CompareWith(const Source& source, std::set<std::string>& covered) {
    const Model* const own = HM_TRY(weights_.Open());
    const WeightIdentity* const ours = HM_TRY(weights_.Identity());
    if (source.model) {
      const Model other = HM_TRY(Model::Open(*source.model, task_));
      const WeightIdentity theirs = HM_TRY(ComputeIdentity(other, task_));
      WeightsVerdict verdict = CompareWeights(*own, *ours, Known(theirs));
      HM_TRY(CountDifferingValues(*own, other, task_, verdict));
      HM_TRY(other.CheckUnchanged());
      for (FileOnDisk& file : other.FilesOnDisk()) covered.insert(std::move(file.path));
      return verdict;
    }
    KnownWeights theirs;
    if (source.manifest) {
      theirs = Known(*source.manifest);
      for (const ManifestTensor& tensor : source.manifest->tensors) {
        for (const auto& place : tensor.places) covered.insert(place.file);
      }
    }
    if (theirs.identity.empty()) theirs.identity = source.weights;
    if (theirs.identity.empty()) {
      std::string reason = "the source holds no weight identity";
      if (source.manifest) reason += ": " + source.manifest->no_identity_reason;
      return Error{Errc::kUnsupported, "", std::move(reason)};
    }
    return CompareWeights(*own, *ours, theirs);
  }

  // Source `s` knows the same weights. That excuses files of the copy that were compared, where
  // they differ from what it lists or are not listed, and listed files whose weights are here in
  // others; nothing else that holds weights, and nothing that another source says.
  void Excuse(std::size_t s, const std::set<std::string>& covered) {
    std::set<std::string> compared;
    const auto own = weights_.Open();
    if (!own) return;
    const bool holds_others = std::ranges::any_of(
        (*own)->Findings(), [](const Finding& finding) { return finding.code == "other-weights"; });
    for (FileOnDisk& file : (*own)->FilesOnDisk()) {
      if (!file.is_archive || !holds_others) compared.insert(std::move(file.path));
    }
    for (FileVerdict& file : report_.files) {
      switch (file.state) {
        case FileState::kMismatch:
        case FileState::kWrongSize:
          file.same_weights |= file.source == s && compared.contains(file.path);
          break;
        case FileState::kUnlisted:
          file.same_weights |= compared.contains(file.path);
          break;
        case FileState::kMissing:
        case FileState::kIncomplete:
          file.same_weights |=
              file.holds_weights && (covered.empty() || covered.contains(file.listed_as));
          break;
        default:
          break;
      }
    }
  }

  // A shard whose digests are right holds no part of the difference.
  void DropPlacesInIntactFiles() {
    std::set<std::string> intact;
    for (const FileVerdict& file : report_.files) {
      if (file.state == FileState::kOk || file.state == FileState::kRenamed) {
        intact.insert(file.path);
      }
    }
    for (WeightsVerdict::Difference& difference : report_.weights.differences) {
      const auto is_intact = [&](const auto& place) { return intact.contains(place.first); };
      if (!std::all_of(difference.places.begin(), difference.places.end(), is_intact)) {
        std::erase_if(difference.places, is_intact);
      }
    }
  }

  Result<void> LocateDamage() {
    DropPlacesInIntactFiles();
    for (FileVerdict& file : report_.files) {
      if (!file.holds_weights) continue;  // bytes of a small side file tell nobody much
      const bool cut = file.state == FileState::kWrongSize || file.state == FileState::kIncomplete;
      if (file.listed_as.empty() || (file.state != FileState::kMismatch && !cut)) continue;
      const Source& source = sources_[file.source];
      const ManifestFile* listed = ListedInManifest(source, file.listed_as);
      std::vector<DifferingBytes> stretches;
      const CopyFile& present = FileAt(file.path);
      if (listed != nullptr && present.outcome) {
        const std::vector<TreeNode>& sub_roots = present.outcome->sub_roots;
        if (cut) {
          file.intact = IntactSpans(*listed, file.size, sub_roots);
        } else {
          for (const ByteRange& span : DifferingSpans(*listed, file.size, sub_roots)) {
            stretches.push_back({span, 0});
          }
        }
      } else if (source.model && !cut) {
        const fs::path& root = *source.model;
        const fs::path folder = fs::is_directory(root) ? root : root.parent_path();
        const auto theirs = OpenFile(folder / file.listed_as);
        const auto ours = OpenFile(EntryAt(file.path).full_path);
        if (theirs && ours && (*theirs)->Size() == (*ours)->Size()) {
          stretches = HM_TRY(CompareBytes(**ours, **theirs, task_));
        }
      }
      if (const auto content = contents_.find({file.source, file.listed_as});
          content != contents_.end()) {
        for (const ByteRange& range : content->second.stretches) stretches.push_back({range, 0});
      }
      if (!stretches.empty())
        file.damage = NameDamage(stretches, weights_.PlacesIn(file, source, report_.weights));
    }
    return {};
  }

  void SummariseSources() {
    for (const Source& source : sources_) {
      report_.sources.push_back(Summarise(source));
      // Asked about one file, a source that lists it says all there is to say.
      report_.sources.back().complete |= copy_.IsOneFile();
      AddFindings(source.findings);
    }
  }

  Copy copy_;
  std::vector<Source> sources_;
  const VerifyOptions& options_;
  const Task& task_;
  // Sources from here on are candidates nobody named; see DropUnprovenCandidates.
  std::size_t first_candidate_ = std::numeric_limits<std::size_t>::max();
  std::vector<bool> is_source_;                              // by file of the copy
  std::map<std::size_t, std::vector<std::size_t>> missing_;  // by source: indexes of listed files
  std::map<std::size_t, std::set<std::size_t>> rename_candidates_;  // by source: files of the copy
  // By source: where each of its files is, if it has listed content to check there.
  std::map<std::size_t, std::vector<std::optional<std::size_t>>> present_;
  std::map<std::pair<std::size_t, std::string>, ContentVerdict> contents_;  // source, listed path
  CopyWeights weights_;
  VerifyReport report_;
};

}  // namespace

Result<VerifyReport> Verify(const fs::path& copy, std::vector<Source> sources,
                            const VerifyOptions& options, const Task& task) {
  return Verification(HM_TRY(Copy::List(copy)), std::move(sources), options, task).Run();
}

}  // namespace hallmark
