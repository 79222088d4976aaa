#include "verify/repair/plan_repair.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/io/directory.h"
#include "verify/copy.h"
#include "verify/damage.h"
#include "verify/match.h"
#include "verify/repair/solve_span.h"
#include "verify/repair/tensor_offers.h"
#include "verify/verify.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostLikeIt = 8;  // files of a donor that are tried for their size alone

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

// A file of the copy with what was found out about it so far, as if it were on disk.
class PatchedFile final : public File {
 public:
  PatchedFile(std::shared_ptr<const BlockSource> bytes, std::string name)
      : bytes_(std::move(bytes)), name_(std::move(name)) {}
  std::uint64_t Size() const override { return bytes_->Size(); }
  const std::string& Name() const override { return name_; }
  FileStamp Stamp() const override { return {.size = Size()}; }
  Result<void> CheckUnchanged() const override { return {}; }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    if (offset > Size() || out.size() > Size() - offset) {
      return Error{Errc::kIo, name_, "a read beyond the end", offset};
    }
    return bytes_->Read(offset, out);
  }

 private:
  std::shared_ptr<const BlockSource> bytes_;
  std::string name_;
};

// The copy as it will be: some files are seen with other contents, others are as on disk.
class PatchedFolder final : public Folder {
 public:
  PatchedFolder(fs::path root, DirectoryListing listing,
                std::map<std::string, std::shared_ptr<const BlockSource>, std::less<>> patched)
      : disk_(FolderOnDisk(std::move(root))),
        listing_(std::move(listing)),
        patched_(std::move(patched)) {
    for (const auto& [path, bytes] : patched_) {
      const auto entry = FindFile(listing_, path);
      if (entry) {
        listing_.files[*entry].size = bytes->Size();
        continue;
      }
      const auto after = std::ranges::find_if(
          listing_.files, [&](const DirectoryEntry& e) { return NaturalLess(path, e.path); });
      listing_.files.insert(after, {path, {}, bytes->Size(), false});
    }
  }

  std::string NameOf(std::string_view path) const override { return disk_->NameOf(path); }
  Result<DirectoryListing> List() const override { return listing_; }
  bool Has(std::string_view path) const override {
    return patched_.find(path) != patched_.end() || disk_->Has(path);
  }
  Result<std::unique_ptr<File>> Open(std::string_view path) const override {
    const auto patched = patched_.find(path);
    if (patched == patched_.end()) return disk_->Open(path);
    return std::unique_ptr<File>(std::make_unique<PatchedFile>(patched->second, NameOf(path)));
  }
  FileStretch Locate(std::string_view path, ByteRange range) const override {
    return {std::string(path), range};
  }

 private:
  std::shared_ptr<const Folder> disk_;
  DirectoryListing listing_;
  std::map<std::string, std::shared_ptr<const BlockSource>, std::less<>> patched_;
};

// A donor, or the copy itself.
struct Party {
  fs::path path;
  DirectoryListing listing;
  std::vector<std::vector<std::optional<std::size_t>>> match;  // by source, by listed file
};

// A file that spans are about.
struct Work {
  PlannedFile plan;
  bool is_damaged = true;       // others only share pieces with those that are
  bool is_whole_wrong = false;  // it has the official size, and another digest
  std::vector<std::pair<std::size_t, std::size_t>> listed;  // source, file of it
  std::map<std::uint64_t, std::size_t> put;  // where patches begin; index into plan.patches
};

class Planner {
 public:
  Planner(RepairRequest request, const Task& task) : request_(std::move(request)), task_(task) {}

  Result<RepairPlan> Run() {
    HM_TRY(Look());
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
    HM_TRY(NameTensors());
    Finish();
    return std::move(plan_);
  }

 private:
  const Source& SourceOf(const std::pair<std::size_t, std::size_t>& listed) const {
    return request_.sources[listed.first];
  }
  const ListedFile& Listed(const std::pair<std::size_t, std::size_t>& listed) const {
    return SourceOf(listed).files[listed.second];
  }

