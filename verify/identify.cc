#include "verify/identify.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "src/hash/hash_files.h"
#include "verify/copy.h"
#include "verify/witnesses.h"
#include "weights/identity.h"
#include "weights/model.h"

namespace hallmark {
namespace {

constexpr std::size_t kNamedTensors = 20;
// Below a tenth, equal tensors are rather buffers and untrained norms than a common origin.
constexpr std::uint64_t kNearShare = 10;

// The digest to compute for a listed file: the strongest it has, the quickest among equals.
Algorithm ChooseAlgorithm(const ListedFile& file) {
  const auto rank = [](const ListedDigest& listed) {
    const AlgorithmInfo& info = InfoOf(listed.digest.GetAlgorithm());
    return std::pair(info.resists_attackers, info.algorithm == Algorithm::kSha256);
  };
  return std::max_element(file.digests.begin(), file.digests.end(),
                          [&](const auto& a, const auto& b) { return rank(a) < rank(b); })
      ->digest.GetAlgorithm();
}

class Identification {
 public:
  Identification(Copy copy, const Catalogue& catalogue, const Task& task, DigestCache* cache)
      : copy_(std::move(copy)), catalogue_(catalogue), task_(task), cache_(cache) {}

  Result<IdentifyReport> Run() {
    report_.findings = copy_.Listing().findings;
    const auto all = [](std::size_t) { return true; };
    std::ranges::move(HM_TRY(copy_.ReadHeaders(all, task_)), std::back_inserter(report_.findings));
    HM_TRY(HashPlanned());
    CollectModels();
    if (!Settled()) HM_TRY(CompareWeights());
    Conclude();
    NoteOtherWeights();
    NoteDissent();
    return std::move(report_);
  }

 private:
  // Files in the order in which they are worth reading, each with its algorithms.
  std::vector<std::pair<std::size_t, std::set<Algorithm>>> Plan() const {
    std::set<Algorithm> any_size;
    std::map<std::uint64_t, std::set<Algorithm>> by_size;
    for (const CatalogueEntry& entry : catalogue_.Models()) {
      for (const ListedFile& file : entry.files) {
        if (file.digests.empty()) continue;
        (file.size ? by_size[*file.size] : any_size).insert(ChooseAlgorithm(file));
      }
    }
    std::vector<std::pair<std::size_t, std::set<Algorithm>>> plan;
    for (std::size_t i = 0; i < copy_.Size(); ++i) {
      std::set<Algorithm> algorithms = any_size;
      if (const auto own = by_size.find(copy_.Entry(i).size); own != by_size.end()) {
        algorithms.insert(own->second.begin(), own->second.end());
      }
      if (!algorithms.empty()) plan.emplace_back(i, std::move(algorithms));
    }
    std::stable_partition(plan.begin(), plan.end(), [&](const auto& item) {
      const DirectoryEntry& entry = copy_.Entry(item.first);
      return !catalogue_.FindByNameAndSize(entry.path, entry.size).empty();
    });
    return plan;
  }

  Result<void> HashPlanned() {
    const auto plan = Plan();
    std::uint64_t total = 0;
    std::vector<FileToHash> files;
    for (const auto& [i, algorithms] : plan) {
      const DirectoryEntry& entry = copy_.Entry(i);
      total += entry.size;
      files.push_back({entry.full_path, {algorithms.begin(), algorithms.end()}, entry.path});
    }
    task_.Begin("hashing", total, files.size());
    const auto look_up = [&](std::size_t f, Result<HashedFile> hashed) -> Result<void> {
      const std::size_t i = plan[f].first;
      if (!hashed) {
        NoteUnread(i, hashed.error());
        return {};
      }
      if (hashed->remembered_from.empty()) {
        ++report_.files_hashed;
        report_.bytes_hashed += hashed->stamp.size;
      } else {
        report_.remembered.Add({1, hashed->stamp.size, hashed->remembered_from});
      }
      LookUp(i, *hashed);
      return {};
    };
    HM_TRY(HashFiles(files, task_, look_up, cache_));
    std::ranges::sort(report_.files, {}, &IdentifiedFile::path);
    return {};
  }

  void NoteUnread(std::size_t i, const Error& error) {
    report_.findings.push_back(
        {Severity::kWarning, "unread", copy_.Entry(i).path, error.message, error.offset});
  }

