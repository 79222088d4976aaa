#include "src/model/quantisation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "src/base/text.h"

namespace hallmark {
namespace {

using Names = std::span<const std::string_view>;

// One tensor of a quantised weight: the name of its module with this suffix.
struct Part {
  std::string_view suffix;
  std::optional<Dtype> dtype = std::nullopt;  // where the name alone would not tell
};

// Which dimension of qweight holds several values in a number; the other one is that of scales.
enum class Packed : std::uint8_t { kAny, kInputs, kOutputs };

constexpr std::array<std::string_view, 2> kGptq = {"gptq", "auto-round"};
constexpr std::array<std::string_view, 2> kAwq = {"awq", "auto-round"};
constexpr std::array<std::string_view, 1> kBitsandbytes = {"bitsandbytes"};
constexpr std::array<std::string_view, 1> kCompressed = {"compressed-tensors"};
constexpr std::array<std::string_view, 3> kModelOpt = {"modelopt", "modelopt_fp4", "nvfp4"};
constexpr std::array<std::string_view, 1> kFineGrained = {"fp8"};
constexpr std::array<std::string_view, 5> kFp8 = {"fp8", "compressed-tensors", "fbgemm_fp8",
                                                  "modelopt", "quark"};
constexpr std::array<std::string_view, 2> kInt8 = {"compressed-tensors", "quark"};
constexpr std::array<std::string_view, 1> kMxfp4 = {"mxfp4"};
constexpr std::array<std::string_view, 1> kHqq = {"hqq"};
constexpr std::array<std::string_view, 1> kAqlm = {"aqlm"};
constexpr std::array<std::string_view, 1> kMlx = {"mlx"};

constexpr QuantisationScheme kGptqScheme = {"gptq", "GPTQ", kGptq};
constexpr QuantisationScheme kAwqScheme = {"awq", "AWQ", kAwq};
constexpr QuantisationScheme kNf4Scheme = {"bitsandbytes-nf4", "bitsandbytes NF4", kBitsandbytes};
constexpr QuantisationScheme kFp4Scheme = {"bitsandbytes-fp4", "bitsandbytes FP4", kBitsandbytes};
constexpr QuantisationScheme kInt8BnbScheme = {"bitsandbytes-int8", "bitsandbytes LLM.int8()",
                                               kBitsandbytes};
constexpr QuantisationScheme kPackedScheme = {"compressed-tensors-packed",
                                              "compressed-tensors, packed", kCompressed};
constexpr QuantisationScheme kNvfp4Scheme = {"nvfp4", "NVFP4", kModelOpt};
constexpr QuantisationScheme kBlockFp8Scheme = {"fp8-blocks", "FP8 with scales of blocks",
                                                kFineGrained};
constexpr QuantisationScheme kFp8Scheme = {"fp8", "FP8 with scales", kFp8};
constexpr QuantisationScheme kInt8Scheme = {"int8", "INT8 with scales", kInt8};
constexpr QuantisationScheme kMxfp4Scheme = {"mxfp4", "MXFP4", kMxfp4};
constexpr QuantisationScheme kHqqScheme = {"hqq", "HQQ", kHqq};
constexpr QuantisationScheme kAqlmScheme = {"aqlm", "AQLM", kAqlm};
constexpr QuantisationScheme kMlxScheme = {"mlx", "MLX", kMlx};

constexpr std::array kSchemes = {
    &kGptqScheme,   &kAwqScheme,   &kNf4Scheme,      &kFp4Scheme, &kInt8BnbScheme,
    &kPackedScheme, &kNvfp4Scheme, &kBlockFp8Scheme, &kFp8Scheme, &kInt8Scheme,
    &kMxfp4Scheme,  &kHqqScheme,   &kAqlmScheme,     &kMlxScheme,
};

// A module with all these tensors is kept so. The first of them is looked for; it stands in no
// other row's modules, but for rows that follow each other, of which the first that fits is taken.
struct Row {
  const QuantisationScheme& scheme;
  std::array<Part, 4> parts;  // as many as have a suffix
  Packed packed = Packed::kAny;
};

// As AutoGPTQ, AutoAWQ, bitsandbytes, compressed-tensors, ModelOpt, transformers and mlx-lm save.
// clang-format off
constexpr std::array kRows = {
    Row{kGptqScheme, {{{".qweight"}, {".qzeros"}, {".scales"}, {".g_idx"}}}},
    Row{kGptqScheme, {{{".qweight"}, {".qzeros"}, {".scales"}}}, Packed::kInputs},
    Row{kAwqScheme, {{{".qweight"}, {".qzeros"}, {".scales"}}}, Packed::kOutputs},
    Row{kNf4Scheme, {{{".weight.quant_state.bitsandbytes__nf4"}, {".weight"}, {".weight.absmax"},
                      {".weight.quant_map"}}}},
    Row{kFp4Scheme, {{{".weight.quant_state.bitsandbytes__fp4"}, {".weight"}, {".weight.absmax"},
                      {".weight.quant_map"}}}},
    Row{kInt8BnbScheme, {{{".SCB"}, {".weight", Dtype::kI8}}}},
    Row{kPackedScheme, {{{".weight_packed"}, {".weight_scale"}}}},
    Row{kNvfp4Scheme, {{{".weight_scale_2"}, {".weight_scale"}, {".weight", Dtype::kU8}}}},
    Row{kBlockFp8Scheme, {{{".weight_scale_inv"}, {".weight", Dtype::kF8E4m3}}}},
    Row{kFp8Scheme, {{{".weight_scale"}, {".weight", Dtype::kF8E4m3}}}},
    Row{kInt8Scheme, {{{".weight_scale"}, {".weight", Dtype::kI8}}}},
    Row{kMxfp4Scheme, {{{"_blocks", Dtype::kU8}, {"_scales", Dtype::kU8}}}},
    Row{kHqqScheme, {{{".W_q"}, {".scale"}, {".zero"}}}},
    Row{kAqlmScheme, {{{".codes"}, {".codebooks"}, {".scales"}}}},
    Row{kMlxScheme, {{{".scales"}, {".weight", Dtype::kU32}}}},
};
// clang-format on

using ByName = std::unordered_map<std::string_view, const TensorInfo*>;

const TensorInfo* Find(const ByName& tensors, std::string_view module, const Part& part) {
  const auto found = tensors.find(std::string(module) + std::string(part.suffix));
  if (found == tensors.end() || (part.dtype && found->second->dtype != *part.dtype)) return nullptr;
  return found->second;
}

// AWQ packs eight outputs of a matrix into a number, GPTQ as many inputs.
bool IsPacked(Packed packed, const TensorInfo& weight, const TensorInfo& scales) {
  if (packed == Packed::kAny) return true;
  if (weight.shape.size() != 2 || scales.shape.size() != 2) return false;
  const bool same_outputs = weight.shape[1] == scales.shape[1];
  return same_outputs == (packed == Packed::kInputs);
}

bool Fits(const Row& row, std::string_view module, const ByName& tensors) {
  std::array<const TensorInfo*, 4> found{};
  for (std::size_t i = 0; i < row.parts.size() && !row.parts[i].suffix.empty(); ++i) {
    found[i] = Find(tensors, module, row.parts[i]);
    if (found[i] == nullptr) return false;
  }
  return row.packed == Packed::kAny || IsPacked(row.packed, *found[0], *found[2]);
}

bool MayBegin(const Row& row, const TensorInfo& tensor) {
  return tensor.name.ends_with(row.parts[0].suffix);
}

}  // namespace

bool QuantisationScheme::IsCalled(std::string_view method) const {
  return std::ranges::find(methods, method) != methods.end();
}

std::span<const QuantisationScheme* const> AllQuantisationSchemes() { return kSchemes; }

std::vector<FoundQuantisation> FindQuantisation(std::span<const TensorInfo* const> tensors) {
  // Most models have none of these names, and need no table of theirs.
  const auto may_begin = [](const TensorInfo* tensor) {
    return std::ranges::any_of(kRows, [&](const Row& row) { return MayBegin(row, *tensor); });
  };
  if (std::ranges::none_of(tensors, may_begin)) return {};
  ByName by_name;
  by_name.reserve(tensors.size());
  for (const TensorInfo* tensor : tensors) by_name.emplace(tensor->name, tensor);

  std::array<FoundQuantisation, kSchemes.size()> counts;
  for (const TensorInfo* tensor : tensors) {
    for (const Row& row : kRows) {
      if (!MayBegin(row, *tensor)) continue;
      std::string_view module = tensor->name;
      module.remove_suffix(row.parts[0].suffix.size());
      if (!Fits(row, module, by_name)) continue;
      const auto scheme = std::ranges::find(kSchemes, &row.scheme) - kSchemes.begin();
      FoundQuantisation& found = counts[static_cast<std::size_t>(scheme)];
      if (found.weights++ == 0) found.example = module;
      break;
    }
  }
  std::vector<FoundQuantisation> found;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i].weights == 0) continue;
    counts[i].scheme = kSchemes[i];
    found.push_back(std::move(counts[i]));
  }
  return found;
}