  Result<Party> OpenParty(const fs::path& path) const {
    Party party{path, HM_TRY(Copy::List(path)).Listing(), {}};
    for (const Source& source : request_.sources) {
      party.match.push_back(MatchByName(source, party.listing));
    }
    return party;
  }

  // Verifies the copy and gathers what is not as listed.
  Result<void> Look() {
    Copy copy = HM_TRY(Copy::List(request_.copy));
    is_one_file_ = copy.IsOneFile();
    root_ = fs::is_directory(request_.copy) ? request_.copy : request_.copy.parent_path();
    if (root_.empty()) root_ = ".";
    copy_ = HM_TRY(OpenParty(request_.copy));
    VerifyOptions options;
    options.compare_weights = false;
    options.on_early = request_.on_early;
    plan_.found = HM_TRY(Verify(std::move(copy), request_.sources, options, task_));
    for (const FileVerdict& row : plan_.found.files) {
      if (IsDamaged(row.state) && !row.listed_as.empty()) HM_TRY(Take(row));
    }
    for (std::size_t w = 0; w < work_.size(); ++w) AddNeighbours(w);
    return {};
  }

  Result<void> Take(const FileVerdict& row) {
    const bool is_here = row.state != FileState::kMissing && row.state != FileState::kIncomplete;
    if (!is_here && is_one_file_) return {};  // the rest of the release is not asked for
    const Source& source = request_.sources[row.source];
    const auto listed = std::ranges::find(source.files, row.listed_as, &ListedFile::path);
    if (listed == source.files.end()) return {};
    const std::string path = is_here ? row.path : PlaceOf(row.listed_as);
    const std::pair key{row.source, static_cast<std::size_t>(listed - source.files.begin())};
    const auto [known, is_new] = by_path_.emplace(path, work_.size());
    if (is_new) {
      Work& work = work_.emplace_back();
      work.plan.path = path;
      work.plan.listed_as = row.listed_as;
      work.plan.found = row.state;
      if (!row.path.empty()) HM_TRY(OpenOurs(row.path, is_here, &work));
    }
    Work& work = work_[known->second];
    work.listed.push_back(key);
    work.is_whole_wrong = work.is_whole_wrong || row.state == FileState::kMismatch;
    AddListed(*listed, &work);
    return {};
  }

  // `is_there`: under its own name, not that of an unfinished download.
  Result<void> OpenOurs(const std::string& path, bool is_there, Work* work) {
    const auto entry = FindFile(copy_.listing, path);
    if (!entry) return {};
    auto opened = DiskBytes::Open(copy_.listing.files[*entry].full_path);
    if (!opened) {
      plan_.findings.push_back({Severity::kWarning, "unreadable", path, opened.error().message});
      return {};
    }
    work->plan.ours = *opened;
    if (is_there) work->plan.size_before = (*opened)->Size();
    return {};
  }

  static void AddListed(const ListedFile& listed, Work* work) {
    if (!work->plan.size) work->plan.size = listed.size;
    for (const ListedDigest& digest : listed.digests) {
      std::vector<Digest>& digests = work->plan.digests;
      if (!CoversWholeFile(digest.digest.GetAlgorithm())) continue;
      if (std::ranges::find(digests, digest.digest) == digests.end()) {
        digests.push_back(digest.digest);
      }
    }
  }