  void LookUp(std::size_t i, const HashedFile& hashed) {
    IdentifiedFile file;
    file.path = copy_.Entry(i).path;
    file.size = copy_.Entry(i).size;
    file.remembered_from = hashed.remembered_from;
    for (const Digest& digest : hashed.outcome.digests) {
      for (const CatalogueHit& hit : catalogue_.FindByDigest(digest)) {
        // A stronger digest of the same entry decides; a size that differs disproves an MD5.
        if (ChooseAlgorithm(*hit.file) != digest.GetAlgorithm()) continue;
        if (hit.file->size && *hit.file->size != file.size) continue;
        const auto listed =
            std::find_if(hit.file->digests.begin(), hit.file->digests.end(),
                         [&](const ListedDigest& known) { return known.digest == digest; });
        file.matches.push_back(
            {hit.entry->id, hit.file->path, *listed, IsDisputed(*hit.file, digest.GetAlgorithm())});
      }
    }
    if (!file.matches.empty()) report_.files.push_back(std::move(file));
  }

  IdentifiedModel& ModelFor(const CatalogueEntry& entry) {
    for (IdentifiedModel& model : report_.models) {
      if (model.id == entry.id) return model;
    }
    IdentifiedModel model;
    model.id = entry.id;
    model.title = entry.Title();
    model.complete_entry = entry.complete;
    for (const ListedFile& file : entry.files) {
      if (!file.optional) model.files_missing.push_back(file.path);
    }
    report_.models.push_back(std::move(model));
    return report_.models.back();
  }

  void CollectModels() {
    std::map<std::string, bool> has_own_file;  // by id
    for (const IdentifiedFile& file : report_.files) {
      for (const IdentifiedFile::Match& match : file.matches) {
        IdentifiedModel& model = ModelFor(*catalogue_.Find(match.id));
        auto& found = match.disputed ? model.files_disputed : model.files_found;
        if (std::find(found.begin(), found.end(), match.listed_as) == found.end()) {
          found.push_back(match.listed_as);
        }
        std::erase(model.files_missing, match.listed_as);
        const bool own =
            std::all_of(file.matches.begin(), file.matches.end(),
                        [&](const IdentifiedFile::Match& other) { return other.id == match.id; });
        has_own_file[match.id] = has_own_file[match.id] || own;
      }
    }
    for (IdentifiedModel& model : report_.models) {
      model.shared_files_only = !has_own_file[model.id];
    }
  }

  // A single file is known where it is a file of that model and of no other.
  bool IsKnownFile(const IdentifiedModel& model) const {
    return copy_.IsOneFile() && !model.files_found.empty() && !model.shared_files_only;
  }

  bool Settled() const {
    return std::any_of(report_.models.begin(), report_.models.end(), [&](const auto& model) {
      return IsKnownFile(model) || (model.Found() && model.complete_entry);
    });
  }

  Result<void> CompareWeights() {
    const auto knows = [](const CatalogueEntry& entry) { return !entry.weights.empty(); };
    if (std::none_of(catalogue_.Models().begin(), catalogue_.Models().end(), knows)) {
      report_.no_weights_reason =
          "no entry of the catalogue has a weight identity; those made from a manifest do";
      return {};
    }
    const auto compute = [&]() -> Result<WeightIdentity> {
      const Model model = HM_TRY(Model::Open(copy_.Path(), task_));
      WeightIdentity identity = HM_TRY(ComputeIdentity(model, task_));
      HM_TRY(model.CheckUnchanged());
      return identity;
    };
    const Result<WeightIdentity> identity = compute();
    if (!identity) {
      if (identity.error().code == Errc::kInterrupted) return identity.error();
      report_.no_weights_reason = identity.error().message;
      return {};
    }
    report_.weights = identity->ToString();
    report_.findings.insert(report_.findings.end(), identity->findings.begin(),
                            identity->findings.end());
    std::map<std::string_view, const IdentityDigest*> ours;
    for (const TensorIdentity& tensor : identity->tensors) ours[tensor.name] = &tensor.digest;
    for (const CatalogueEntry& entry : catalogue_.Models()) {
      if (knows(entry)) CompareWith(entry, ours);
    }
    return {};
  }

  void CompareWith(const CatalogueEntry& entry,
                   const std::map<std::string_view, const IdentityDigest*>& ours) {
    const auto same = std::ranges::find(entry.weights, report_.weights, &ListedWeights::identity);
    std::uint64_t equal = 0;
    std::uint64_t named = 0;
    std::vector<std::string> differing;
    std::set<std::string> groups;
    for (const CatalogueTensor& tensor : entry.tensors) {
      const auto own = ours.find(tensor.name);
      if (own != ours.end()) ++named;
      if (own != ours.end() && *own->second == tensor.digest) {
        ++equal;
        continue;
      }
      if (differing.size() < kNamedTensors) differing.push_back(tensor.name);
      groups.insert(GroupKey(tensor.name));
    }
    const bool is_same = same != entry.weights.end();
    if (!is_same && (equal == 0 || equal < entry.tensors.size() / kNearShare)) return;
    IdentifiedModel& model = ModelFor(entry);
    if (is_same) model.weights = *same;
    model.weights_disputed = is_same && entry.weights.size() > 1;
    model.tensors_equal = equal;
    model.tensors_listed = entry.tensors.size();
    if (!entry.tensors.empty()) model.tensors_added = ours.size() - named;
    if (is_same) return;
    model.tensors_differing = std::move(differing);
    model.groups_differing.assign(groups.begin(), groups.end());
    std::ranges::sort(model.groups_differing, GroupKeyLess);
  }