bool QuantisationAgrees(const std::optional<ConfiguredQuantisation>& configured,
                        std::span<const FoundQuantisation> found) {
  if (!configured) return true;
  const auto is_called = [&](const QuantisationScheme& scheme) {
    return scheme.IsCalled(configured->method);
  };
  if (found.empty()) {
    return std::ranges::none_of(kSchemes, [&](const auto* scheme) { return is_called(*scheme); });
  }
  return std::ranges::all_of(found, [&](const auto& each) { return is_called(*each.scheme); });
}

std::string QuantisationText(const std::optional<ConfiguredQuantisation>& configured,
                             std::string_view source, std::span<const FoundQuantisation> found) {
  std::string text;
  for (const FoundQuantisation& each : found) {
    text += fmt::format("{}{} ({} {})", text.empty() ? "" : ", ", each.scheme->title, each.weights,
                        each.weights == 1 ? "weight" : "weights");
  }
  if (!configured) return text;
  const bool is_confirmed = !found.empty() && QuantisationAgrees(configured, found);
  text = fmt::format("{}, {} {} says: {}", found.empty() ? "no tensor is named so" : text,
                     is_confirmed ? "as" : "but", EscapeForPeople(source),
                     EscapeForPeople(configured->method));
  if (configured->bits) text += fmt::format(", {} bits", *configured->bits);
  if (configured->group_size) text += fmt::format(", groups of {}", *configured->group_size);
  return text;
}

}  // namespace hallmark
