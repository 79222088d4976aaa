#include "transform/quantisation_mix.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>
#include <variant>

#include "formats/tensor_layout.h"
#include "src/base/text.h"
#include "transform/quantisation_rules.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kQuantisationVersion = 2;  // GGML_QNT_VERSION

// clang-format off
constexpr QuantisationMix kMixes[] = {
    {"F32",       FileType::kF32,      Dtype::kF32,    true,  "32 bits a weight"},
    {"BF16",      FileType::kBf16,     Dtype::kBf16,   true,  "16 bits a weight; the range of f32"},
    {"F16",       FileType::kF16,      Dtype::kF16,    true,  "16 bits a weight; more precise than BF16, of less range"},
    {"Q8_0",      FileType::kQ8_0,     Dtype::kQ8_0,   true,  "8.5 bits a weight; hardly told from the original"},
    {"Q6_K",      FileType::kQ6_K,     Dtype::kQ6_K,   true,  "6.6 bits a weight; next to no loss"},
    {"Q5_1",      FileType::kQ5_1,     Dtype::kQ5_1,   true,  "6.0 bits a weight; of the older kind"},
    {"Q5_K_M",    FileType::kQ5_K_M,   Dtype::kQ5_K,   true,  "5.7 bits a weight; very little loss"},
    {"Q5_K_S",    FileType::kQ5_K_S,   Dtype::kQ5_K,   true,  "5.6 bits a weight; very little loss"},
    {"Q5_0",      FileType::kQ5_0,     Dtype::kQ5_0,   true,  "5.6 bits a weight; of the older kind"},
    {"Q4_1",      FileType::kQ4_1,     Dtype::kQ4_1,   true,  "5.1 bits a weight; of the older kind"},
    {"Q4_K_M",    FileType::kQ4_K_M,   Dtype::kQ4_K,   true,  "4.9 bits a weight; the usual choice"},
    {"IQ4_NL",    FileType::kIq4Nl,    Dtype::kIq4Nl,  true,  "4.7 bits a weight; uneven steps, for rows that only divide by 32"},
    {"Q4_K_S",    FileType::kQ4_K_S,   Dtype::kQ4_K,   true,  "4.7 bits a weight; a little less than Q4_K_M in both"},
    {"Q4_0",      FileType::kQ4_0,     Dtype::kQ4_0,   true,  "4.6 bits a weight; of the older kind, fast everywhere"},
    {"IQ4_XS",    FileType::kIq4Xs,    Dtype::kIq4Xs,  true,  "4.5 bits a weight; uneven steps"},
    {"MXFP4_MOE", FileType::kMxfp4Moe, Dtype::kMxfp4,  true,  "4.3 bits a weight of an expert; all else as in Q8_0"},
    {"Q3_K_L",    FileType::kQ3_K_L,   Dtype::kQ3_K,   true,  "4.3 bits a weight; loss to be noticed"},
    {"Q3_K_M",    FileType::kQ3_K_M,   Dtype::kQ3_K,   true,  "4.0 bits a weight; loss to be noticed"},
    {"IQ3_M",     FileType::kIq3M,     Dtype::kIq3S,   false, "3.8 bits a weight; by a codebook"},
    {"IQ3_S",     FileType::kIq3S,     Dtype::kIq3S,   false, "3.7 bits a weight; by a codebook"},
    {"Q3_K_S",    FileType::kQ3_K_S,   Dtype::kQ3_K,   true,  "3.6 bits a weight; high loss"},
    {"IQ3_XS",    FileType::kIq3Xs,    Dtype::kIq3S,   false, "3.5 bits a weight; by a codebook"},
    {"IQ3_XXS",   FileType::kIq3Xxs,   Dtype::kIq3Xxs, false, "3.3 bits a weight; by a codebook"},
    {"Q2_K",      FileType::kQ2_K,     Dtype::kQ2_K,   true,  "3.2 bits a weight; very high loss"},
    {"Q2_K_S",    FileType::kQ2_K_S,   Dtype::kQ2_K,   true,  "3.0 bits a weight; very high loss"},
    {"IQ2_M",     FileType::kIq2M,     Dtype::kIq2S,   false, "2.9 bits a weight; by a codebook"},
    {"IQ2_S",     FileType::kIq2S,     Dtype::kIq2Xs,  false, "2.7 bits a weight; by a codebook"},
    {"Q2_0",      FileType::kQ2_0,     Dtype::kQ2_0,   false, "2.7 bits a weight; for models that were trained for it"},
    {"IQ2_XS",    FileType::kIq2Xs,    Dtype::kIq2Xs,  false, "2.6 bits a weight; by a codebook"},
    {"TQ2_0",     FileType::kTq2_0,    Dtype::kTq2_0,  true,  "2.5 bits a weight; for ternary models"},
    {"IQ2_XXS",   FileType::kIq2Xxs,   Dtype::kIq2Xxs, false, "2.4 bits a weight; by a codebook"},
    {"TQ1_0",     FileType::kTq1_0,    Dtype::kTq1_0,  true,  "2.2 bits a weight; for ternary models, slower than TQ2_0"},
    {"IQ1_M",     FileType::kIq1M,     Dtype::kIq1M,   false, "2.2 bits a weight; by a codebook"},
    {"IQ1_S",     FileType::kIq1S,     Dtype::kIq1S,   false, "2.0 bits a weight; by a codebook"},
    {"Q1_0",      FileType::kQ1_0,     Dtype::kQ1_0,   false, "1.5 bits a weight; for models that were trained for it"},
};

constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    {"q3_k", "Q3_K_M"}, {"q4_k", "Q4_K_M"}, {"q5_k", "Q5_K_M"},
};

// Architectures that llama-quantize treats in ways of their own.
constexpr std::string_view kUnruledArchitectures[] = {"bailingmoe3", "glm5-next"};

// What llama.cpp takes for a model of 70 billion weights, by its number of layers.
struct SeventyBillion {
  std::string_view architecture;
  std::uint64_t layers;
  bool groups_heads;  // only if heads share key-value heads
};
constexpr SeventyBillion kSeventyBillion[] = {
    {"llama", 80, true}, {"llama-embed", 80, true}, {"deci", 80, false},
    {"olmo",  80, false}, {"qwen2", 80, false},     {"jais2", 68, false},
};
// clang-format on

bool IsSeventyBillion(const ModelCounts& counts) {
  return std::ranges::any_of(kSeventyBillion, [&](const SeventyBillion& row) {
    return row.architecture == counts.architecture && row.layers == counts.layers &&
           (!row.groups_heads || counts.heads != counts.key_value_heads);
  });
}

// The number N of a name that begins with blk.N.
std::optional<std::uint64_t> BlockNumber(std::string_view name) {
  constexpr std::string_view kPrefix = "blk.";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  return ParseDecimal(name.substr(0, name.find('.')));
}

// By block, those outside of blocks first; then by the bytes of the name.
std::vector<std::size_t> WritingOrder(std::span<const TensorToWrite> tensors) {
  std::vector<std::optional<std::uint64_t>> blocks;
  blocks.reserve(tensors.size());
  for (const TensorToWrite& tensor : tensors) blocks.push_back(BlockNumber(tensor.name));
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return std::tie(blocks[a], tensors[a].name) < std::tie(blocks[b], tensors[b].name);
  });
  return order;
}

// Of the matrices that a tensor stacks, as experts are: how long their rows are, how many they are.
std::uint64_t Columns(const Shape& shape) { return shape.empty() ? 1 : shape.back(); }
std::uint64_t Matrices(const Shape& shape) {
  return shape.size() < 3 ? 1 : shape[shape.size() - 3];
}

// Goes through the tensors of one model in writing order. Lives for one ChooseQuantisation.
class Chooser {
 public:
  Chooser(const QuantisationMix& mix, const ModelCounts& counts,
          std::span<const TensorToWrite> tensors, const ImportanceMatrix* importance,
          bool requantise)
      : mix_(mix),
        counts_(counts),
        tensors_(tensors),
        importance_(importance),
        requantise_(requantise),
        is_mixed_(InfoOf(mix.dtype).is_block_quantised) {
    for (const TensorToWrite& tensor : tensors) {
      const WeightKind part = PartOf(tensor.name);
      if (part == WeightKind::kOutput) has_output_ = true;
      if (part == WeightKind::kValue) ++value_count_;
    }
    circumstances_ = OfModel();
  }

  Result<QuantisationChoice> Choose() {
    if (std::ranges::count(kUnruledArchitectures, counts_.architecture) != 0) {
      return Error{Errc::kUnsupported, counts_.architecture,
                   "llama-quantize has rules of its own for this architecture, which are not known "
                   "here"};
    }
    for (const std::size_t tensor : WritingOrder(tensors_)) {
      choice_.tensors.push_back(HM_TRY(ChooseFor(tensor)));
    }
    Report();
    return std::move(choice_);
  }

