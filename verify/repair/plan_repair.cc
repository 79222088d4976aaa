#include "verify/repair/plan_repair.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/hash/hash_sources.h"
#include "verify/damage.h"
#include "verify/repair/damaged_files.h"
#include "verify/repair/patched_folder.h"
#include "verify/repair/solve_span.h"
#include "verify/repair/tensor_offers.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMixtures = std::uint64_t{64} << 30;  // bytes hashed for all together
constexpr std::size_t kMostLikeIt = 8;  // files of a donor that are tried for their size alone

class Planner {
 public:
  Planner(RepairRequest request, const Task& task) : request_(std::move(request)), task_(task) {}

  Result<RepairPlan> Run() {
    DamagedFiles damaged =
        HM_TRY(FindDamagedFiles(request_.copy, request_.sources, request_.on_early, task_));
    plan_.found = std::move(damaged.found);
    plan_.intact = std::move(damaged.intact);
    plan_.stamps = std::move(damaged.stamps);
    plan_.findings = std::move(damaged.findings);
    root_ = std::move(damaged.root);
    copy_ = std::move(damaged.copy);
    is_one_file_ = damaged.is_one_file;
    work_ = std::move(damaged.files);
    if (work_.empty()) return std::move(plan_);
    HM_TRY(OpenDonors());
    GatherOffers();
    HM_TRY(SettleSizes());
    GatherSpans();
    HM_TRY(SolveAll());
    if (!AllSolved() && (request_.recipe != nullptr || !donors_.empty())) {
      HM_TRY(GatherTensorOffers());
      HM_TRY(SolveAll());
    }
    HM_TRY(CheckAllDigests());
    HM_TRY(NameTensors());
    Finish();
    return std::move(plan_);
  }

 private:
  Result<void> OpenDonors() {
    std::vector<fs::path> paths = request_.donors;
    for (const Source& source : request_.sources) {
      if (source.model) paths.push_back(*source.model);
    }
    for (const fs::path& path : paths) donors_.push_back(HM_TRY(OpenParty(path, request_.sources)));
    return {};
  }

  // The files of donors that may be the official ones.
  void GatherOffers() {
    offers_.resize(work_.size());
    for (std::size_t w = 0; w < work_.size(); ++w) {
      const PlannedFile& plan = work_[w].plan;
      if (plan.ours != nullptr) {
        offers_[w].push_back(OfferAll("", plan.ours));
      } else {
        offers_[w].push_back({"", nullptr, {}});
      }
    }
    for (const Party& donor : donors_) {
      std::set<std::size_t> matched;
      for (const auto& match : donor.match) {
        for (const auto& entry : match) {
          if (entry) matched.insert(*entry);
        }
      }
      for (std::size_t w = 0; w < work_.size(); ++w) {
        if (!work_[w].is_damaged) continue;
        std::set<std::size_t> entries;
        for (const auto& [s, f] : work_[w].listed) {
          if (donor.match[s][f]) entries.insert(*donor.match[s][f]);
        }
        if (entries.empty()) entries = LikeIt(work_[w].plan, donor, matched);
        for (const std::size_t entry : entries) AddOffer(donor, entry, w);
      }
    }
  }

  // By its size alone.
  std::set<std::size_t> LikeIt(const PlannedFile& plan, const Party& donor,
                               const std::set<std::size_t>& matched) const {
    std::set<std::size_t> entries;
    const auto& files = donor.listing.files;
    for (std::size_t e = 0; e < files.size() && entries.size() < kMostLikeIt; ++e) {
      const bool is_alone = !plan.size && is_one_file_ && files.size() == 1;
      if (is_alone || (plan.size && files[e].size == *plan.size && !matched.contains(e))) {
        entries.insert(e);
      }
    }
    return entries;
  }

  void AddOffer(const Party& donor, std::size_t entry, std::size_t w) {
    const DirectoryEntry& file = donor.listing.files[entry];
    if (file.full_path.empty()) return;
    auto opened = DiskBytes::Open(file.full_path);
    const std::string name = file.full_path.string();
    if (!opened) {
      plan_.findings.push_back({Severity::kNote, "unreadable-donor", name, opened.error().message});
      return;
    }
    const auto& ours = work_[w].plan.ours;
    const FileStamp& stamp = (*opened)->Stamp();
    if (ours != nullptr && stamp.device == ours->Stamp().device &&
        stamp.inode == ours->Stamp().inode) {
      plan_.findings.push_back(
          {Severity::kNote, "donor-is-the-copy", name, "it is the damaged file itself"});
      return;
    }
    offers_[w].push_back(OfferAll(name, *std::move(opened)));
  }