  // Where a file belongs that is not here: as others are, which may have a folder more or less in
  // front of their paths than in the list.
  std::string PlaceOf(const std::string& listed) const {
    for (const FileVerdict& row : plan_.found.files) {
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
    const auto listed = work_[damaged].listed;
    for (const auto& [s, f] : listed) {
      const Source& source = request_.sources[s];
      if (source.pieces.empty() || FindInManifest(source, source.files[f].path) != nullptr ||
          source.files[f].layer != nullptr || !neighbours_of_.insert(s).second) {
        continue;
      }
      for (std::size_t other = 0; other < source.files.size(); ++other) {
        const auto entry = copy_.match[s][other];
        if (!entry) continue;
        const std::string& path = copy_.listing.files[*entry].path;
        const auto [known, is_new] = by_path_.emplace(path, work_.size());
        if (!is_new) continue;
        Work& work = work_.emplace_back();
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

  Result<void> OpenDonors() {
    std::vector<fs::path> paths = request_.donors;
    for (const Source& source : request_.sources) {
      if (source.model) paths.push_back(*source.model);
    }
    for (const fs::path& path : paths) donors_.push_back(HM_TRY(OpenParty(path)));
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

  // Lists without sizes: the file, or a donor's, that has the digest as a whole says it; else most
  // of them have it.
  Result<void> SettleSizes() {
    for (std::size_t w = 0; w < work_.size(); ++w) {
      PlannedFile& plan = work_[w].plan;
      if (!plan.size) {
        std::map<std::uint64_t, std::size_t> votes;
        for (const Offer& offer : offers_[w]) {
          if (offer.bytes != nullptr) ++votes[offer.bytes->Size()];
        }
        std::size_t most = 0;
        for (const auto& [size, count] : votes) {
          if (!plan.digests.empty()) {
            const CheckedSpan whole = WholeFile(Official(w), w, size);
            if (HM_TRY(IsRightAlone(whole, w, size))) {
              plan.size = size;
              break;
            }
          }
          if (count > most) most = count;
        }
        for (const auto& [size, count] : votes) {
          if (!plan.size && count == most) plan.size = size;
        }
      }
      if (!plan.size) continue;
      for (Offer& offer : offers_[w]) {
        for (ByteRange& range : offer.covered) range.size = std::min(range.size, *plan.size);
        std::erase_if(offer.covered, [](const ByteRange& range) { return range.size == 0; });
      }
    }
    return {};
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

  OfficialFile Official(std::size_t w) const {
    const PlannedFile& plan = work_[w].plan;
    return {plan.listed_as, plan.size, plan.digests};
  }

  void GatherSpans() {
    std::set<std::string> seen;
    for (std::size_t w = 0; w < work_.size(); ++w) {
      Work& work = work_[w];
      if (!work.is_damaged) continue;
      const std::size_t before = spans_.size();
      if (!HasOneTruth(work.plan)) {
        work.plan.reason = "the sources say different things of it";
        continue;
      }
      std::vector<CheckedSpan> finest;
      for (const auto& [s, f] : work.listed) {
        std::vector<CheckedSpan> fine = FineSpans(request_.sources[s], f, OfficialIndexes(s));
        if (fine.size() > finest.size()) finest = std::move(fine);
      }
      for (CheckedSpan& span : finest) {
        if (seen.insert(KeyOf(span)).second) spans_.push_back(std::move(span));
      }
      if (!finest.empty()) continue;
      if (!work.plan.digests.empty() && work.plan.size) {
        spans_.push_back(WholeFile(Official(w), w, *work.plan.size));
      }
      if (spans_.size() == before) {
        work.plan.reason = work.plan.digests.empty()
                               ? "no source has a digest of this file or of its pieces"
                               : "its size is not known, and nobody has it whole";
      }
    }
    is_solved_.assign(spans_.size(), false);
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

  static std::string KeyOf(const CheckedSpan& span) {
    std::string key = span.digest.ToString();
    for (const CheckedSpan::Segment& segment : span.segments) {
      key += fmt::format(" {} {} {}", segment.file.value_or(SIZE_MAX), segment.range.offset,
                         segment.range.size);
    }
    return key;
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
    return ParallelFor(task_, open.size(), [&](std::uint64_t i) -> Result<void> {
      const CheckedSpan& span = spans_[open[i]];
      const auto chosen = HM_TRY(SolveSpan(span, offers_, IsKnownWrong(span), task_));
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
    const Work& work = work_[*segment.file];
    return work.is_whole_wrong && segment.range == ByteRange{0, *work.plan.size} &&
           std::ranges::find(work.plan.digests, span.digest) != work.plan.digests.end() &&
           work.plan.ours != nullptr && work.plan.ours->Size() == *work.plan.size;
  }

  // Spans of different sources may overlap; each byte is put in once.
  void Put(const ChosenBytes& chosen) {
    Work& work = work_[chosen.file];
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
    std::map<std::string, std::shared_ptr<const BlockSource>, std::less<>> patched;
    for (const Work& work : work_) {
      const PlannedFile& plan = work.plan;
      if (!work.is_damaged || !plan.size) continue;
      if (plan.ours == nullptr && plan.patches.empty()) continue;
      patched.emplace(plan.path, PutOver(plan.ours, *plan.size, plan.patches));
    }
    return std::make_shared<PatchedFolder>(root_, copy_.listing, std::move(patched));
  }

  bool IsOpen(std::size_t w) const {
    for (std::size_t i = 0; i < spans_.size(); ++i) {
      if (is_solved_[i]) continue;
      for (const CheckedSpan::Segment& segment : spans_[i].segments) {
        if (segment.file == w) return true;
      }
    }
    return false;
  }

  Result<void> GatherTensorOffers() {
    const std::shared_ptr<const Folder> patched = Patched();
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
    std::vector<std::shared_ptr<const OpenedModel>> own;  // sets of the copy
    for (std::size_t w = 0; w < work_.size(); ++w) {
      const PlannedFile& plan = work_[w].plan;
      if (!work_[w].is_damaged || !plan.size || !IsOpen(w)) continue;
      std::vector<OfficialStretch> stretches;
      if (by_recipe != nullptr) {
        stretches = by_recipe->StretchesOf(plan.path, plan.listed_as, *plan.size);
      }
      const auto set = HM_TRY(OwnSetOf(plan.path, patched, &own));
      if (stretches.empty() && set != nullptr) {
        layouts_.push_back(LayoutByHeaders(set));
        stretches = layouts_.back()->StretchesOf(plan.path, plan.listed_as, *plan.size);
      }
      if (stretches.empty()) continue;
      for (const auto& [name, model] : models) {
        Add(OfferTensors(name, *plan.size, stretches, model->canonical.get()), w);
      }
      if (set != nullptr) {
        Add(OfferTensors("tensors of the copy itself", *plan.size, stretches, set->canonical.get()),
            w);
      }
      Add(OfferTensors("the recipe", *plan.size, stretches, nullptr), w);
    }
    for (auto& [name, model] : models) models_.push_back(std::move(model));
    models_.insert(models_.end(), own.begin(), own.end());
    return {};
  }

  void Add(std::optional<Offer> offer, std::size_t w) {
    if (offer) offers_[w].push_back(*std::move(offer));
  }

  // The set that a file of the copy belongs to, with its tensors; null: it can't be opened.
  Result<std::shared_ptr<const OpenedModel>> OwnSetOf(
      const std::string& path, const std::shared_ptr<const Folder>& patched,
      std::vector<std::shared_ptr<const OpenedModel>>* known) const {
    for (const auto& set : *known) {
      const auto& files = set->model->Set().files;
      if (std::ranges::find(files, path) != files.end()) return set;
    }
    if (!patched->Has(path)) return nullptr;
    Result<std::shared_ptr<const OpenedModel>> opened =
        OpenedModel::OpenSetOf(patched, path, task_);
    if (!opened) {
      if (opened.error().code == Errc::kInterrupted) return std::move(opened).error();
      return nullptr;
    }
    if ((*opened)->canonical == nullptr) return nullptr;
    known->push_back(*opened);
    return *opened;
  }

  // Says what lies in the stretches, by the headers of the copy as it will be.
  Result<void> NameTensors() {
    const std::shared_ptr<const Folder> patched = Patched();
    std::vector<std::shared_ptr<const OpenedModel>> own;
    for (Work& work : work_) {
      std::vector<PlannedBytes>& mended = work.plan.mended;
      std::ranges::sort(mended, {}, [](const PlannedBytes& m) { return m.range.offset; });
      if (mended.empty()) continue;
      const auto set = HM_TRY(OwnSetOf(work.plan.path, patched, &own));
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
        Work& work = work_[w];
        if (work.is_damaged != damaged) continue;
        PlannedFile& plan = work.plan;
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
  std::vector<Work> work_;
  std::map<std::string, std::size_t, std::less<>> by_path_;  // index into work_
  std::set<std::size_t> neighbours_of_;                      // sources that were looked at
  std::vector<Offers> offers_;                               // parallel to work_
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
