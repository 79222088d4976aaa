#include "weights/canonical.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "src/base/bytes.h"
#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/model/architecture.h"
#include "src/model/rope.h"
#include "weights/shard_joining.h"
#include "weights/views.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kMaxDerivedBytes =
    1024 * 1024;  // rope buffers have at most a few hundred values
constexpr std::uint64_t kMaxExperts = 65536;
// A tensor can be larger than its file (expanded strides, deflated zeros), but work and memory must
// stay in proportion to what was downloaded.
constexpr std::uint64_t kMaxUnfolding = 2048;
constexpr std::uint64_t kFreeUnfolding = 64 * 1024 * 1024;

// The places of the tensors in the order of their names. Most names are alike at the front and
// many have to be compared, so the first eight bytes that can differ are kept as a number.
std::vector<std::size_t> OrderOfNames(const std::vector<CanonicalTensor>& tensors) {
  struct Key {
    std::uint64_t first;
    std::size_t place;
  };
  if (tensors.empty()) return {};
  std::string_view common = tensors.front().name;
  for (const CanonicalTensor& tensor : tensors) {
    const auto differs = std::ranges::mismatch(common, tensor.name).in1;
    common = common.substr(0, static_cast<std::size_t>(differs - common.begin()));
  }
  std::vector<Key> keys;
  keys.reserve(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    std::array<std::byte, 8> bytes = {};  // a shorter name sorts first, as zeros do
    const std::string_view rest = std::string_view(tensors[i].name).substr(common.size());
    std::memcpy(bytes.data(), rest.data(), std::min(rest.size(), bytes.size()));
    keys.push_back({LoadBig<std::uint64_t>(bytes.data()), i});
  }
  std::ranges::sort(keys, [&](const Key& a, const Key& b) {
    return a.first != b.first ? a.first < b.first : tensors[a.place].name < tensors[b.place].name;
  });
  std::vector<std::size_t> order;
  order.reserve(keys.size());
  for (const Key& key : keys) order.push_back(key.place);
  return order;
}

// items[i] becomes what was items[order[i]]; without a second copy of all, as tensors are large.
template <typename T>
void PermuteInPlace(std::vector<T>& items, std::vector<std::size_t> order) {
  for (std::size_t start = 0; start < order.size(); ++start) {
    if (order[start] == start) continue;
    T first = std::move(items[start]);
    std::size_t at = start;
    while (order[at] != start) {
      const std::size_t from = std::exchange(order[at], at);
      items[at] = std::move(items[from]);
      at = from;
    }
    order[at] = at;
    items[at] = std::move(first);
  }
}

class Canonicaliser {
 public:
  Canonicaliser(const Model& model, const Task& task)
      : model_(model), config_(model.Config()), task_(task) {}

