// The order of a verification: list, match by name, say what is wrong already, hash once, judge,
// look for renamed files, compare weights where files differ, name the damage, conclude.
#include "verify/verify.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "formats/registry.h"
#include "src/base/text.h"
#include "verify/conclude.h"
#include "verify/damage.h"
#include "verify/match.h"
#include "verify/resume.h"
#include "verify/unasked_sources.h"
#include "verify/weights_comparison.h"

namespace hallmark {
namespace fs = std::filesystem;

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAuthentic:
      return "authentic";
    case Verdict::kMatches:
      return "matches";
    case Verdict::kSameWeights:
      return "same-weights";
    case Verdict::kPartial:
      return "partial";
    case Verdict::kMismatch:
      return "mismatch";
    case Verdict::kInconclusive:
      return "inconclusive";
  }
  return "inconclusive";
}

std::string_view FileStateName(FileState state) {
  switch (state) {
    case FileState::kOk:
      return "ok";
    case FileState::kRenamed:
      return "renamed";
    case FileState::kMismatch:
      return "mismatch";
    case FileState::kWrongSize:
      return "wrong-size";
    case FileState::kMissing:
      return "missing";
    case FileState::kIncomplete:
      return "incomplete";
    case FileState::kUnlisted:
      return "unlisted";
    case FileState::kUnread:
      return "unread";
    case FileState::kNotComparable:
      return "not-comparable";
  }
  return "unread";
}

std::string_view WeightsStateName(WeightsVerdict::State state) {
  switch (state) {
    case WeightsVerdict::State::kNotCompared:
      return "not-compared";
    case WeightsVerdict::State::kSame:
      return "same";
    case WeightsVerdict::State::kDifferent:
      return "different";
    case WeightsVerdict::State::kNotComparable:
      return "not-comparable";
  }
  return "not-compared";
}

namespace {

constexpr std::size_t kOpenAtOnce = 256;  // files; well below the usual limit of 1024 descriptors

// What is known of a file of the copy.
struct PresentFile {
  bool holds_weights = false;
  std::set<Algorithm> wanted;
  std::optional<HashOutcome> outcome;  // digests in the order of `wanted`
  std::optional<Error> error;
  bool remembered = false;