  // Lists without sizes: the recipe says it; or the file, or a donor's, that has the digest as a
  // whole; else most of them have it, and of several such the largest was cut least.
  Result<void> SettleSizes() {
    for (std::size_t w = 0; w < work_.size(); ++w) {
      PlannedFile& plan = work_[w].plan;
      if (!plan.size) plan.size = SizeByRecipe(plan);
      if (!plan.size) plan.size = HM_TRY(SizeByOffers(w));
      if (!plan.size) continue;
      for (Offer& offer : offers_[w]) {
        std::erase_if(offer.covered,
                      [&](const ByteRange& range) { return range.offset >= *plan.size; });
        for (ByteRange& range : offer.covered) {
          range.size = std::min(range.size, *plan.size - range.offset);
        }
      }
    }
    return {};
  }

  std::optional<std::uint64_t> SizeByRecipe(const PlannedFile& plan) const {
    if (request_.recipe == nullptr) return std::nullopt;
    for (const RecipeFile& file : request_.recipe->files) {
      const auto known = [&](const Digest& d) { return d == file.sha256 || d == file.tree; };
      if (file.path == plan.listed_as || std::ranges::any_of(plan.digests, known)) return file.size;
    }
    return std::nullopt;
  }

  Result<std::optional<std::uint64_t>> SizeByOffers(std::size_t w) const {
    const PlannedFile& plan = work_[w].plan;
    std::map<std::uint64_t, std::size_t> votes;
    for (const Offer& offer : offers_[w]) {
      if (offer.bytes != nullptr) ++votes[offer.bytes->Size()];
    }
    if (plan.digests.empty()) return std::nullopt;
    if (HashBytes(plan.digests.front().GetAlgorithm(), {}) == plan.digests.front()) return 0;
    std::optional<std::uint64_t> best;
    std::size_t most = 0;
    for (const auto& [size, count] : votes) {
      if (votes.size() > 1 && HM_TRY(IsRightAlone(WholeFile(plan.digests, w, size), w, size))) {
        return size;
      }
      if (count < most) continue;
      most = count;
      best = size;
    }
    return best;
  }

  // Whether an offer of that size has the digest.
  Result<bool> IsRightAlone(const CheckedSpan& whole, std::size_t w, std::uint64_t size) const {
    for (const Offer& offer : offers_[w]) {
      if (offer.bytes == nullptr || offer.bytes->Size() != size) continue;
      std::vector<Offers> alone(w + 1);
      alone[w] = {offer};
      if (HM_TRY(HasDigest(whole, alone, task_))) return true;
    }
    return false;
  }

  void GatherSpans() {
    std::map<const PieceList*, std::pair<std::size_t, std::set<std::size_t>>> by_pieces;
    for (std::size_t w = 0; w < work_.size(); ++w) {
      FileInWork& work = work_[w];
      PlannedFile& plan = work.plan;
      if (!work.is_damaged) continue;
      if (!HasOneTruth(plan)) plan.reason = kContradiction;
      if (!plan.reason.empty()) continue;
      std::vector<CheckedSpan> finest;
      const PieceList* pieces = nullptr;
      std::size_t source = 0;
      for (const auto& [s, f] : work.listed) {
        std::vector<CheckedSpan> fine = SpansOfTree(request_.sources[s], f, w);
        if (fine.size() > finest.size()) finest = std::move(fine);
        const PieceList* const of_this = FindPieces(request_.sources[s], f);
        if (of_this == nullptr) continue;
        other_pieces_[of_this].first = s;
        other_pieces_[of_this].second.insert(w);
        if (pieces != nullptr) continue;
        pieces = of_this;
        source = s;
      }
      if (!finest.empty()) {
        std::ranges::move(finest, std::back_inserter(spans_));
      } else if (pieces != nullptr) {
        by_pieces.try_emplace(pieces, source, std::set<std::size_t>())
            .first->second.second.insert(w);
      } else if (!plan.digests.empty() && plan.size) {
        spans_.push_back(WholeFile(plan.digests, w, *plan.size));
      } else if (plan.size != 0) {
        plan.reason = plan.digests.empty() ? "no source has a digest of this file or of its pieces"
                                           : "its size is not known, and nobody has it whole";
      }
    }
    for (const auto& [list, wanted] : by_pieces) {
      std::vector<CheckedSpan> spans =
          SpansOfPieces(*list, OfficialIndexes(wanted.first), wanted.second);
      FindUnproven(spans, wanted.second);
      std::ranges::move(spans, std::back_inserter(spans_));
    }
    is_solved_.assign(spans_.size(), false);
  }