  Result<CanonicalModel> Run() {
    HM_TRY(CheckAllWereRead());
    HM_TRY(CheckUnfolding());
    HM_TRY(Gather());
    HM_TRY(LeaveOutDerived());
    ChooseScheme();
    width_ = Width();
    result_.tensors.reserve(kept_.size());
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      HM_TRY(task_.CheckStopped());
      HM_TRY(Add(kept_[i], matches_[i]));
    }
    HM_TRY(SortByName());
    return std::move(result_);
  }

 private:
  const TensorInfo& Info(TensorPart part) const {
    return model_.Files()[part.file].reader->Tensors()[part.tensor];
  }
  bool Parallel() const { return model_.Set().layout == ModelSet::Layout::kModelParallel; }
  // docs/identity.md, 1.6: torch's quantised, sparse and nested tensors; and whatever else of a
  // checkpoint's numbers its reader could not give.
  Result<void> CheckAllWereRead() const {
    static constexpr std::array<std::string_view, 6> kUnread = {
        "unsupported-tensor", "unread-tensor", "unread-storage",
        "unnamed-value",      "cyclic-value",  "more-findings"};
    for (const Finding& finding : model_.Findings()) {
      if (std::find(kUnread.begin(), kUnread.end(), finding.code) != kUnread.end()) {
        return NoIdentity(Errc::kUnsupported,
                          finding.subject.empty() ? model_.Set().name : finding.subject,
                          finding.message + ": no weight identity");
      }
    }
    return {};
  }

  Result<void> CheckUnfolding() {
    std::uint64_t unfolded = 0, stored = 0;
    for (const WeightFile& file : model_.Files()) {
      for (const TensorInfo& tensor : file.reader->Tensors()) {
        unfolded = CheckedAdd(unfolded, tensor.payload_bytes).value_or(UINT64_MAX);
        stored = std::max(stored, tensor.stored.size);
      }
      if (file.file != nullptr) stored = CheckedAdd(stored, file.file->Size()).value_or(UINT64_MAX);
      for (const CompanionFile& companion : file.reader->Companions()) {
        stored = CheckedAdd(stored, companion.file->Size()).value_or(UINT64_MAX);
      }
    }
    const std::uint64_t limit = stored > (UINT64_MAX - kFreeUnfolding) / kMaxUnfolding
                                    ? UINT64_MAX
                                    : stored * kMaxUnfolding + kFreeUnfolding;
    if (unfolded <= limit) return {};
    return NoIdentity(Errc::kUnsupported, model_.Set().name,
                      fmt::format("its tensors unfold to {}, limit {} for files of this size",
                                  HumanBytes(unfolded), HumanBytes(limit)));
  }

  // Names the stored tensors; every rank of a model-parallel set holds a part of each.
  Result<void> Gather() {
    const auto& files = model_.Files();
    std::size_t count = 0;
    for (const WeightFile& file : files) count += file.reader->Tensors().size();
    stored_.reserve(Parallel() ? count / std::max<std::size_t>(files.size(), 1) : count);
    std::unordered_map<std::string_view, std::size_t> places;  // of the first rank's
    for (std::size_t f = 0; f < files.size(); ++f) {
      const auto tensors = files[f].reader->Tensors();
      for (std::size_t t = 0; t < tensors.size(); ++t) {
        const std::string_view name = model_.TensorName(f, t);
        if (!IsValidUtf8(name)) {
          return NoIdentity(Errc::kMalformed, name, "its name is not UTF-8: no weight identity");
        }
        if (!Parallel() || f == 0) {
          if (Parallel()) places.emplace(name, stored_.size());
          stored_.push_back({name, {{f, t}}});
          continue;
        }
        const auto place = places.find(name);
        if (place == places.end() || stored_[place->second].parts.size() != f) {
          return NoIdentity(Errc::kMalformed, name,
                            fmt::format("{} holds it, an earlier rank does not", files[f].path));
        }
        stored_[place->second].parts.push_back({f, t});
      }
    }
    if (stored_.empty()) {
      return NoIdentity(Errc::kUnsupported, model_.Set().name,
                        "it holds no tensors: no weight identity");
    }
    return Parallel() ? CheckRanksAgree() : CheckNamesDiffer();
  }

  Result<void> CheckRanksAgree() const {
    const std::size_t ranks = model_.Files().size();
    for (const StoredTensor& stored : stored_) {
      if (stored.parts.size() == ranks) continue;
      return NoIdentity(Errc::kMalformed, stored.name,
                        fmt::format("{} of {} ranks hold it", stored.parts.size(), ranks));
    }
    return {};
  }

  // A reader's names differ; those of several files may meet once their root keys are dropped.
  Result<void> CheckNamesDiffer() const {
    if (model_.Files().size() == 1) return {};
    std::vector<std::string_view> names;
    for (const StoredTensor& stored : stored_) names.push_back(stored.name);
    const auto repeated = FindRepeated(names);
    if (!repeated) return {};
    return NoIdentity(Errc::kMalformed, *repeated,
                      "two tensors have this name: no weight identity");
  }

  // docs/identity.md, 1.5.
  Result<void> LeaveOutDerived() {
    kept_.reserve(stored_.size());
    for (StoredTensor& stored : stored_) {
      auto reason = HM_TRY(ReasonToLeaveOut(stored));
      if (reason) {
        result_.left_out.push_back({std::string(stored.name), *std::move(reason)});
      } else {
        kept_.push_back(std::move(stored));
      }
    }
    return {};
  }

  Result<std::optional<std::string>> ReasonToLeaveOut(const StoredTensor& stored) {
    const std::string_view name = stored.name;
    const TensorInfo& info = Info(stored.parts.front());
    if (name == "rope.freqs" || name.ends_with(".rotary_emb.inv_freq")) {
      return std::optional<std::string>("rotary frequencies, derived from the configuration");
    }
    if (name == "freqs_cos" || name == "freqs_sin") {
      return std::optional<std::string>("a rotary table, derived from the configuration");
    }
    if (name.ends_with(".attn.masked_bias") ||
        (name.ends_with(".attn.bias") &&
         (info.dtype == Dtype::kBool || info.dtype == Dtype::kU8))) {
      return std::optional<std::string>("an attention mask, derived");
    }
    if (name == "rope_freqs.weight") {
      const std::vector<float> values = HM_TRY(SmallF32(stored));
      if (IsLlama3RopeFactors(values, config_)) {
        return std::optional<std::string>("rotary scaling as llama3's formula gives it");
      }
      result_.findings.push_back({Severity::kWarning, "unexpected-rope-factors", std::string(name),
                                  "these rotary factors are not those of the llama3 formula; they "
                                  "count as weights"});
      return std::optional<std::string>();
    }
    if (name == "rope_factors_long.weight" || name == "rope_factors_short.weight") {
      const auto& given = name == "rope_factors_long.weight" ? config_.rope.long_factors
                                                             : config_.rope.short_factors;
      if (given.empty()) {
        result_.findings.push_back({Severity::kNote, "unchecked-rope-factors", std::string(name),
                                    "no configuration says what these rotary factors should be; "
                                    "they are configuration and not part of the identity"});
        return std::optional<std::string>("rotary scaling: configuration, unchecked");
      }
      const std::vector<float> values = HM_TRY(SmallF32(stored));
      if (WithinFourUlp(values, given)) {
        return std::optional<std::string>("rotary scaling as the configuration lists it");
      }
      result_.findings.push_back({Severity::kWarning, "unexpected-rope-factors", std::string(name),
                                  "these rotary factors are not those that the configuration "
                                  "lists; they count as weights"});
    }
    return std::optional<std::string>();
  }

  // The values of a one-dimensional f32 tensor; none if it is anything else or not small.
  Result<std::vector<float>> SmallF32(const StoredTensor& stored) const {
    const TensorPart part = stored.parts.front();
    const TensorInfo& info = Info(part);
    if (info.dtype != Dtype::kF32 || info.shape.size() != 1 ||
        info.payload_bytes > kMaxDerivedBytes) {
      return std::vector<float>();
    }
    std::vector<float> values(info.payload_bytes / sizeof(float));
    const MutableByteSpan bytes = std::as_writable_bytes(std::span(values));
    HM_TRY(model_.Files()[part.file].reader->ReadTensor(part.tensor, 0, bytes));
    return values;
  }

  static bool IsRopeBuffer(std::string_view name) {
    return name == "rope_freqs.weight" || name == "rope_factors_long.weight" ||
           name == "rope_factors_short.weight";
  }

  // Understands every name that is kept, or none. Rotary buffers of GGUF have no rule.
  using Matches = std::vector<std::optional<NameMatch>>;
  std::optional<Matches> MatchAll(NameScheme scheme, const Architecture* row) const {
    Matches matches;
    matches.reserve(kept_.size());
    for (const StoredTensor& stored : kept_) {
      matches.push_back(MatchName(scheme, row, stored.name));
      const bool understood =
          matches.back() || (scheme == NameScheme::kGguf && IsRopeBuffer(stored.name));
      if (!understood) return std::nullopt;
    }
    return matches;
  }

  // The row that the configuration says if it has all of these names, else the first that has.
  static const Architecture* ChooseRow(NameScheme scheme, const Matches& matches,
                                       const Architecture* said) {
    std::set<const TensorRule*> rules;
    for (const auto& match : matches) rules.insert(match->rule);
    const auto fits = [&](const Architecture& row) {
      return std::ranges::all_of(rules,
                                 [&](const TensorRule* r) { return HasRule(scheme, row, *r); });
    };
    if (said != nullptr && fits(*said)) return said;
    const auto found = std::ranges::find_if(AllArchitectures(), fits);
    return found == AllArchitectures().end() ? nullptr : &*found;
  }

  // docs/identity.md, 1.1. Names of Hugging Face and of Meta mean the same in every row, so they
  // need no configuration to be understood; GGUF's need to know the architecture.
  void ChooseScheme() {
    const Architecture* said = FindArchitecture(config_.architecture);
    for (const NameScheme scheme : {NameScheme::kHuggingFace, NameScheme::kMeta}) {
      auto matches = MatchAll(scheme, nullptr);
      if (!matches) continue;
      scheme_ = scheme;
      matches_ = *std::move(matches);
      const Architecture* row = ChooseRow(scheme, matches_, said);
      result_.architecture = row == nullptr ? "" : row->name;
      result_.scheme = NameSchemeName(scheme);
      return;
    }
    if (said != nullptr) {
      if (auto matches = MatchAll(NameScheme::kGguf, said)) {
        scheme_ = NameScheme::kGguf;
        matches_ = *std::move(matches);
        row_ = said;
        result_.architecture = said->name;
        result_.scheme = NameSchemeName(NameScheme::kGguf);
        return;
      }
    }
    result_.raw = true;
    matches_.resize(kept_.size());
  }

  // The width of the model, by configuration or by the final norm.
  std::optional<std::uint64_t> Width() const {
    if (config_.hidden_size) return config_.hidden_size;
    for (const StoredTensor& stored : kept_) {
      const TensorInfo& info = Info(stored.parts.front());
      if (stored.name == "norm.weight" && info.shape.size() == 1) return info.shape[0];
    }
    return std::nullopt;
  }

  Result<void> Add(const StoredTensor& stored, const std::optional<NameMatch>& match) {
    JoinedTensor joined = HM_TRY(JoinShards(model_, stored, match ? &*match : nullptr, width_));
    if (!match) return Emit(stored, std::string(stored.name), std::move(joined), nullptr);
    if (match->stacks_experts) return AddExperts(stored, *match, joined);
    return Emit(stored, match->CanonicalName(), std::move(joined), &*match);
  }

  // One canonical tensor for each index of the outermost dimension. ggml's writer drops leading
  // ones, so a matrix is a stack of one expert.
  Result<void> AddExperts(const StoredTensor& stored, const NameMatch& match,
                          const JoinedTensor& joined) {
    if (joined.shape.size() < 2 || joined.shape.size() > 3) {
      return NoIdentity(
          Errc::kMalformed, stored.name,
          fmt::format("a stack of experts has 3 dimensions, got {}", ShapeText(joined.shape)));
    }
    const std::uint64_t count = joined.shape.size() == 3 ? joined.shape[0] : 1;
    if (count > kMaxExperts) {
      return NoIdentity(Errc::kUnsupported, stored.name,
                        fmt::format("got {} experts, limit {}", count, kMaxExperts));
    }
    if (View(joined)->Size() < count) {  // so that the file pays for every tensor made of it
      return NoIdentity(Errc::kMalformed, stored.name,
                        fmt::format("a stack of {} experts that hold nothing", count));
    }
    for (std::uint64_t e = 0; e < count; ++e) {
      JoinedTensor expert = joined;
      expert.shape.assign(joined.shape.end() - 2, joined.shape.end());
      expert.relations.push_back("split from stacked experts");
      HM_TRY(Emit(stored, match.CanonicalName(e), std::move(expert), &match, e, count));
    }
    return {};
  }

  // Lays out one tensor; `slice` of `slices` equal parts of its bytes.
  Result<void> Emit(const StoredTensor& stored, std::string name, JoinedTensor joined,
                    const NameMatch* match, std::uint64_t slice = 0, std::uint64_t slices = 1) {
    Bytes bytes = View(joined);
    if (slices > 1) {
      const std::uint64_t size = bytes->Size() / slices;
      if (size * slices != bytes->Size()) return NotWholeBytes(stored.name, joined.dtype);
      bytes = Slice(std::move(bytes), slice * size, size);
    }
    if (match != nullptr) {
      const TensorRole role = match->rule->role;
      const bool interleaved =
          scheme_ == NameScheme::kMeta || (row_ != nullptr && row_->gguf_interleaved);
      if (interleaved && (role == TensorRole::kQuery || role == TensorRole::kKey)) {
        bytes = HM_TRY(SplitPairs(stored, role, std::move(bytes), &joined));
      }
      if (role == TensorRole::kNorm && !match->IsBias() && row_ != nullptr &&
          row_->gguf_norms_plus_one) {
        if (!IsFloatFamily(joined.dtype)) {
          return NoIdentity(
              Errc::kUnsupported, stored.name,
              fmt::format("a norm stored as 1 + w in type {}", DtypeName(joined.dtype)));
        }
        bytes = MinusOne(std::move(bytes), joined.dtype);
        joined.dtype = Dtype::kF64;
        joined.relations.push_back("1 subtracted");
      }
    }
    CanonicalTensor tensor;
    tensor.name = std::move(name);
    tensor.stored_name = stored.name;
    tensor.dtype = joined.dtype;
    tensor.shape = std::move(joined.shape);
    tensor.bytes = std::move(bytes);
    tensor.random_access =
        std::ranges::all_of(joined.parts, [&](TensorPart part) { return Info(part).verbatim; });
    tensor.parts = std::move(joined.parts);
    tensor.replicas = std::move(joined.replicas);
    tensor.relations = std::move(joined.relations);
    result_.tensors.push_back(std::move(tensor));
    return {};
  }

  Bytes View(const JoinedTensor& joined) const {
    std::vector<Bytes> parts;
    for (const TensorPart part : joined.parts) {
      parts.push_back(StoredBytes(*model_.Files()[part.file].reader, part.tensor));
    }
    if (joined.axis == 1 && joined.shape[0] != 0) {
      return JoinColumns(std::move(parts), joined.shape[0]);
    }
    return JoinRows(std::move(parts));
  }

  Result<Bytes> SplitPairs(const StoredTensor& stored, TensorRole role, Bytes bytes,
                           JoinedTensor* joined) const {
    const std::uint64_t heads = HM_TRY(HeadCount(config_, stored.name, role == TensorRole::kKey));
    const std::uint64_t rows = joined->shape.empty() ? 1 : joined->shape[0];
    if (heads > rows || rows % heads != 0 || rows / heads % 2 != 0) {
      return NoIdentity(Errc::kMalformed, stored.name,
                        fmt::format("{} rows are not whole rotary pairs of {} heads", rows, heads));
    }
    if (bytes->Size() % rows != 0 ||
        (joined->shape.size() == 1 && InfoOf(joined->dtype).block_values != 1)) {
      return NoIdentity(Errc::kUnsupported, stored.name,
                        fmt::format("rows of type {} cannot be put into another order",
                                    DtypeName(joined->dtype)));
    }
    // A rank that is missing altogether leaves no other trace.
    const auto width = scheme_ == NameScheme::kMeta ? HeadDim(config_) : std::nullopt;
    if (width && CheckedMul(*width, heads) != rows) {
      Error error =
          NoIdentity(Errc::kMalformed, stored.name,
                     fmt::format("got {} rows from {} files, {} says {} heads of {}", rows,
                                 model_.Files().size(), config_.source, heads, *width));
      if (role == TensorRole::kKey && !config_.n_kv_heads) {
        error.hint = "if the model has fewer key heads, put the params.json that says so beside it";
      }
      return error;
    }
    joined->relations.push_back("rows of rotary pairs put into halves");
    if (bytes->Size() == 0) return bytes;
    return SplitRotaryPairs(std::move(bytes), heads, rows);
  }

  Result<void> SortByName() {
    PermuteInPlace(result_.tensors, OrderOfNames(result_.tensors));
    for (std::size_t i = 1; i < result_.tensors.size(); ++i) {
      const CanonicalTensor& a = result_.tensors[i - 1];
      const CanonicalTensor& b = result_.tensors[i];
      if (a.name != b.name) continue;
      return NoIdentity(Errc::kMalformed, a.stored_name,
                        fmt::format("it and {} have one canonical name, {}: no weight identity",
                                    EscapeForPeople(b.stored_name), a.name));
    }
    return {};
  }

  const Model& model_;
  const ModelConfig& config_;
  const Task& task_;
  std::vector<StoredTensor> stored_, kept_;
  std::optional<NameScheme> scheme_;
  Matches matches_;                     // parallel to kept_
  const Architecture* row_ = nullptr;   // GGUF's
  std::optional<std::uint64_t> width_;  // of the hidden state, where known
  CanonicalModel result_;
};

}  // namespace