 private:
  Circumstances OfModel() const {
    const std::uint64_t sharing =
        counts_.key_value_heads == 0 ? 0 : counts_.heads / counts_.key_value_heads;
    Circumstances all = kAlways;
    if (sharing >= 4) all |= kGrouped;
    if (counts_.experts >= 4) all |= kFourExperts;
    all |= counts_.experts == 8 ? kEightExperts : kNotEightExperts;
    all |= counts_.architecture == "falcon" ? kFalcon : kNotFalcon;
    all |= importance_ != nullptr ? kImportance : kNoImportance;
    return all;
  }

  Result<TensorQuantisation> ChooseFor(std::size_t index) {
    const TensorToWrite& tensor = tensors_[index];
    TensorQuantisation result{.tensor = index, .dtype = tensor.dtype};
    result.kept_because = KeptBecause(tensor.name, tensor.shape);
    if (!result.kept_because.empty()) return result;

    const WeightKind part = PartOf(tensor.name);
    result.dtype = mix_.dtype;
    if (is_mixed_) {
      result.dtype = HM_TRY(ByRules(tensor, part));
      const Dtype fitting = HM_TRY(Fitting(tensor, result.dtype));
      if (fitting != result.dtype) result.meant = std::exchange(result.dtype, fitting);
    }
    // llama-imatrix measures neither of these, unless asked to.
    const bool is_measured = part != WeightKind::kOutput && part != WeightKind::kEmbedding;
    const bool needs_importance = is_measured && NeedsImportance(mix_.file_type, result.dtype);
    if (needs_importance && importance_ == nullptr) return LacksImportance(tensor, result.dtype);
    if (result.dtype == tensor.dtype) {
      result.kept_because = "of this type already";
      return result;
    }
    HM_TRY(CheckSource(tensor));
    if (result.meant) NoteFallback(tensor, *result.meant, result.dtype);
    if (importance_ == nullptr || !InfoOf(result.dtype).is_block_quantised) return result;
    result.importance = HM_TRY(ImportanceOf(tensor, part));
    if (!result.importance.empty() || !is_measured) return result;
    if (needs_importance) return LacksImportance(tensor, result.dtype);
    if (missing_count_++ == 0) first_missing_ = tensor.name;
    return result;
  }

  Result<Dtype> ByRules(const TensorToWrite& tensor, WeightKind part) {
    if (part == WeightKind::kEmbedding && !has_output_) part = WeightKind::kOutput;
    Circumstances circumstances = circumstances_ | HM_TRY(OfPlace(tensor, part));
    if (Matrices(tensor.shape) > 1) circumstances |= kStacked;
    if (Columns(tensor.shape) % InfoOf(mix_.dtype).block_values != 0) circumstances |= kUnevenRows;
    const Dtype dtype = DtypeByRules(mix_.file_type, part, circumstances).value_or(mix_.dtype);
    // There eight query heads share a value: its weights are few, and matter the more.
    const bool gets_more = part == WeightKind::kValue && !IsLowestMix(mix_.file_type) &&
                           (dtype == Dtype::kQ3_K || dtype == Dtype::kQ4_K) &&
                           IsSeventyBillion(counts_);
    return gets_more ? Dtype::kQ5_K : dtype;
  }

  // Values count themselves. So do the layers of feed-forward networks, except that in models of
  // experts the names say which layer it is.
  Result<Circumstances> OfPlace(const TensorToWrite& tensor, WeightKind part) {
    const std::uint64_t counted = chosen_[part]++;
    if (part == WeightKind::kValue) return PlaceOf(counted, value_count_);
    if (part != WeightKind::kGate && part != WeightKind::kUp && part != WeightKind::kDown) {
      return kAlways;
    }
    const bool named = counts_.experts > 1 && !IsLowestMix(mix_.file_type) &&
                       mix_.file_type != FileType::kMxfp4Moe;
    if (!named) return PlaceOf(counted, counts_.layers);
    const std::optional<std::uint64_t> block = BlockNumber(tensor.name);
    if (!block || *block >= counts_.layers) {
      return Error{
          Errc::kMalformed, tensor.name,
          fmt::format("the name gives no block of the {} that the model has", counts_.layers)};
    }
    return PlaceOf(*block, counts_.layers);
  }

  // `dtype` or what takes its place where rows do not divide into its blocks.
  Result<Dtype> Fitting(const TensorToWrite& tensor, Dtype dtype) const {
    const std::uint64_t columns = Columns(tensor.shape);
    if (columns % InfoOf(dtype).block_values == 0) return dtype;
    const std::optional<Dtype> fallback = FallbackOf(dtype);
    if (!fallback) {
      return Error{Errc::kUnsupported, tensor.name,
                   fmt::format("its rows of {} values do not divide into {}'s blocks of {}, and no "
                               "other type is defined to take its place",
                               columns, DtypeName(dtype), InfoOf(dtype).block_values)};
    }
    return columns % InfoOf(*fallback).block_values == 0 ? *fallback : Dtype::kF16;
  }

