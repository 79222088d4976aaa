// The order of a verification: list, match by name, say what is wrong already, hash once, judge,
// look for renamed files, compare weights where files differ, name the damage, conclude.
#include "verify/verify.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "sign/oms/oms_tree.h"
#include "src/base/text.h"
#include "verify/conclude.h"
#include "verify/copy.h"
#include "verify/copy_weights.h"
#include "verify/drawn_sample.h"
#include "verify/listed_content.h"
#include "verify/locate_damage.h"
#include "verify/match.h"
#include "verify/selection.h"
#include "verify/unasked_sources.h"
#include "verify/weights_comparison.h"
#include "weights/model_sets.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

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
    report_.asked = {options_.include, options_.weights_only, options_.compare_weights};
    if (options_.sample) sample_.emplace(*options_.sample);
    report_.findings = copy_.Listing().findings;
    report_.unread_folders = CountUnreadFolders(report_.findings);
    if (sources_.empty()) {
      HM_TRY(LookForSources());
    } else if (options_.signatures) {
      HM_TRY(EndorseAll(*options_.signatures, sources_));
    }
    FindSourcesInCopy();
    if (options_.part) Stamp(*options_.part);
    selection_.emplace(options_, copy_, sources_, is_source_);
    const auto tells = [&](std::size_t p) { return selection_->InPart(p); };
    AddFindings(HM_TRY(copy_.ReadHeaders(tells, task_)));
    for (std::size_t s = 0; s < sources_.size(); ++s) MatchListed(s);
    HM_TRY(HashFilesOfCopy());
    HM_TRY(CheckContents());
    if (sample_) {
      HM_TRY(sample_->ReadPieces(copy_, task_, report_));
      report_.sample = sample_->Summary();
    }
    Judge();
    DropUnprovenCandidates(first_candidate_, copy_.Path(), sources_, report_);
    FindDisagreements(sources_, report_);
    HM_TRY(AddForbidden());
    AddUnlisted();
    HM_TRY(CompareAllWeights());
    const auto stretches = [&](const FileVerdict& file) { return KnownStretches(file); };
    HM_TRY(LocateDamage(copy_, sources_, stretches, weights_, task_, report_));
    SummariseSources();
    Conclude(report_);
    return std::move(report_);
  }

 private:
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
      return EndorseFound();
    }
    UnaskedSources unasked = HM_TRY(FindUnaskedSources(copy_.Path(), copy_.Listing(), task_));
    sources_ = std::move(unasked.lists);
    HM_TRY(EndorseFound());
    first_candidate_ = sources_.size();
    if (options_.signatures && options_.signatures->required) return {};
    for (Source& source : unasked.candidates) sources_.push_back(std::move(source));
    AddFindings(std::move(unasked.findings));
    return {};
  }

  // Of lists that nobody named, those count that are signed, if signatures are asked for.
  Result<void> EndorseFound() {
    if (!options_.signatures) return {};
    SignatureRules rules = *options_.signatures;
    rules.required = false;
    std::vector<Source> endorsed;
    for (Source& source : sources_) {
      const bool inside_copy = source.inside_copy;
      std::vector<Source> one;
      one.push_back(std::move(source));
      auto done = EndorseAll(rules, one);
      if (done) {
        endorsed.push_back(std::move(one.front()));
      } else if (inside_copy || done.error().code != Errc::kUntrusted) {
        return done;
      } else {  // of a neighbour, which need not be about this copy
        AddFindings(
            {{Severity::kWarning, "unusable-list", done.error().subject, done.error().message}});
      }
    }
    sources_ = std::move(endorsed);
    if (!options_.signatures->required) return {};
    std::erase_if(sources_, [](const Source& source) { return source.endorsements.empty(); });
    if (!sources_.empty()) return {};
    return Error{Errc::kUntrusted, copy_.Path().string(),
                 "no list in or beside it is signed by anybody trusted here", std::nullopt,
                 "name the signed list or manifest with --against"};
  }

  // Pairs what a source lists with what is there and says what is wrong before any hashing.
  void MatchListed(std::size_t s) {
    const Source& source = sources_[s];
    const auto& match = selection_->MatchOf(s);
    const std::vector<bool> has_content = HasListedContent(source);
    auto& with_content = present_.try_emplace(s, source.files.size()).first->second;
    std::vector<std::size_t> missing;
    std::vector<bool> matched(copy_.Size(), false);
    for (std::size_t i = 0; i < source.files.size(); ++i) {
      const ListedFile& listed = source.files[i];
      const auto unfinished =
          match[i] ? std::nullopt : FindUnfinished(listed.path, copy_.Listing());
      const auto present = match[i] ? match[i] : unfinished;
      if (present) matched[*present] = true;  // also where nobody asked for it: it is that file
      if (!selection_->Has(listed, present)) continue;
      if (copy_.IsOneFile() && !match[i]) {
        missing.push_back(i);
        continue;
      }
      FileVerdict verdict = AsListed(listed, s);
      if (match[i]) {
        Expect(listed, source, *match[i], has_content[i], verdict);
        if (has_content[i] && verdict.state == FileState::kUnread) with_content[i] = match[i];
      } else if (unfinished) {
        verdict.state = FileState::kIncomplete;
        UsePresent(*unfinished, verdict);
        verdict.holds_weights |= LooksLikeWeights(listed.path);
        WantTree(source, listed, *unfinished);
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
    missing_[s] = std::move(missing);
    // A missing file may be here under another name: its digest would tell.
    if (!sample_) WantRenamed(s, matched);
  }

  void WantRenamed(std::size_t s, const std::vector<bool>& matched) {
    if (sources_[s].oms) return;  // its files are where it says, or they are not its files
    std::set<Algorithm> of_any_size;
    std::map<std::uint64_t, std::set<Algorithm>> of_size;
    for (const std::size_t i : missing_[s]) {
      const ListedFile& listed = sources_[s].files[i];
      std::set<Algorithm>& algorithms = listed.size ? of_size[*listed.size] : of_any_size;
      for (const ListedDigest& digest : listed.digests) {
        algorithms.insert(digest.digest.GetAlgorithm());
      }
    }
    for (std::size_t p = 0; p < copy_.Size(); ++p) {
      if (matched[p] || is_source_[p]) continue;
      if (!selection_->InPart(p)) continue;
      std::set<Algorithm> algorithms = of_any_size;
      if (const auto own = of_size.find(copy_.Entry(p).size); own != of_size.end()) {
        algorithms.insert(own->second.begin(), own->second.end());
      }
      if (algorithms.empty()) continue;
      copy_.File(p).wanted.insert(algorithms.begin(), algorithms.end());
      rename_candidates_[s].insert(p);
    }
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
    if (sample_) return;
    const ManifestFile* file = FindInManifest(source, listed.path);
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
      if (sample_ &&
          !sample_->TakesWhole(verdict, report_.files.size(), FindInManifest(source, listed.path),
                               selection_->KeyOf(p))) {
        return;
      }
      for (const ListedDigest& digest : listed.digests) {
        copy_.File(p).wanted.insert(digest.digest.GetAlgorithm());
      }
    }
  }

  // Files that match are told as soon as they are read: of others there may be more to say.
  Result<void> HashFilesOfCopy() {
    std::map<std::size_t, std::vector<std::size_t>> waiting;  // verdicts by file of the copy
    if (options_.on_match) {
      std::set<std::size_t> with_content;
      for (const auto& [s, present] : present_) {
        for (const auto& p : present) {
          if (p) with_content.insert(*p);
        }
      }
      for (std::size_t v = 0; v < report_.files.size(); ++v) {
        const FileVerdict& file = report_.files[v];
        if (file.state != FileState::kUnread || file.source >= first_candidate_) continue;
        const std::size_t p = IndexOf(file.path);
        if (!with_content.contains(p)) waiting[p].push_back(v);
      }
    }
    const auto on_hashed = [&](std::size_t p) -> Result<void> {
      const auto verdicts = waiting.find(p);
      if (verdicts == waiting.end()) return {};
      for (const std::size_t v : verdicts->second) {
        FileVerdict& file = report_.files[v];
        Fill(copy_.File(p), file);
        if (!std::ranges::all_of(file.checks, &DigestCheck::Matches)) continue;
        file.state = FileState::kOk;
        file.told = true;
        HM_TRY(options_.on_match(file, sources_[file.source].name));
      }
      return {};
    };
    const Copy::Hashed hashed =
        HM_TRY(copy_.Hash(options_.resume, options_.cache, on_hashed, task_));
    report_.files_hashed = hashed.files;
    report_.bytes_hashed = hashed.bytes;
    report_.remembered = hashed.remembered;
    return {};
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

  void Judge() {
    for (FileVerdict& file : report_.files) {
      if (file.path.empty() || file.told) continue;
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
    file.remembered_from = present.remembered_from;
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
    // What bears another listed file's name does not stand for this one: who loads it gets the
    // wrong content.
    std::set<std::string_view> names;
    for (const ListedFile& listed : sources_[s].files) names.insert(LastComponent(listed.path));
    const auto can_stand_for = [&](std::size_t p, const ListedFile& listed) {
      const std::string_view name = LastComponent(copy_.Entry(p).path);
      return name == LastComponent(listed.path) || !names.contains(name);
    };
    std::set<std::size_t> taken;
    for (const std::size_t i : missing_[s]) {
      const ListedFile& listed = sources_[s].files[i];
      if (listed.digests.empty()) continue;
      const auto [first, last] = by_digest.equal_range(listed.digests[0].digest);
      const auto found = std::find_if(first, last, [&](const auto& candidate) {
        const std::size_t p = candidate.second;
        return !taken.contains(p) && can_stand_for(p, listed) &&
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
      if (listed.contains(entry.path) || is_source_[p] || !selection_->HasPresent(p)) continue;
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

  // What a model signature says must not be there.
  Result<void> AddForbidden() {
    if (!copy_.IsOnDisk()) return {};
    if (options_.part && options_.part->part.index != 1) return {};  // one part says it for all
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      if (!sources_[s].oms) continue;
      const OmsTree tree = HM_TRY(CompareOmsTree(*sources_[s].oms, copy_.Path(), sources_[s].file));
      for (const Finding& problem : tree.problems) Forbid(problem.subject, problem.message, s);
      std::vector<std::string> uncovered = tree.ignored;
      for (const std::string& path : tree.unsigned_files) {
        if (IsIgnored(path)) {
          uncovered.push_back(path);
        } else if (!options_.allow_extra) {
          Forbid(path, "not among the files that are signed", s);
        }
      }
      NoteUncovered(uncovered);
    }
    return {};
  }

  bool IsIgnored(std::string_view path) const {
    return std::ranges::any_of(options_.ignored_paths, [&](std::string_view ignored) {
      while (ignored.ends_with('/')) ignored.remove_suffix(1);
      return path.starts_with(ignored) &&
             (path.size() == ignored.size() || path[ignored.size()] == '/');
    });
  }

  void Forbid(const std::string& path, std::string why, std::size_t source) {
    if (!selection_->Includes(path)) return;
    FileVerdict& file = report_.files.emplace_back();
    file.state = FileState::kForbidden;
    file.path = path;
    file.source = source;
    file.reason = std::move(why);
    const auto here = FindFile(copy_.Listing(), path);
    if (here) file.size = copy_.Entry(*here).size;
  }

  void NoteUncovered(const std::vector<std::string>& paths) {
    constexpr std::size_t kShown = 6;
    std::string names;
    for (std::size_t i = 0; i < std::min(paths.size(), kShown); ++i) {
      names += (i == 0 ? "" : ", ") + EscapeForPeople(paths[i]);
    }
    if (paths.empty()) return;
    if (paths.size() > kShown) names += fmt::format(" and {} more", paths.size() - kShown);
    AddFindings({{Severity::kWarning, "not-covered", "",
                  "here, and left out of what is signed or looked at: " + names}});
  }

  bool WeightsNeedComparing(std::size_t s) const {
    return std::any_of(report_.files.begin(), report_.files.end(), [&](const FileVerdict& file) {
      const bool fine = file.state == FileState::kOk || file.state == FileState::kRenamed;
      return file.holds_weights && !fine && (file.source == s || file.listed_as.empty());
    });
  }

  Result<void> CompareAllWeights() {
    // A part, or a sample, is not all of the weights.
    if (!options_.compare_weights || options_.part || options_.sample) return {};
    bool found_same = false;
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      const Source& source = sources_[s];
      const bool knows = !source.weights.empty() || source.manifest || source.model;
      if (!WeightsNeedComparing(s)) continue;
      if (!knows) {  // its headers may still tell why it differs: it is quantised
        static_cast<void>(weights_.Open());
        continue;
      }
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

  // Stretches of a file that pieces told to differ.
  std::vector<ByteRange> KnownStretches(const FileVerdict& file) const {
    std::vector<ByteRange> known;
    if (sample_) known = sample_->BadStretches(file);
    const auto content = contents_.find({file.source, file.listed_as});
    if (content != contents_.end()) {
      std::ranges::copy(content->second.stretches, std::back_inserter(known));
    }
    return known;
  }

  void Stamp(const PartOptions& asked) {
    PartStamp& stamp = report_.part.emplace();
    stamp.part = asked.part;
    stamp.request = asked.request;
    stamp.sources = FingerprintOf(sources_);
    stamp.files = FingerprintOf(copy_.Listing());
    stamp.total_files = copy_.Size();
    for (std::size_t p = 0; p < copy_.Size(); ++p) stamp.total_bytes += copy_.Entry(p).size;
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
  std::optional<DrawnSample> sample_;
  std::optional<Selection> selection_;
  CopyWeights weights_;
  VerifyReport report_;
};

}  // namespace

Result<VerifyReport> Verify(const fs::path& copy, std::vector<Source> sources,
                            const VerifyOptions& options, const Task& task) {
  return Verify(HM_TRY(Copy::List(copy)), std::move(sources), options, task);
}

Result<VerifyReport> Verify(Copy copy, std::vector<Source> sources, const VerifyOptions& options,
                            const Task& task) {
  return Verification(std::move(copy), std::move(sources), options, task).Run();
}

}  // namespace hallmark