const CanonicalTensor* FindTensor(const CanonicalModel& model, std::string_view name) {
  const auto found = std::ranges::lower_bound(model.tensors, name, {}, &CanonicalTensor::name);
  return found != model.tensors.end() && found->name == name ? &*found : nullptr;
}

std::uint64_t ValueCount(const CanonicalTensor& tensor) {
  const DtypeInfo& info = InfoOf(tensor.dtype);
  return tensor.bytes->Size() / info.block_bytes * info.block_values;
}

std::optional<std::uint64_t> ExpertNumber(std::string_view canonical_name) {
  constexpr std::string_view kBefore = ".experts.";
  const std::size_t at = canonical_name.find(kBefore);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = canonical_name.substr(at + kBefore.size());
  const std::string_view digits = rest.substr(0, rest.find('.'));
  if (!IsNumberComponent(digits)) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : digits) number = number * 10 + static_cast<std::uint64_t>(c - '0');
  return number;
}

Result<CanonicalModel> Canonicalise(const Model& model, const Task& task) {
  return Canonicaliser(model, task).Run();
}

Result<void> CheckReplicas(const Model& model, const CanonicalTensor& tensor, const Task& task) {
  constexpr std::uint64_t kPiece = 1024 * 1024;
  std::vector<std::byte> a, b;
  for (const TensorReplica& replica : tensor.replicas) {
    const WeightFile& original = model.Files()[replica.original.file];
    const WeightFile& copy = model.Files()[replica.part.file];
    const TensorInfo& info = copy.reader->Tensors()[replica.part.tensor];
    const TensorInfo& other = original.reader->Tensors()[replica.original.tensor];
    const auto differ = [&](std::optional<std::uint64_t> at) {
      Error error{Errc::kMalformed, EscapeForPeople(tensor.stored_name),
                  fmt::format("{} and {} should hold the same copy of it, and differ: no weight "
                              "identity",
                              original.path, copy.path)};
      if (at) error.message += fmt::format(" (first at byte {} of the tensor)", *at);
      return error;
    };
    if (info.dtype != other.dtype || info.shape != other.shape) return differ(std::nullopt);
    for (std::uint64_t offset = 0; offset < info.payload_bytes; offset += kPiece) {
      HM_TRY(task.CheckStopped());
      const std::uint64_t n = std::min(kPiece, info.payload_bytes - offset);
      a.resize(n);
      b.resize(n);
      HM_TRY(original.reader->ReadTensor(replica.original.tensor, offset, a));
      HM_TRY(copy.reader->ReadTensor(replica.part.tensor, offset, b));
      const auto [in_a, in_b] = std::ranges::mismatch(a, b);
      if (in_a != a.end()) return differ(offset + static_cast<std::uint64_t>(in_a - a.begin()));
      task.Advance(n);
    }
  }
  return {};
}

}  // namespace hallmark