  Result<void> CheckSource(const TensorToWrite& tensor) const {
    const bool has_blocks = InfoOf(tensor.dtype).is_block_quantised;
    if (has_blocks && !requantise_) {
      return Error{
          Errc::kUsage, tensor.name,
          fmt::format("it is quantised already, as {}: quantising it anew adds loss to loss",
                      DtypeName(tensor.dtype)),
          std::nullopt, "start from the f32, f16 or bf16 model"};
    }
    const bool is_read = has_blocks || tensor.dtype == Dtype::kF32 || tensor.dtype == Dtype::kF16 ||
                         tensor.dtype == Dtype::kBf16;
    if (is_read) return {};
    return Error{
        Errc::kUnsupported, tensor.name,
        fmt::format("{} is not quantised: f32, f16 and bf16 are", DtypeName(tensor.dtype))};
  }

  Error LacksImportance(const TensorToWrite& tensor, Dtype dtype) const {
    return Error{
        Errc::kUsage, tensor.name,
        fmt::format("{} makes it {}, which is garbage without an importance matrix{}", mix_.name,
                    DtypeName(dtype), importance_ == nullptr ? "" : " that has this tensor"),
        std::nullopt, "measure one with llama-imatrix, or take a mix of more bits"};
  }

  // Empty if there is none.
  Result<std::span<const float>> ImportanceOf(const TensorToWrite& tensor, WeightKind part) const {
    const auto found = importance_->weights.find(tensor.name);
    if (found == importance_->weights.end()) return std::span<const float>();
    const std::uint64_t needed = Columns(tensor.shape) * Matrices(tensor.shape);
    if (found->second.size() == needed) return std::span<const float>(found->second);
    if (part == WeightKind::kEmbedding) return std::span<const float>();
    return Error{Errc::kMalformed, importance_->path,
                 fmt::format("it has {} weights for {}, which has {} columns", found->second.size(),
                             QuoteName(tensor.name), needed),
                 std::nullopt, "it was measured on another model"};
  }

  void NoteFallback(const TensorToWrite& tensor, Dtype meant, Dtype dtype) {
    const auto same = std::ranges::find_if(fallbacks_, [&](const FallbackNote& note) {
      return note.meant == meant && note.dtype == dtype;
    });
    if (same != fallbacks_.end()) {
      ++same->count;
    } else {
      fallbacks_.push_back({meant, dtype, &tensor, 1});
    }
  }

  void Report() {
    for (const FallbackNote& note : fallbacks_) {
      choice_.findings.push_back(
          {Severity::kWarning, "quantisation-fallback", note.first->name,
           fmt::format("tensors that become {} instead of {}, since their rows do not divide into "
                       "blocks of {}: {}, of which this is the first",
                       DtypeName(note.dtype), DtypeName(note.meant),
                       InfoOf(note.meant).block_values, note.count)});
    }
    if (missing_count_ == 0) return;
    choice_.findings.push_back(
        {Severity::kWarning, "importance-missing", first_missing_,
         fmt::format("tensors that are quantised without the weights that the importance matrix "
                     "should have for them: {}, of which this is the first",
                     missing_count_)});
  }

  struct FallbackNote {
    Dtype meant;
    Dtype dtype;
    const TensorToWrite* first;
    std::uint64_t count;
  };

  const QuantisationMix& mix_;
  const ModelCounts& counts_;
  const std::span<const TensorToWrite> tensors_;
  const ImportanceMatrix* const importance_;
  const bool requantise_;
  const bool is_mixed_;  // false: every tensor gets the one plain type
  bool has_output_ = false;
  std::uint64_t value_count_ = 0;
  Circumstances circumstances_ = kAlways;       // of the model as a whole
  std::map<WeightKind, std::uint64_t> chosen_;  // how many of each so far
  std::vector<FallbackNote> fallbacks_;
  std::uint64_t missing_count_ = 0;
  std::string first_missing_;
  QuantisationChoice choice_;
};

MetadataEntry U32Entry(std::string_view key, std::uint64_t value) {
  return {std::string(key), value, MetadataType::kU32};
}

// llama-quantize keeps these texts in fields of 128 bytes, the last of them 0.
MetadataEntry TextEntry(std::string_view key, std::string_view value) {
  constexpr std::size_t kMostBytes = 127;
  return {std::string(key), std::string(value.substr(0, std::min(value.find('\0'), kMostBytes))),
          MetadataType::kString};
}

