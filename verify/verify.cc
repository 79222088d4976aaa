// The order of a verification: list, match by name, say what is wrong already, hash once, judge,
// look for renamed files, compare weights where files differ, name the damage, conclude.
#include "verify/verify.h"

#include <fmt/format.h>
#include <fnmatch.h>

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
#include "verify/damage.h"
#include "verify/match.h"
#include "verify/unasked_sources.h"
#include "verify/weights_comparison.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

bool LooksLikeWeights(std::string_view path) {
  for (const std::string_view suffix :
       {".safetensors", ".pth", ".pt", ".bin", ".gguf", ".ckpt", ".npz", ".onnx", ".onnx_data",
        ".onnx.data", ".distcp", ".tar"}) {
    if (path.ends_with(suffix)) return true;
  }
  return false;
}

const ManifestFile* ListedInManifest(const Source& source, const std::string& path) {
  return source.manifest ? FindFile(*source.manifest, path) : nullptr;
}

class Verification {
 public:
  Verification(Copy copy, std::vector<Source> sources, const VerifyOptions& options,
               const Task& task)
      : copy_(std::move(copy)), sources_(std::move(sources)), options_(options), task_(task) {}

  Result<VerifyReport> Run() {
    report_.findings = copy_.Listing().findings;
    if (sources_.empty()) HM_TRY(LookForSources());
    FindSourcesInCopy();
    AddFindings(HM_TRY(copy_.ReadHeaders(task_)));
    for (std::size_t s = 0; s < sources_.size(); ++s) MatchListed(s);
    const Copy::Hashed hashed = HM_TRY(copy_.Hash(options_.resume, task_));
    report_.files_hashed = hashed.files;
    report_.bytes_hashed = hashed.bytes;
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
    for (Source& source : sources_) {
      if (source.file.empty()) continue;
      for (std::size_t p = 0; p < copy_.Size(); ++p) {
        std::error_code code;
        if (!fs::equivalent(source.file, copy_.Entry(p).full_path, code)) continue;
        source.inside_copy = true;
        is_source_[p] = true;
      }
    }
  }

  Result<void> LookForSources() {
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
        Expect(listed, source, *match[i], verdict);
        matched[*match[i]] = true;
      } else if (const auto unfinished = FindUnfinished(listed.path, copy_.Listing())) {
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
    verdict.holds_weights = copy_.File(p).holds_weights || LooksLikeWeights(verdict.listed_as);
  }

  void WantTree(const Source& source, const ListedFile& listed, std::size_t p) {
    const ManifestFile* file = ListedInManifest(source, listed.path);
    if (file != nullptr && !file->sub_roots.empty()) copy_.File(p).wanted.insert(Algorithm::kTree);
  }

  void Expect(const ListedFile& listed, const Source& source, std::size_t p, FileVerdict& verdict) {
    UsePresent(p, verdict);
    WantTree(source, listed, p);
    if (HasControlFile(copy_.Entry(p).path, copy_.Listing())) {
      verdict.state = FileState::kIncomplete;
    } else if (listed.size && *listed.size != verdict.size) {
      verdict.state = FileState::kWrongSize;
    } else if (listed.digests.empty()) {
      verdict.state = FileState::kNotComparable;
    } else {
      verdict.state = FileState::kUnread;  // until it was read
      for (const ListedDigest& digest : listed.digests) {
        copy_.File(p).wanted.insert(digest.digest.GetAlgorithm());
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

  void Judge() {
    for (FileVerdict& file : report_.files) {
      if (file.path.empty()) continue;
      const CopyFile& present = FileAt(file.path);
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

  // What no source lists. Sources that do not claim to list everything make it no finding.
  void AddUnlisted() {
    std::set<std::string> listed;
    for (const FileVerdict& file : report_.files) listed.insert(file.path);
    const bool someone_lists_all =
        std::any_of(sources_.begin(), sources_.end(), [](const Source& s) { return s.complete; });
    if (sources_.empty()) return;
    for (std::size_t p = 0; p < copy_.Size(); ++p) {
      const DirectoryEntry& entry = copy_.Entry(p);
      if (listed.contains(entry.path) || is_source_[p] || !Included(entry.path)) continue;
      if (!someone_lists_all && !copy_.File(p).holds_weights && !copy_.IsOneFile()) continue;
      FileVerdict& file = report_.files.emplace_back();
      file.state = FileState::kUnlisted;
      file.path = entry.path;
      file.size = entry.size;
      file.holds_weights = copy_.File(p).holds_weights;
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
        Result<Model> opened = Model::Open(copy_.Path(), task_);
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
      const ManifestFile* listed = ListedInManifest(source, file.listed_as);
      const WeightsVerdict* weights =
          report_.weights.source == source.name ? &report_.weights : nullptr;
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
        const fs::path root = *source.model;
        const auto theirs = OpenFile(fs::is_directory(root) ? root / file.listed_as : root);
        const auto ours = OpenFile(EntryAt(file.path).full_path);
        if (theirs && ours && (*theirs)->Size() == (*ours)->Size()) {
          stretches = HM_TRY(CompareBytes(**ours, **theirs, task_));
        }
      }
      file.damage = NameDamage(stretches, file.path, file.listed_as,
                               source.manifest ? &*source.manifest : nullptr, weights);
    }
    return {};
  }

  void Summarise() {
    for (const Source& source : sources_) {
      // Asked about one file, a source that lists it says all there is to say.
      SourceSummary summary{source.name,        source.dialect,
                            source.title,       source.complete || copy_.IsOneFile(),
                            source.inside_copy, !source.files.empty(),
                            source.files.size()};
      for (const ListedFile& file : source.files) {
        summary.resists_attackers &= ResistsAttackers(file);
      }
      report_.sources.push_back(std::move(summary));
      for (const Finding& finding : source.findings) report_.findings.push_back(finding);
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
  std::optional<Model> model_;
  VerifyReport report_;
};

}  // namespace

Result<VerifyReport> Verify(const fs::path& copy, std::vector<Source> sources,
                            const VerifyOptions& options, const Task& task) {
  return Verification(HM_TRY(Copy::List(copy)), std::move(sources), options, task).Run();
}

}  // namespace hallmark