  // What lies beside the files of a model that was found may be what a program loads.
  void NoteOtherWeights() {
    if (report_.state != IdentifyReport::State::kFound || copy_.IsOneFile()) return;
    if (report_.models.front().SameWeights()) return;
    std::set<std::string_view> known;
    for (const IdentifiedFile& file : report_.files) known.insert(file.path);
    for (std::size_t i = 0; i < copy_.Size(); ++i) {
      if (!copy_.File(i).holds_weights || known.contains(copy_.Entry(i).path)) continue;
      report_.findings.push_back({Severity::kWarning, "other-weights", copy_.Entry(i).path,
                                  "holds weights that the catalogue does not know"});
    }
  }

  void Conclude() {
    const auto rank = [](const IdentifiedModel& model) {
      const double tensors = model.tensors_listed == 0
                                 ? 0.0
                                 : static_cast<double>(model.tensors_equal) /
                                       static_cast<double>(model.tensors_listed);
      return std::tuple(model.Found(), model.SameWeights(), !model.shared_files_only, tensors,
                        model.files_found.size());
    };
    std::stable_sort(report_.models.begin(), report_.models.end(),
                     [&](const auto& a, const auto& b) { return rank(a) > rank(b); });
    if (report_.models.empty()) {
      report_.summary = "no file and no weights of any model in the catalogue";
      return;
    }
    const IdentifiedModel& best = report_.models.front();
    const bool one_known_file = IsKnownFile(best);
    report_.state = best.Found() || one_known_file ? IdentifyReport::State::kFound
                                                   : IdentifyReport::State::kNearMiss;
    if (one_known_file) {
      report_.summary = fmt::format("{} of {}", best.files_found.front(), best.title);
    } else if (best.SameWeights()) {
      report_.summary = fmt::format("the weights of {}", best.title);
    } else if (best.Found() && best.complete_entry) {
      report_.summary = fmt::format("{}: every listed file is here", best.title);
    } else if (best.Found()) {
      report_.summary = fmt::format(
          "{}: every file that the catalogue lists is here, but its entry is not complete",
          best.title);
    } else if (best.weights_disputed || !best.files_disputed.empty()) {
      report_.summary = fmt::format(
          "perhaps {}: witnesses disagree about {}", best.title,
          best.weights_disputed ? "its weights" : fmt::format("{}", best.files_disputed.front()));
    } else if (best.tensors_equal > 0) {
      report_.summary = fmt::format(
          "near {}: all but {} of {} tensors are its own{}{}", best.title,
          best.tensors_listed - best.tensors_equal, best.tensors_listed, OnlyGroup(best),
          best.tensors_added > 0 ? fmt::format(", {} were added", best.tensors_added) : "");
    } else if (best.shared_files_only) {
      report_.summary =
          "only files that several models share, such as a tokenizer: they don't tell which it is";
    } else {
      report_.summary = fmt::format("part of {}: {} of its files here, {} missing", best.title,
                                    best.files_found.size(), best.files_missing.size());
    }
  }

  static std::string OnlyGroup(const IdentifiedModel& model) {
    if (model.groups_differing.size() != 1) return {};
    return fmt::format(" (those that differ are in {})", model.groups_differing.front());
  }

  // Whoever relies on an entry has to know what is disputed about it.
  void NoteDissent() {
    for (const IdentifiedModel& model : report_.models) {
      for (Finding& finding : FindDissent(*catalogue_.Find(model.id))) {
        finding.message += " in catalogue:" + model.id;
        report_.findings.push_back(std::move(finding));
      }
    }
  }

  Copy copy_;
  const Catalogue& catalogue_;
  const Task& task_;
  DigestCache* const cache_;
  IdentifyReport report_;
};

}  // namespace

std::string_view IdentifyStateName(IdentifyReport::State state) {
  switch (state) {
    case IdentifyReport::State::kFound:
      return "found";
    case IdentifyReport::State::kNearMiss:
      return "near-miss";
    case IdentifyReport::State::kUnknown:
      return "unknown";
  }
  return "unknown";
}

Result<IdentifyReport> Identify(const std::filesystem::path& path, const Catalogue& catalogue,
                                const Task& task, DigestCache* cache) {
  return Identification(HM_TRY(Copy::List(path)), catalogue, task, cache).Run();
}

}  // namespace hallmark