  std::optional<Digest> Find(Algorithm algorithm) const {
    if (!outcome) return std::nullopt;
    for (const Digest& digest : outcome->digests) {
      if (digest.GetAlgorithm() == algorithm) return digest;
    }
    return std::nullopt;
  }
};

bool LooksLikeWeights(std::string_view path) {
  for (const std::string_view suffix :
       {".safetensors", ".pth", ".pt", ".bin", ".gguf", ".ckpt", ".npz"}) {
    if (path.ends_with(suffix)) return true;
  }
  return false;
}

const ManifestFile* FindInManifest(const Source& source, const std::string& path) {
  if (!source.manifest) return nullptr;
  for (const ManifestFile& file : source.manifest->files) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

class Verification {
 public:
  Verification(fs::path copy, std::vector<Source> sources, const VerifyOptions& options,
               const Task& task)
      : copy_(std::move(copy)), sources_(std::move(sources)), options_(options), task_(task) {}

  Result<VerifyReport> Run() {
    listing_ = HM_TRY(ListFiles(copy_));
    single_file_ = fs::is_regular_file(copy_);
    present_.resize(listing_.files.size());
    report_.findings = listing_.findings;
    if (sources_.empty()) HM_TRY(LookForSources());
    for (Source& source : sources_) source.inside_copy |= IsInsideCopy(source);
    HM_TRY(LookAtContainers());
    for (std::size_t s = 0; s < sources_.size(); ++s) MatchListed(s);
    HM_TRY(HashWanted());
    Judge();
    DropUnprovenCandidates();
    FindDisagreements();
    AddUnlisted();
    HM_TRY(CompareAllWeights());
    HM_TRY(LocateDamage());
    Summarise();
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

  bool IsASource(const DirectoryEntry& entry) const {
    return std::any_of(sources_.begin(), sources_.end(), [&](const Source& source) {
      std::error_code code;
      return !source.file.empty() && fs::equivalent(source.file, entry.full_path, code);
    });
  }

  // A list that came with the copy cannot vouch for it, also where the user named it.
  bool IsInsideCopy(const Source& source) const {
    if (source.file.empty()) return false;
    return std::any_of(listing_.files.begin(), listing_.files.end(), [&](const auto& entry) {
      std::error_code code;
      return fs::equivalent(source.file, entry.full_path, code);
    });
  }

  Result<void> LookForSources() {
    UnaskedSources unasked = HM_TRY(FindUnaskedSources(copy_, listing_, task_));
    sources_ = std::move(unasked.lists);
    first_candidate_ = sources_.size();
    for (Source& source : unasked.candidates) sources_.push_back(std::move(source));
    for (Finding& finding : unasked.findings) report_.findings.push_back(std::move(finding));
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
          {Severity::kNote, "not-in-catalogue", copy_.string(),
           "names fit " + dropped + ", but no digest does: these are not those files"});
    }
    std::erase_if(report_.files, [&](const FileVerdict& file) { return !new_index[file.source]; });
    for (FileVerdict& file : report_.files) file.source = new_index[file.source] - 1;
    sources_ = std::move(kept);
  }

  // Reads the headers of everything that holds weights: what a container admits about itself is
  // listed, though a digest that matches does not depend on it.
  Result<void> LookAtContainers() {
    for (std::size_t i = 0; i < listing_.files.size(); ++i) {
      HM_TRY(task_.CheckStopped());
      const auto file = OpenFile(listing_.files[i].full_path);
      if (!file) continue;  // hashing will say why
      const Result<const Format*> format = SniffFormat(**file);
      if (!format || *format == nullptr) continue;
      present_[i].holds_weights = true;
      const auto reader = (*format)->open(**file);
      if (reader) {
        for (const Finding& finding : (*reader)->Findings()) {
          if (finding.severity != Severity::kNote) report_.findings.push_back(finding);
        }
      } else {
        const Error& error = reader.error();
        const bool dangerous = error.code == Errc::kDangerous;
        report_.findings.push_back({dangerous ? Severity::kDanger : Severity::kWarning,
                                    dangerous ? "dangerous" : "unreadable-container",
                                    listing_.files[i].path, error.message, error.offset});
      }
    }
    return {};
  }

  // Pairs what a source lists with what is there and says what is wrong before any hashing.
  void MatchListed(std::size_t s) {
    const Source& source = sources_[s];
    const auto match = MatchByName(source, listing_);
    std::vector<std::size_t> missing;
    std::vector<bool> matched(listing_.files.size(), false);
    for (std::size_t i = 0; i < source.files.size(); ++i) {
      const ListedFile& listed = source.files[i];
      if (!Included(listed.path) && !(match[i] && Included(listing_.files[*match[i]].path))) {
        continue;
      }
      if (single_file_ && !match[i]) {
        missing.push_back(i);
        continue;
      }
      FileVerdict verdict{};
      verdict.listed_as = listed.path;
      verdict.source = s;
      verdict.listed_size = listed.size;
      for (const ListedDigest& digest : listed.digests) verdict.checks.push_back({digest, {}});
      if (match[i]) {
        Expect(listed, source, *match[i], verdict);
        matched[*match[i]] = true;
      } else if (const auto unfinished = FindUnfinished(listed.path, listing_)) {
        verdict.state = FileState::kIncomplete;
        UsePresent(*unfinished, verdict);
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
    for (const std::size_t i : missing) {
      for (std::size_t p = 0; p < listing_.files.size(); ++p) {
        const ListedFile& listed = source.files[i];
        if (matched[p] || (listed.size && *listed.size != listing_.files[p].size)) continue;
        if (IsASource(listing_.files[p])) continue;
        for (const ListedDigest& digest : listed.digests) {
          present_[p].wanted.insert(digest.digest.GetAlgorithm());
        }
        rename_candidates_[s].insert(p);
      }
    }
    missing_[s] = std::move(missing);
  }

  void UsePresent(std::size_t p, FileVerdict& verdict) const {
    verdict.path = listing_.files[p].path;
    verdict.size = listing_.files[p].size;
    verdict.holds_weights = present_[p].holds_weights || LooksLikeWeights(verdict.listed_as);
  }

  void WantTree(const Source& source, const ListedFile& listed, std::size_t p) {
    const ManifestFile* file = FindInManifest(source, listed.path);
    if (file != nullptr && !file->sub_roots.empty()) present_[p].wanted.insert(Algorithm::kTree);
  }

  void Expect(const ListedFile& listed, const Source& source, std::size_t p, FileVerdict& verdict) {
    UsePresent(p, verdict);
    WantTree(source, listed, p);
    if (HasControlFile(listing_.files[p].path, listing_)) {
      verdict.state = FileState::kIncomplete;
    } else if (listed.size && *listed.size != verdict.size) {
      verdict.state = FileState::kWrongSize;
    } else if (listed.digests.empty()) {
      verdict.state = FileState::kNotComparable;
    } else {
      verdict.state = FileState::kUnread;  // until it was read
      for (const ListedDigest& digest : listed.digests) {
        present_[p].wanted.insert(digest.digest.GetAlgorithm());
      }
    }
  }

  // Two sources that say different things of one file cannot both be right.
  void FindDisagreements() {
    std::map<std::pair<std::string, Algorithm>, std::pair<Digest, std::size_t>> said;
    for (const FileVerdict& file : report_.files) {
      for (const DigestCheck& check : file.checks) {
        const Digest& digest = check.expected.digest;
        const auto [at, first] =
            said.try_emplace({file.listed_as, digest.GetAlgorithm()}, digest, file.source);
        if (first || at->second.first == digest) continue;
        report_.findings.push_back(
            {Severity::kWarning, "sources-disagree", file.listed_as,
             fmt::format("{} and {} list different {} digests for it",
                         sources_[at->second.second].name, sources_[file.source].name,
                         InfoOf(digest.GetAlgorithm()).name)});
      }
    }
  }

  Result<void> HashWanted() {
    std::vector<std::size_t> todo;
    std::uint64_t total = 0;
    for (std::size_t p = 0; p < present_.size(); ++p) {
      if (present_[p].wanted.empty()) continue;
      todo.push_back(p);
      total += listing_.files[p].size;
    }
    std::optional<VerifyJournal> journal;
    if (!options_.state_folder.empty() && total >= options_.remember_above) {
      // Without a journal the work is done all the same; it only cannot be resumed.
      if (auto opened = VerifyJournal::Open(options_.state_folder, copy_)) {
        journal.emplace(*std::move(opened));
      }
    }
    task_.Begin("hashing", total, todo.size());
    for (std::size_t first = 0; first < todo.size(); first += kOpenAtOnce) {
      const std::size_t count = std::min(kOpenAtOnce, todo.size() - first);
      HM_TRY(HashSome({todo.data() + first, count}, journal ? &*journal : nullptr));
    }
    if (journal) journal->Discard();
    return {};
  }

  Result<void> HashSome(std::span<const std::size_t> batch, VerifyJournal* journal) {
    std::vector<std::unique_ptr<File>> files;
    std::vector<HashRequest> requests;
    std::vector<std::size_t> who;
    for (const std::size_t p : batch) {
      PresentFile& present = present_[p];
      const std::string& path = listing_.files[p].path;
      auto file = OpenFile(listing_.files[p].full_path);
      if (!file) {
        present.error = std::move(file).error();
        continue;
      }
      const std::vector<Algorithm> algorithms(present.wanted.begin(), present.wanted.end());
      if (journal != nullptr) {
        if (const HashOutcome* known = journal->Recall(path, (*file)->Stamp(), algorithms)) {
          present.outcome = *known;
          present.remembered = true;
          task_.Advance((*file)->Size());
          task_.FileDone(path);
          continue;
        }
      }
      requests.push_back({file->get(), algorithms});
      who.push_back(p);
      files.push_back(*std::move(file));
    }
    return HashSources(requests, task_, [&](std::size_t i, Result<HashOutcome> outcome) {
      PresentFile& present = present_[who[i]];
      const std::string& path = listing_.files[who[i]].path;
      if (outcome) {
        if (const Result<void> same = files[i]->CheckUnchanged(); !same) outcome = same.error();
      }
      if (!outcome) {
        present.error = std::move(outcome).error();
        return;
      }
      if (journal != nullptr) journal->Remember(path, files[i]->Stamp(), *outcome);
      present.outcome = *std::move(outcome);
      ++report_.files_hashed;
      report_.bytes_hashed += files[i]->Size();
      task_.FileDone(path);
    });
  }

  void Judge() {
    std::map<std::string, std::size_t> by_path;
    for (std::size_t p = 0; p < listing_.files.size(); ++p) by_path[listing_.files[p].path] = p;
    for (FileVerdict& file : report_.files) {
      if (file.path.empty()) continue;
      const PresentFile& present = present_[by_path[file.path]];
      Fill(present, file);
      if (present.error) {
        file.state = FileState::kUnread;
        file.error = present.error;
      } else if (file.state == FileState::kUnread) {
        const bool all = std::all_of(file.checks.begin(), file.checks.end(),
                                     [](const DigestCheck& check) { return check.Matches(); });
        file.state = all ? FileState::kOk : FileState::kMismatch;
      }
    }
    for (const auto& [s, candidates] : rename_candidates_) FindRenamed(s, candidates);
  }

  static void Fill(const PresentFile& present, FileVerdict& file) {
    file.remembered = present.remembered;
    for (DigestCheck& check : file.checks) {
      check.actual = present.Find(check.expected.digest.GetAlgorithm());
    }
  }

  // Missing files of source `s` whose digest a file of another name has.
  void FindRenamed(std::size_t s, const std::set<std::size_t>& candidates) {
    std::set<std::size_t> taken;
    for (const std::size_t i : missing_[s]) {
      const ListedFile& listed = sources_[s].files[i];
      if (listed.digests.empty()) continue;
      for (const std::size_t p : candidates) {
        const bool same =
            !taken.contains(p) &&
            std::all_of(listed.digests.begin(), listed.digests.end(), [&](const ListedDigest& d) {
              return present_[p].Find(d.digest.GetAlgorithm()) == d.digest;
            });
        if (!same) continue;
        taken.insert(p);
        FileVerdict* verdict = nullptr;
        for (FileVerdict& file : report_.files) {
          if (file.source == s && file.state == FileState::kMissing &&
              file.listed_as == listed.path) {
            verdict = &file;
          }
        }
        if (verdict == nullptr) {  // a copy of one file: only now it is known to be listed
          verdict = &report_.files.emplace_back();
          verdict->listed_as = listed.path;
          verdict->source = s;
          verdict->listed_size = listed.size;
          for (const ListedDigest& digest : listed.digests) verdict->checks.push_back({digest, {}});
        }
        verdict->state = FileState::kRenamed;
        UsePresent(p, *verdict);
        Fill(present_[p], *verdict);
        break;
      }
    }
  }

  // What no source lists. Sources that do not claim to list everything make it no finding.
  void AddUnlisted() {
    std::set<std::string> listed;
    for (const FileVerdict& file : report_.files) listed.insert(file.path);
    const bool someone_lists_all =
        std::any_of(sources_.begin(), sources_.end(), [](const Source& s) { return s.complete; });
    if (sources_.empty()) return;
    for (std::size_t p = 0; p < listing_.files.size(); ++p) {
      const DirectoryEntry& entry = listing_.files[p];
      if (listed.contains(entry.path) || IsASource(entry) || !Included(entry.path)) continue;
      if (!someone_lists_all && !present_[p].holds_weights && !single_file_) continue;
      FileVerdict& file = report_.files.emplace_back();
      file.state = FileState::kUnlisted;
      file.path = entry.path;
      file.size = entry.size;
      file.holds_weights = present_[p].holds_weights;
      if (present_[p].error) {
        file.state = FileState::kUnread;
        file.error = present_[p].error;
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
    std::optional<WeightIdentity> ours;
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      const Source& source = sources_[s];
      const bool knows = !source.weights.empty() || source.manifest || source.model;
      if (!knows || !WeightsNeedComparing(s)) continue;
      WeightsVerdict verdict;
      verdict.state = WeightsVerdict::State::kNotComparable;
      const auto keep = [&] {
        verdict.source = source.name;
        // One different source outweighs one that is the same.
        if (report_.weights.state != WeightsVerdict::State::kDifferent) report_.weights = verdict;
      };
      const auto cannot = [&](const Error& error) -> Result<void> {
        if (error.code == Errc::kInterrupted) return error;
        verdict.reason = error.subject.empty()
                             ? error.message
                             : EscapeForPeople(error.subject) + ": " + error.message;
        keep();
        return {};
      };
      if (!model_) {
        Result<Model> opened = Model::Open(copy_, task_);
        if (!opened) {
          HM_TRY(cannot(opened.error()));
          continue;
        }
        model_.emplace(*std::move(opened));
      }
      if (!ours) {
        Result<WeightIdentity> identity = ComputeIdentity(*model_, task_);
        if (identity) {
          if (const Result<void> same = model_->CheckUnchanged(); !same) identity = same.error();
        }
        if (!identity) {
          HM_TRY(cannot(identity.error()));
          continue;
        }
        ours.emplace(*std::move(identity));
        for (const Finding& finding : ours->findings) report_.findings.push_back(finding);
      }
      if (source.model) {
        const Result<Model> other = Model::Open(*source.model, task_);
        if (!other) {
          HM_TRY(cannot(other.error()));
          continue;
        }
        const Result<WeightIdentity> theirs = ComputeIdentity(*other, task_);
        if (!theirs) {
          HM_TRY(cannot(theirs.error()));
          continue;
        }
        verdict = CompareWeights(*model_, *ours, Known(*theirs));
        HM_TRY(CountDifferingValues(*model_, *other, task_, verdict));
      } else {
        KnownWeights theirs;
        if (source.manifest) theirs = Known(*source.manifest);
        if (theirs.identity.empty()) theirs.identity = source.weights;
        if (theirs.identity.empty()) {
          verdict.ours = ours->ToString();
          verdict.reason = "the source holds no weight identity";
          if (source.manifest) verdict.reason += ": " + source.manifest->no_identity_reason;
          keep();
          continue;
        }
        verdict = CompareWeights(*model_, *ours, theirs);
      }
      keep();
    }
    return {};
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
      if (!file.holds_weights)
        continue;  // which bytes of a small side file differ tells nobody much
      const bool cut = file.state == FileState::kWrongSize || file.state == FileState::kIncomplete;
      if (file.listed_as.empty() || (file.state != FileState::kMismatch && !cut)) continue;
      const Source& source = sources_[file.source];
      const ManifestFile* listed = FindInManifest(source, file.listed_as);
      const WeightsVerdict* weights =
          report_.weights.source == source.name ? &report_.weights : nullptr;
      std::vector<DifferingBytes> stretches;
      const PresentFile* present = FindPresent(file.path);
      if (listed != nullptr && present != nullptr && present->outcome) {
        const std::vector<TreeNode>& sub_roots = present->outcome->sub_roots;
        if (cut) {
          file.intact = IntactSpans(*listed, file.size, sub_roots);
        } else {
          for (const ByteRange& span : DifferingSpans(*listed, file.size, sub_roots)) {
            stretches.push_back({span, 0});
          }
        }
      } else if (source.model && !cut) {
        const fs::path root = *source.model;
        const auto theirs = OpenFile(fs::is_directory(root) ? root / file.listed_as : root);
        const auto ours = OpenFile(single_file_ ? copy_ : copy_ / file.path);
        if (theirs && ours && (*theirs)->Size() == (*ours)->Size()) {
          stretches = HM_TRY(CompareBytes(**ours, **theirs, task_));
        }
      }
      file.damage = NameDamage(stretches, file.path, file.listed_as,
                               source.manifest ? &*source.manifest : nullptr, weights);
    }
    return {};
  }

  const PresentFile* FindPresent(const std::string& path) const {
    for (std::size_t p = 0; p < listing_.files.size(); ++p) {
      if (listing_.files[p].path == path) return &present_[p];
    }
    return nullptr;
  }

  void Summarise() {
    for (const Source& source : sources_) {
      // Asked about one file, a source that lists it says all there is to say.
      SourceSummary summary{source.name,        source.dialect,
                            source.title,       source.complete || single_file_,
                            source.inside_copy, !source.files.empty(),
                            source.files.size()};
      for (const ListedFile& file : source.files) {
        summary.resists_attackers &= ResistsAttackers(file);
      }
      report_.sources.push_back(std::move(summary));
      for (const Finding& finding : source.findings) report_.findings.push_back(finding);
    }
  }

  const fs::path copy_;
  std::vector<Source> sources_;
  const VerifyOptions& options_;
  const Task& task_;
  DirectoryListing listing_;
  bool single_file_ = false;
  // Sources from here on are candidates nobody named; see DropUnprovenCandidates.
  std::size_t first_candidate_ = std::numeric_limits<std::size_t>::max();
  std::vector<PresentFile> present_;                         // parallel to listing_.files
  std::map<std::size_t, std::vector<std::size_t>> missing_;  // by source: indexes of listed files
  std::map<std::size_t, std::set<std::size_t>> rename_candidates_;  // by source: files of the copy
  std::optional<Model> model_;
  VerifyReport report_;
};

}  // namespace

Result<VerifyReport> Verify(const fs::path& copy, std::vector<Source> sources,
                            const VerifyOptions& options, const Task& task) {
  return Verification(copy, std::move(sources), options, task).Run();
}

}  // namespace hallmark