// A number, or the first of an array of them; nullopt: neither.
std::optional<std::uint64_t> FirstNumber(const MetadataValue& value) {
  if (const auto* const list = std::get_if<std::shared_ptr<const MetadataArray>>(&value)) {
    if ((*list)->Size() == 0 ||
        std::holds_alternative<std::shared_ptr<const MetadataArray>>((*list)->At(0))) {
      return std::nullopt;
    }
    return FirstNumber((*list)->At(0));
  }
  if (const auto* const number = std::get_if<std::uint64_t>(&value)) return *number;
  const auto* const signed_number = std::get_if<std::int64_t>(&value);
  if (signed_number == nullptr || *signed_number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*signed_number);
}

}  // namespace

std::span<const QuantisationMix> AllQuantisationMixes() { return kMixes; }

const QuantisationMix* FindQuantisationMix(std::string_view name) {
  const std::string lower = AsciiLower(name);
  const auto* const alias =
      std::ranges::find(kAliases, lower, [](const auto& row) { return row.first; });
  const std::string wanted =
      alias == std::ranges::end(kAliases) ? lower : AsciiLower(alias->second);
  const auto* const mix = std::ranges::find(
      kMixes, wanted, [](const QuantisationMix& row) { return AsciiLower(row.name); });
  return mix == std::ranges::end(kMixes) ? nullptr : mix;
}

Result<ModelCounts> ReadModelCounts(std::span<const MetadataEntry> metadata,
                                    std::string_view subject) {
  const auto find = [&](std::string_view key) -> const MetadataValue* {
    const MetadataEntry* entry = FindMetadata(metadata, key);
    return entry == nullptr ? nullptr : &entry->value;
  };
  const auto malformed = [&](std::string message) {
    return Error{Errc::kMalformed, std::string(subject), std::move(message)};
  };
  ModelCounts counts;
  const MetadataValue* const architecture = find("general.architecture");
  if (architecture == nullptr || !std::holds_alternative<std::string>(*architecture)) {
    return malformed("its metadata do not say what architecture it is of");
  }
  counts.architecture = std::get<std::string>(*architecture);
  const auto number = [&](std::string_view key,
                          std::optional<std::uint64_t> otherwise) -> Result<std::uint64_t> {
    const std::string full_key = fmt::format("{}.{}", counts.architecture, key);
    const MetadataValue* const value = find(full_key);
    const std::optional<std::uint64_t> found = value == nullptr ? otherwise : FirstNumber(*value);
    if (found) return *found;
    return malformed(fmt::format("{} is {}", EscapeForPeople(full_key),
                                 value == nullptr ? "missing" : "not a number"));
  };
  counts.layers = HM_TRY(number("block_count", std::nullopt));
  counts.heads = HM_TRY(number("attention.head_count", 0));
  counts.key_value_heads = HM_TRY(number("attention.head_count_kv", counts.heads));
  counts.experts = HM_TRY(number("expert_count", 0));
  return counts;
}

Result<QuantisationChoice> ChooseQuantisation(const QuantisationMix& mix, const ModelCounts& counts,
                                              std::span<const TensorToWrite> tensors,
                                              const ImportanceMatrix* importance, bool requantise) {
  return Chooser(mix, counts, tensors, importance, requantise).Choose();
}

std::vector<MetadataEntry> QuantisedMetadata(std::span<const MetadataEntry> source,
                                             const QuantisationMix& mix,
                                             const ImportanceMatrix* importance) {
  std::vector<MetadataEntry> added = {
      U32Entry("general.quantization_version", kQuantisationVersion),
      U32Entry("general.file_type", static_cast<std::uint32_t>(mix.file_type))};
  if (importance != nullptr) {
    added.push_back(TextEntry("quantize.imatrix.file", importance->path));
    if (!importance->datasets.empty()) {
      added.push_back(TextEntry("quantize.imatrix.dataset", importance->datasets.front()));
    }
    added.push_back(U32Entry("quantize.imatrix.entries_count", importance->weights.size()));
    if (importance->chunks != 0) {
      added.push_back(U32Entry("quantize.imatrix.chunks_count", importance->chunks));
    }
  }
  constexpr std::string_view kSplitKeys[] = {"split.no", "split.count", "split.tensors.count"};
  std::vector<MetadataEntry> result;
  for (const MetadataEntry& entry : source) {
    const bool is_left_out = std::ranges::count(kSplitKeys, entry.key) != 0 ||
                             std::ranges::count(added, entry.key, &MetadataEntry::key) != 0;
    if (!is_left_out) result.push_back(entry);
  }
  std::ranges::move(added, std::back_inserter(result));
  return result;
}

}  // namespace hallmark