  // Pieces that reach into files which are not here prove nothing; then only a digest of the whole
  // file could.
  void FindUnproven(const std::vector<CheckedSpan>& spans, const std::set<std::size_t>& files) {
    std::map<std::size_t, std::uint64_t> proven;
    for (const CheckedSpan& span : spans) {
      for (const CheckedSpan::Segment& segment : span.segments) {
        if (segment.file) proven[*segment.file] += segment.range.size;
      }
    }
    for (const std::size_t w : files) {
      PlannedFile& plan = work_[w].plan;
      if (plan.size && proven[w] < *plan.size && plan.digests.empty()) {
        plan.reason = "some of its pieces reach into files that are not here, and prove nothing";
      }
    }
  }

  static bool HasOneTruth(const PlannedFile& plan) {
    std::set<Algorithm> algorithms;
    return std::ranges::all_of(plan.digests, [&](const Digest& digest) {
      return algorithms.insert(digest.GetAlgorithm()).second;
    });
  }

  // Which file of work each file of source `s` is.
  std::vector<std::optional<std::size_t>> OfficialIndexes(std::size_t s) const {
    std::vector<std::optional<std::size_t>> indexes(request_.sources[s].files.size());
    for (std::size_t w = 0; w < work_.size(); ++w) {
      for (const auto& [source, file] : work_[w].listed) {
        if (source == s) indexes[file] = w;
      }
    }
    return indexes;
  }

  bool AllSolved() const {
    return std::ranges::all_of(is_solved_, [](bool solved) { return solved; });
  }

