#include "transform/tensor_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>
#include <utility>

#include "src/base/text.h"
#include "src/kernels/dequantise.h"
#include "src/model/architecture.h"
#include "weights/identity.h"
#include "weights/shard_joining.h"

namespace hallmark {
namespace {

Error CannotWrite(Errc code, std::string_view tensor, std::string message) {
  return Error{code, EscapeForPeople(tensor), std::move(message)};
}

PlannedTensor PlanFrom(const CanonicalTensor& tensor) {
  return {.name = tensor.name,
          .dtype = tensor.dtype,
          .shape = tensor.shape,
          .bytes = Borrow(*tensor.bytes),
          .sources = {tensor.stored_name},
          .steps = tensor.relations,
          .loss = nullptr};
}

std::uint64_t NumberOf(std::string_view digits) {
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

std::ptrdiff_t Numbers(std::string_view name_template) {
  return std::ranges::count(name_template, '#');
}

// The name that a rule has in a scheme, of this layer and expert.
std::string NameFrom(std::string_view name_template, const NameMatch& match) {
  std::string name;
  bool first = true;
  for (const char c : name_template) {
    if (c != '#') {
      name += c;
      continue;
    }
    name += first ? match.layer : match.expert;
    first = false;
  }
  return name + "." + std::string(match.suffix);
}

// The rows of q and k from halves, as canonical, into rotary pairs.
Result<void> PutIntoPairs(const ModelConfig& config, TensorRole role, PlannedTensor* tensor) {
  if (role != TensorRole::kQuery && role != TensorRole::kKey) return {};
  const std::uint64_t heads = HM_TRY(HeadCount(config, tensor->name, role == TensorRole::kKey));
  const std::uint64_t rows = tensor->shape.empty() ? 1 : tensor->shape[0];
  if (heads > rows || rows % heads != 0 || rows / heads % 2 != 0 ||
      tensor->bytes->Size() % rows != 0) {
    return CannotWrite(Errc::kMalformed, tensor->name,
                       fmt::format("{} rows are not whole rotary pairs of {} heads", rows, heads));
  }
  if (tensor->shape.size() == 1 && InfoOf(tensor->dtype).block_values != 1) {
    return CannotWrite(Errc::kUnsupported, tensor->name,
                       fmt::format("values of type {} cannot be put into another order",
                                   DtypeName(tensor->dtype)));
  }
  tensor->steps.push_back("rows of halves put into rotary pairs");
  if (tensor->bytes->Size() == 0) return {};
  tensor->bytes = JoinRotaryPairs(std::move(tensor->bytes), heads, rows);
  return {};
}

Result<NameMatch> Understand(const Architecture& row, const CanonicalTensor& tensor,
                             NameScheme target) {
  const auto match = MatchName(NameScheme::kHuggingFace, &row, tensor.name);
  if (!match || match->rule->Name(target).empty()) {
    return CannotWrite(
        Errc::kUnsupported, tensor.stored_name,
        fmt::format("{} has no name for this tensor of {}",
                    target == NameScheme::kGguf ? "GGUF" : "Meta's layout", row.name));
  }
  return *match;
}

Result<const Architecture*> RowOf(const CanonicalModel& model, std::string_view target) {
  const Architecture* row = model.raw ? nullptr : FindArchitecture(model.architecture);
  if (row != nullptr) return row;
  return Error{Errc::kUnsupported, std::string(target),
               "the architecture of this model is not known here, so its tensors have no names in "
               "this format",
               std::nullopt, "safetensors, pytorch and npz take tensors under any names"};
}

// The values of a small f32 vector; none if there is no such tensor.
Result<std::vector<float>> RopeValues(const Model& model, std::string_view name) {
  constexpr std::uint64_t kLimit = 1024 * 1024;  // bytes; there are at most a few hundred values
  for (std::size_t f = 0; f < model.Files().size(); ++f) {
    const ModelReader& reader = *model.Files()[f].reader;
    for (std::size_t t = 0; t < reader.Tensors().size(); ++t) {
      const TensorInfo& info = reader.Tensors()[t];
      const bool is_it = model.TensorName(f, t) == name && info.dtype == Dtype::kF32 &&
                         info.shape.size() == 1 && info.payload_bytes <= kLimit;
      if (!is_it) continue;
      std::vector<float> values(info.shape[0]);
      HM_TRY(reader.ReadTensor(t, 0, std::as_writable_bytes(std::span(values))));
      return values;
    }
  }
  return std::vector<float>();
}

}  // namespace

std::vector<PlannedTensor> PlanStored(const Model& model) {
  std::vector<PlannedTensor> planned;
  for (std::size_t f = 0; f < model.Files().size(); ++f) {
    const ModelReader& reader = *model.Files()[f].reader;
    for (std::size_t t = 0; t < reader.Tensors().size(); ++t) {
      const TensorInfo& info = reader.Tensors()[t];
      const std::string name(model.TensorName(f, t));
      planned.push_back(
          {name, info.dtype, info.shape, StoredBytes(reader, t), {info.name}, {}, nullptr});
    }
  }
  return planned;
}

Result<std::vector<PlannedTensor>> PlanHub(const CanonicalModel& model, const Task& task) {
  std::vector<PlannedTensor> planned;
  for (const CanonicalTensor& tensor : model.tensors) {
    PlannedTensor& made = planned.emplace_back(PlanFrom(tensor));
    // ggml's files drop dimensions of 1; of the matrices of all architectures this one alone has
    // one.
    if (tensor.name.ends_with(".shared_expert_gate.weight") && made.shape.size() == 1) {
      made.shape.insert(made.shape.begin(), 1);
    }
    if (tensor.dtype != Dtype::kF64 || tensor.relations.empty()) continue;
    // 1 was subtracted: what it was before 1 was added fits a narrower type.
    Task quiet = task;
    quiet.progress = nullptr;
    const TensorDigest digest =
        HM_TRY(DigestTensor(*tensor.bytes, tensor.dtype, tensor.shape, quiet));
    made.dtype = digest.dtype == Dtype::kF64 ? Dtype::kF32 : digest.dtype;
    made.loss = std::make_shared<LossCount>();
    made.bytes = Rounded(std::move(made.bytes), tensor.dtype, made.dtype, made.loss);
  }
  return planned;
}

Result<std::vector<PlannedTensor>> PlanGguf(const CanonicalModel& model,
                                            const ModelConfig& config) {
  const Architecture& row = *HM_TRY(RowOf(model, "gguf"));
  struct Stack {
    std::map<std::uint64_t, PlannedTensor> experts;  // one, without a number, if not of experts
    std::uint64_t block = 0;                         // 0: in none, else its number and 1
  };
  std::map<std::string, Stack> stacks;
  for (const CanonicalTensor& canonical : model.tensors) {
    if (canonical.name.starts_with("rope_")) continue;  // the configuration says it
    const NameMatch match = HM_TRY(Understand(row, canonical, NameScheme::kGguf));
    const TensorRule& rule = *match.rule;
    PlannedTensor tensor = PlanFrom(canonical);
    tensor.name = NameFrom(rule.gguf, match);
    if (row.gguf_interleaved) HM_TRY(PutIntoPairs(config, rule.role, &tensor));
    const bool is_norm = rule.role == TensorRole::kNorm && !match.IsBias();
    if (is_norm && row.gguf_norms_plus_one) {
      if (!IsFloatFamily(tensor.dtype)) {
        return CannotWrite(Errc::kUnsupported, canonical.stored_name,
                           fmt::format("a norm of type {}", DtypeName(tensor.dtype)));
      }
      tensor.loss = std::make_shared<LossCount>();
      tensor.bytes = PlusOne(std::move(tensor.bytes), tensor.dtype, tensor.loss);
      tensor.dtype = Dtype::kF32;
      tensor.steps.push_back("1 added");
    }
    FixGgufType(&tensor);
    Stack& stack = stacks[tensor.name];
    stack.block = match.layer.empty() ? 0 : NumberOf(match.layer) + 1;
    const bool stacks_experts = Numbers(rule.gguf) < Numbers(rule.canonical);
    stack.experts.emplace(stacks_experts ? NumberOf(match.expert) : 0, std::move(tensor));
  }

  std::vector<std::pair<std::uint64_t, PlannedTensor>> made;
  for (auto& [name, stack] : stacks) {
    PlannedTensor tensor = std::move(stack.experts.begin()->second);
    if (name.find("_exps.") != std::string::npos) {
      std::vector<Bytes> parts;
      std::uint64_t expected = 0;
      const Shape shape = tensor.shape;
      const Dtype dtype = tensor.dtype;
      parts.push_back(std::move(tensor.bytes));
      for (auto& [number, expert] : stack.experts) {
        if (number != expected++) {
          return CannotWrite(Errc::kMalformed, name,
                             fmt::format("expert {} of it is missing", expected - 1));
        }
        if (number == 0) continue;
        if (expert.shape != shape || expert.dtype != dtype) {
          return CannotWrite(Errc::kMalformed, expert.sources.front(),
                             "it has another shape or type than the first expert");
        }
        tensor.sources.push_back(expert.sources.front());
        parts.push_back(std::move(expert.bytes));
      }
      tensor.bytes = JoinRows(std::move(parts));
      tensor.shape.insert(tensor.shape.begin(), stack.experts.size());
      tensor.steps.push_back(fmt::format("{} experts stacked", stack.experts.size()));
    }
    made.emplace_back(stack.block, std::move(tensor));
  }
  std::ranges::stable_sort(made, {}, [](const auto& item) { return item.first; });
  std::vector<PlannedTensor> planned;
  for (auto& [block, tensor] : made) planned.push_back(std::move(tensor));
  return planned;
}

Result<MetaPlan> PlanMeta(const CanonicalModel& model, const ModelConfig& config,
                          std::uint64_t ranks, EmbeddingSplit split) {
  const Architecture& row = *HM_TRY(RowOf(model, "meta"));
  MetaPlan plan;
  plan.ranks.resize(ranks);
  const auto add = [&](const CanonicalTensor& canonical, std::string_view as) -> Result<void> {
    CanonicalTensor renamed;
    renamed.name = as;
    renamed.stored_name = canonical.stored_name;
    const NameMatch match = HM_TRY(Understand(row, renamed, NameScheme::kMeta));
    PlannedTensor whole = PlanFrom(canonical);
    whole.name = NameFrom(match.rule->meta, match);
    if (InfoOf(whole.dtype).is_block_quantised) {
      return CannotWrite(Errc::kUnsupported, canonical.stored_name,
                         fmt::format("Meta's layout has no type {}", DtypeName(whole.dtype)));
    }
    HM_TRY(PutIntoPairs(config, match.rule->role, &whole));
    ShardAxis axis = match.rule->axis;
    if (axis == ShardAxis::kEmbedding) {
      axis = split == EmbeddingSplit::kRows ? ShardAxis::kRows : ShardAxis::kColumns;
    }
    if (match.IsBias() && axis == ShardAxis::kColumns) axis = ShardAxis::kReplicated;
    const bool is_key_value =
        match.rule->role == TensorRole::kKey || match.rule->role == TensorRole::kValue;
    // Fewer key heads than ranks: neighbours hold the same.
    std::uint64_t pieces = ranks;
    if (is_key_value) {
      const std::uint64_t heads = HM_TRY(HeadCount(config, canonical.stored_name, true));
      if (heads < ranks && heads != 0 && ranks % heads == 0) pieces = heads;
    }
    if (match.rule->role == TensorRole::kQuery) {
      const std::uint64_t heads = HM_TRY(HeadCount(config, canonical.stored_name, false));
      if (heads % ranks != 0) {
        return CannotWrite(Errc::kUsage, whole.name,
                           fmt::format("{} heads cannot be divided among {} ranks", heads, ranks));
      }
    }
    const std::size_t dimension = axis == ShardAxis::kColumns ? 1 : 0;
    if (axis != ShardAxis::kReplicated &&
        (whole.shape.size() <= dimension || whole.shape[dimension] % pieces != 0)) {
      return CannotWrite(Errc::kUsage, whole.name,
                         fmt::format("its shape {} cannot be divided among {} ranks",
                                     ShapeText(whole.shape), ranks));
    }
    const Bytes& base = plan.joined.emplace_back(std::move(whole.bytes));
    for (std::uint64_t rank = 0; rank < ranks; ++rank) {
      PlannedTensor part{whole.name,    whole.dtype, whole.shape, Borrow(*base),
                         whole.sources, whole.steps, nullptr};
      const std::uint64_t piece = rank / (ranks / pieces);
      if (axis != ShardAxis::kReplicated && pieces > 1) {
        part.shape[dimension] /= pieces;
        part.steps.push_back(fmt::format("part {} of {} by {}", piece + 1, pieces,
                                         dimension == 0 ? "rows" : "columns"));
      }
      if (axis == ShardAxis::kRows) {
        const std::uint64_t size = base->Size() / pieces;
        part.bytes = Slice(std::move(part.bytes), piece * size, size);
      } else if (axis == ShardAxis::kColumns && base->Size() != 0) {
        const std::uint64_t width = base->Size() / whole.shape[0] / pieces;
        part.bytes = SliceColumns(std::move(part.bytes), whole.shape[0], piece * width, width);
      }
      plan.ranks[rank].push_back(std::move(part));
    }
    return {};
  };

  const CanonicalTensor* embedding = nullptr;
  bool has_output = false;
  for (const CanonicalTensor& tensor : model.tensors) {
    if (tensor.name.starts_with("rope_")) continue;
    if (tensor.name == kInputEmbedding) embedding = &tensor;
    if (tensor.name == kOutputEmbedding) has_output = true;
    HM_TRY(add(tensor, tensor.name));
  }
  // Meta's code has no tied embeddings.
  if (!has_output && embedding != nullptr) HM_TRY(add(*embedding, kOutputEmbedding));
  return plan;
}

void CastTo(Dtype dtype, PlannedTensor* tensor) {
  if (tensor->dtype == dtype) return;
  tensor->steps.push_back(fmt::format("{} to {}", DtypeName(tensor->dtype), DtypeName(dtype)));
  if (!tensor->loss) tensor->loss = std::make_shared<LossCount>();
  tensor->bytes = Rounded(std::move(tensor->bytes), tensor->dtype, dtype, tensor->loss);
  tensor->dtype = dtype;
}

Result<void> CastTensors(const CastRequest& request, std::vector<PlannedTensor>* tensors) {
  for (PlannedTensor& tensor : *tensors) {
    if (InfoOf(tensor.dtype).is_block_quantised) {
      if (!request.dequantise && request.keep_blocks && !request.dtype) continue;
      if (!request.dequantise || !CanDequantise(tensor.dtype)) {
        Error error =
            CannotWrite(Errc::kUsage, tensor.sources.front(),
                        fmt::format("it is quantised ({}) and would have to be taken apart",
                                    DtypeName(tensor.dtype)));
        error.hint = "pass --requantize to do so; what quantising lost does not come back";
        return error;
      }
      tensor.steps.push_back(fmt::format("{} dequantised", DtypeName(tensor.dtype)));
      tensor.bytes = Dequantised(std::move(tensor.bytes), tensor.dtype);
      tensor.dtype = Dtype::kF32;
    }
    if (!request.dtype || tensor.type_is_fixed || !IsFloatFamily(tensor.dtype)) continue;
    CastTo(*request.dtype, &tensor);
  }
  return {};
}

void FixGgufType(PlannedTensor* tensor) {
  const bool is_vector =
      std::ranges::count_if(tensor->shape, [](std::uint64_t size) { return size != 1; }) <= 1;
  const bool wants_f32 = is_vector || tensor->name.ends_with("_norm.weight") ||
                         tensor->name.find("ffn_gate_inp") != std::string::npos;
  if (!wants_f32 || !IsFloatFamily(tensor->dtype)) return;
  CastTo(Dtype::kF32, tensor);
  tensor->type_is_fixed = true;
}

Result<TensorFacts> FactsOf(const Model& model, const CanonicalModel& canonical) {
  TensorFacts facts;
  facts.rope_freqs = HM_TRY(RopeValues(model, "rope_freqs.weight"));
  facts.rope_factors_long = HM_TRY(RopeValues(model, "rope_factors_long.weight"));
  facts.rope_factors_short = HM_TRY(RopeValues(model, "rope_factors_short.weight"));
  std::map<std::pair<std::string_view, bool>, const CanonicalTensor*> first_of;  // all layers'
  for (const CanonicalTensor& tensor : canonical.tensors) {
    const auto match = MatchName(NameScheme::kHuggingFace, nullptr, tensor.name);
    if (!match) continue;
    const std::string_view name = match->rule->canonical;
    const CanonicalTensor*& first = first_of[{name, match->IsBias()}];
    if (first == nullptr) first = &tensor;
    if (first->shape != tensor.shape) {
      facts.contradiction = fmt::format("{} has shape {}, {} {}", EscapeForPeople(first->name),
                                        ShapeText(first->shape), EscapeForPeople(tensor.name),
                                        ShapeText(tensor.shape));
    } else if (!IsFloatFamily(tensor.dtype) && !InfoOf(tensor.dtype).is_block_quantised) {
      facts.contradiction =
          fmt::format("{} is of type {}", EscapeForPeople(tensor.name), DtypeName(tensor.dtype));
    }
    const std::uint64_t rows = tensor.shape.empty() ? 0 : tensor.shape[0];
    const std::uint64_t columns = tensor.shape.size() < 2 ? 0 : tensor.shape[1];
    const auto ends_with = [&](std::string_view end) { return name.ends_with(end); };
    if (!match->layer.empty()) facts.layers = std::max(facts.layers, NumberOf(match->layer) + 1);
    if (match->IsBias()) {
      facts.has_query_bias |= ends_with("self_attn.q_proj");
      facts.has_output_bias |= ends_with("self_attn.o_proj");
      facts.has_ffn_bias |= ends_with("mlp.down_proj");
      continue;
    }
    if (name == "model.embed_tokens") {
      facts.vocab_size = rows;
      facts.hidden_size = columns;
      if (IsFloatFamily(tensor.dtype)) facts.dtype = tensor.dtype;
    } else if (name == "lm_head") {
      facts.has_output = true;
    } else if (ends_with("self_attn.q_proj")) {
      facts.query_rows = rows;
    } else if (ends_with("self_attn.k_proj")) {
      facts.key_rows = rows;
    } else if (ends_with("shared_expert.down_proj")) {
      facts.shared_expert_ffn_size = columns;
    } else if (ends_with("experts.#.down_proj") || ends_with("experts.#.w2")) {
      facts.expert_ffn_size = columns;
    } else if (ends_with("mlp.down_proj")) {
      facts.ffn_size = columns;
    }
  }
  return facts;
}

}  // namespace hallmark