  Result<void> SolveAll() {
    std::vector<std::size_t> open;
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < spans_.size(); ++i) {
      if (is_solved_[i]) continue;
      open.push_back(i);
      bytes = CheckedAdd(bytes, spans_[i].Size()).value_or(UINT64_MAX);
    }
    if (open.empty()) return {};
    task_.Begin("looking for right bytes", bytes, 0);
    std::mutex mutex;
    std::atomic<std::uint64_t> pool{kMixtures};
    return ParallelFor(task_, open.size(), [&](std::uint64_t i) -> Result<void> {
      const CheckedSpan& span = spans_[open[i]];
      const auto chosen = HM_TRY(SolveSpan(span, offers_, IsKnownWrong(span), task_, &pool));
      task_.Advance(span.Size());
      if (!chosen) return {};
      const std::lock_guard lock(mutex);
      is_solved_[open[i]] = true;
      if (!chosen->empty()) plan_.proof.spans.push_back(span);
      for (const ChosenBytes& bytes_here : *chosen) Put(bytes_here);
      return {};
    });
  }

  // A whole file whose digest was found to be another.
  bool IsKnownWrong(const CheckedSpan& span) const {
    if (span.segments.size() != 1 || span.subtree_height) return false;
    const CheckedSpan::Segment& segment = span.segments.front();
    const FileInWork& work = work_[*segment.file];
    return work.is_whole_wrong && segment.range == ByteRange{0, *work.plan.size} &&
           std::ranges::find(work.plan.digests, span.digest) != work.plan.digests.end() &&
           work.plan.ours != nullptr && work.plan.ours->Size() == *work.plan.size;
  }

  // Spans of different sources may overlap; each byte is put in once.
  void Put(const ChosenBytes& chosen) {
    FileInWork& work = work_[chosen.file];
    const Offer& offer = offers_[chosen.file][chosen.offer];
    const auto add = [&](std::uint64_t begin, std::uint64_t end) {
      if (begin >= end) return;
      const ByteRange range{begin, end - begin};
      work.put.emplace(begin, work.plan.patches.size());
      work.plan.patches.push_back({range, offer.bytes, begin});
      work.plan.mended.push_back({range, offer.from});
    };
    const auto range_of = [&](const auto& entry) { return work.plan.patches[entry->second].range; };
    std::uint64_t at = chosen.range.offset;
    auto next = work.put.upper_bound(at);
    if (next != work.put.begin()) at = std::max(at, range_of(std::prev(next)).End());
    std::vector<std::pair<std::uint64_t, std::uint64_t>> free;
    for (; next != work.put.end() && next->first < chosen.range.End(); ++next) {
      free.emplace_back(at, next->first);
      at = std::max(at, range_of(next).End());
    }
    free.emplace_back(at, chosen.range.End());
    for (const auto& [begin, end] : free) add(begin, end);
  }

  // The copy with what was found so far, as a folder.
  std::shared_ptr<const Folder> Patched() const {
    PatchedContents patched;
    for (const FileInWork& work : work_) {
      const PlannedFile& plan = work.plan;
      if (!work.is_damaged || !plan.size) continue;
      if (plan.ours == nullptr && plan.patches.empty()) continue;
      patched.emplace(plan.path, PutOver(plan.ours, *plan.size, plan.patches));
    }
    return MakePatchedFolder(root_, copy_.listing, std::move(patched));
  }

  // Files of spans for which nobody has the bytes so far.
  std::set<std::size_t> OpenFiles() const {
    std::set<std::size_t> open;
    for (std::size_t i = 0; i < spans_.size(); ++i) {
      if (is_solved_[i]) continue;
      for (const CheckedSpan::Segment& segment : spans_[i].segments) {
        if (segment.file) open.insert(*segment.file);
      }
    }
    return open;
  }

  Result<void> GatherTensorOffers() {
    std::vector<std::pair<std::string, std::shared_ptr<const OpenedModel>>> models;
    for (const Party& donor : donors_) {
      Result<std::shared_ptr<const OpenedModel>> opened = OpenedModel::Open(donor.path, task_);
      if (!opened && opened.error().code == Errc::kInterrupted) return std::move(opened).error();
      if (opened && (*opened)->canonical != nullptr) {
        models.emplace_back("tensors of " + donor.path.string(), *std::move(opened));
      } else {
        const Error& error = opened ? *(*opened)->why_not : opened.error();
        plan_.findings.push_back({Severity::kNote, "donor-without-tensors", donor.path.string(),
                                  error.message, error.offset});
      }
    }
    std::unique_ptr<const OfficialLayout> by_recipe;
    if (request_.recipe != nullptr) by_recipe = LayoutByRecipe(request_.recipe);
    FolderModels own(Patched());
    for (const std::size_t w : OpenFiles()) {
      const PlannedFile& plan = work_[w].plan;
      if (!work_[w].is_damaged || !plan.size) continue;
      std::vector<OfficialStretch> stretches;
      if (by_recipe != nullptr) {
        stretches = by_recipe->StretchesOf(plan.path, plan.listed_as, *plan.size);
      }
      const auto set = HM_TRY(own.ModelOf(plan.path, task_));
      if (stretches.empty() && set != nullptr) {
        layouts_.push_back(LayoutByHeaders(set));
        stretches = layouts_.back()->StretchesOf(plan.path, plan.listed_as, *plan.size);
      }
      if (stretches.empty()) continue;
      const std::string by = by_recipe == nullptr ? "" : " by the recipe";
      for (const auto& [name, model] : models) {
        Add(OfferTensors(name + by, *plan.size, stretches, model->canonical.get()), w);
      }
      if (set != nullptr) {
        Add(OfferTensors("tensors of the copy itself", *plan.size, stretches, set->canonical.get()),
            w);
      }
      Add(OfferTensors("the recipe", *plan.size, stretches, nullptr), w);
    }
    for (auto& [name, model] : models) models_.push_back(std::move(model));
    for (const auto& set : own.Opened()) models_.push_back(set);
    return {};
  }

  void Add(std::optional<Offer> offer, std::size_t w) {
    if (offer) offers_[w].push_back(*std::move(offer));
  }

  // All digests that are listed of a file have to hold, not only those that led to its bytes.
  Result<void> CheckAllDigests() {
    const std::set<std::size_t> open = OpenFiles();
    std::vector<std::size_t> asked;
    std::vector<std::shared_ptr<const BlockSource>> contents;
    std::vector<HashRequest> requests;
    std::uint64_t bytes = 0;
    for (std::size_t w = 0; w < work_.size(); ++w) {
      const PlannedFile& plan = work_[w].plan;
      const bool is_new = work_[w].is_damaged || !plan.patches.empty();
      if (!is_new || open.contains(w) || !plan.reason.empty() || !plan.size) continue;
      if (plan.digests.empty()) continue;
      contents.push_back(PutOver(plan.ours, *plan.size, plan.patches));
      HashRequest& request = requests.emplace_back(HashRequest{contents.back().get(), {}});
      for (const Digest& digest : plan.digests) {
        request.algorithms.push_back(digest.GetAlgorithm());
      }
      asked.push_back(w);
      bytes = CheckedAdd(bytes, *plan.size).value_or(UINT64_MAX);
    }
    HM_TRY(CheckAllPieces(open));
    if (requests.empty()) return {};
    task_.Begin("checking what would be mended", bytes, 0);
    return HashSources(requests, task_, [&](std::size_t i, Result<HashOutcome> outcome) {
      PlannedFile& plan = work_[asked[i]].plan;
      if (outcome && outcome->digests == plan.digests) return Result<void>();
      plan.reason = outcome
                        ? "its pieces could be mended, but then not all digests that are listed "
                          "of it hold: the sources contradict each other"
                        : outcome.error().message;
      DropPatches(asked[i]);
      return Result<void>();
    });
  }

  // So do the pieces of every source, not only of that which led to the bytes.
  Result<void> CheckAllPieces(const std::set<std::size_t>& open) {
    std::vector<Offers> offers(work_.size());
    for (std::size_t w = 0; w < work_.size(); ++w) {
      const PlannedFile& plan = work_[w].plan;
      if (open.contains(w) || !plan.size) continue;
      const auto contents = PutOver(plan.ours, *plan.size, plan.patches);
      offers[w].push_back({"", contents, contents->Covered()});
    }
    std::set<std::size_t> wrong;
    std::mutex mutex;
    for (const auto& [list, of] : other_pieces_) {
      const std::vector<CheckedSpan> spans =
          SpansOfPieces(*list, OfficialIndexes(of.first), of.second);
      HM_TRY(ParallelFor(task_, spans.size(), [&](std::uint64_t i) -> Result<void> {
        const bool is_there = std::ranges::all_of(spans[i].segments, [&](const auto& segment) {
          return !segment.file || (!offers[*segment.file].empty() &&
                                   offers[*segment.file].front().Covers(segment.range));
        });
        if (!is_there || HM_TRY(HasDigest(spans[i], offers, task_))) return {};
        const std::lock_guard lock(mutex);
        for (const CheckedSpan::Segment& segment : spans[i].segments) {
          if (segment.file && work_[*segment.file].is_damaged) wrong.insert(*segment.file);
        }
        return {};
      }));
    }
    for (const std::size_t w : wrong) {
      work_[w].plan.reason = kContradiction;
      DropPatches(w);
    }
    return {};
  }

  void DropPatches(std::size_t w) {
    PlannedFile& plan = work_[w].plan;
    plan.patches.clear();
    plan.mended.clear();
    std::erase_if(plan_.proof.spans, [&](const CheckedSpan& span) {
      return std::ranges::any_of(
          span.segments, [&](const CheckedSpan::Segment& segment) { return segment.file == w; });
    });
  }

  // Says what lies in the stretches, by the headers of the copy as it will be.
  Result<void> NameTensors() {
    FolderModels own(Patched());
    for (FileInWork& work : work_) {
      std::vector<PlannedBytes>& mended = work.plan.mended;
      std::ranges::sort(mended, {}, [](const PlannedBytes& m) { return m.range.offset; });
      if (mended.empty()) continue;
      const auto set = HM_TRY(own.ModelOf(work.plan.path, task_));
      if (set == nullptr) continue;
      std::vector<TensorPlace> places;
      for (const CanonicalTensor& tensor : set->canonical->tensors) {
        for (const TensorPart& part : tensor.parts) {
          for (const FileStretch& place : set->model->PlacesOf(part.file, part.tensor)) {
            if (place.path == work.plan.path) places.push_back({place.range, tensor.name, ""});
          }
        }
      }
      std::ranges::sort(places, {}, [](const TensorPlace& place) { return place.range.offset; });
      for (PlannedBytes& stretch : mended) {
        for (auto place =
                 std::ranges::upper_bound(places, stretch.range.offset, {},
                                          [](const TensorPlace& p) { return p.range.End(); });
             place != places.end() && place->range.offset < stretch.range.End(); ++place) {
          stretch.tensors.push_back(place->tensor);
        }
      }
    }
    return {};
  }

  void Finish() {
    for (std::size_t i = 0; i < spans_.size(); ++i) {
      if (is_solved_[i]) continue;
      for (const CheckedSpan::Segment& segment : spans_[i].segments) {
        if (segment.file) AddBeyond(segment.range, &work_[*segment.file].plan);
      }
    }
    // Damaged files come first, and keep their indexes in the spans by this.
    std::vector<std::size_t> new_index(work_.size());
    for (const bool damaged : {true, false}) {
      for (std::size_t w = 0; w < work_.size(); ++w) {
        FileInWork& work = work_[w];
        if (work.is_damaged != damaged) continue;
        PlannedFile& plan = work.plan;
        if (!plan.CanBeWhole()) KeepWithin(plan.size_before.value_or(0), &plan);
        Coalesce(&plan);
        const std::uint64_t size = plan.size.value_or(0);
        new_index[w] = plan_.proof.files.size();
        if (plan.size) {
          plan.contents = PutOver(plan.ours, size, plan.patches);
        }
        plan_.proof.files.push_back(plan.contents);
        if (damaged) plan_.files.push_back(std::move(plan));
      }
    }
    for (CheckedSpan& span : plan_.proof.spans) {
      for (CheckedSpan::Segment& segment : span.segments) {
        if (segment.file) segment.file = new_index[*segment.file];
      }
    }
    auto keeps = std::make_shared<std::pair<decltype(models_), decltype(layouts_)>>();
    keeps->first = std::move(models_);
    keeps->second = std::move(layouts_);
    plan_.keeps_open = std::move(keeps);
  }

  // A file that cannot be whole keeps its length.
  static void KeepWithin(std::uint64_t size, PlannedFile* plan) {
    const auto cut = [&](auto& stretches) {
      std::erase_if(stretches, [&](const auto& s) { return s.range.offset >= size; });
      for (auto& s : stretches) s.range.size = std::min(s.range.size, size - s.range.offset);
    };
    cut(plan->mended);
    cut(plan->patches);
  }

  // Neighbours from the same become one.
  static void Coalesce(PlannedFile* plan) {
    std::ranges::sort(plan->patches, {}, [](const Patchwork::Patch& p) { return p.range.offset; });
    std::vector<Patchwork::Patch> patches;
    for (Patchwork::Patch& patch : plan->patches) {
      if (!patches.empty() && patches.back().range.End() == patch.range.offset &&
          patches.back().bytes == patch.bytes) {
        patches.back().range.size += patch.range.size;
      } else {
        patches.push_back(std::move(patch));
      }
    }
    plan->patches = std::move(patches);
    std::vector<PlannedBytes> mended;
    for (PlannedBytes& stretch : plan->mended) {
      if (mended.empty() || mended.back().range.End() != stretch.range.offset ||
          mended.back().from != stretch.from) {
        mended.push_back(std::move(stretch));
        continue;
      }
      PlannedBytes& last = mended.back();
      last.range.size += stretch.range.size;
      for (std::string& tensor : stretch.tensors) {
        if (last.tensors.empty() || last.tensors.back() != tensor) {
          last.tensors.push_back(std::move(tensor));
        }
      }
    }
    plan->mended = std::move(mended);
  }

  static void AddBeyond(const ByteRange& range, PlannedFile* plan) {
    if (!plan->beyond.empty() && plan->beyond.back().End() == range.offset) {
      plan->beyond.back().size += range.size;
    } else {
      plan->beyond.push_back(range);
    }
    if (plan->reason.empty()) {
      plan->reason = "nobody has bytes of these ranges that have the listed digest";
    }
  }

  RepairRequest request_;
  const Task& task_;
  RepairPlan plan_;
  fs::path root_;
  bool is_one_file_ = false;
  Party copy_;
  std::vector<Party> donors_;
  std::vector<FileInWork> work_;
  std::vector<Offers> offers_;  // parallel to work_
  // Lists of pieces that led to no bytes of these damaged files, but have to hold too.
  std::map<const PieceList*, std::pair<std::size_t, std::set<std::size_t>>> other_pieces_;
  std::vector<CheckedSpan> spans_;
  std::vector<char> is_solved_;  // parallel to spans_
  std::vector<std::unique_ptr<const OfficialLayout>> layouts_;
  std::vector<std::shared_ptr<const OpenedModel>> models_;
};

}  // namespace

std::uint64_t PlannedFile::MendedBytes() const {
  std::uint64_t bytes = 0;
  for (const PlannedBytes& stretch : mended) bytes += stretch.range.size;
  return bytes;
}

bool RepairPlan::CanBeWhole() const { return std::ranges::all_of(files, &PlannedFile::CanBeWhole); }

std::uint64_t RepairPlan::MendedBytes() const {
  std::uint64_t bytes = 0;
  for (const PlannedFile& file : files) bytes += file.MendedBytes();
  return bytes;
}

Result<RepairPlan> PlanRepair(RepairRequest request, const Task& task) {
  HM_CHECK(!request.sources.empty());
  return Planner(std::move(request), task).Run();
}

}  // namespace hallmark
