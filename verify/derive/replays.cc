#include "verify/derive/replays.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "src/kernels/quantise.h"

namespace hallmark {
namespace {

bool IsBlocks(Dtype dtype) { return InfoOf(dtype).is_block_quantised; }

std::uint64_t RowLength(const CanonicalTensor& tensor) {
  return tensor.shape.empty() ? 1 : tensor.shape.back();
}

// The official values as a step takes them, and what was done to them before.
struct Values {
  Bytes bytes;
  Dtype dtype;
  std::string steps;  // with ", " after each
  std::shared_ptr<LossCount> loss;
};

// `via`: a type that they were kept in meanwhile; none: they were not.
Values ValuesOf(const AlignedTensors& aligned, std::optional<Dtype> via) {
  Values values{nullptr, aligned.a->dtype, "", std::make_shared<LossCount>()};
  if (IsBlocks(values.dtype)) {
    values.bytes = Dequantised(Borrow(*aligned.bytes_a), values.dtype);
    values.steps = fmt::format("dequantised from {}, ", DtypeName(values.dtype));
    values.dtype = Dtype::kF32;
  } else {
    values.bytes = Borrow(*aligned.bytes_a);
  }
  if (via) {
    values.steps += fmt::format("cast from {} to {}, ", DtypeName(values.dtype), DtypeName(*via));
    values.bytes = Rounded(std::move(values.bytes), values.dtype, *via, values.loss);
    values.dtype = *via;
  }
  return values;
}

// What models are kept in before they become what they are: nothing, or a 16-bit type, whichever
// loses something.
std::vector<std::optional<Dtype>> WaysTo(Dtype from, Dtype to) {
  std::vector<std::optional<Dtype>> ways = {std::nullopt};
  for (const Dtype via : {Dtype::kF16, Dtype::kBf16}) {
    if (via != from && via != to) ways.emplace_back(via);
  }
  return ways;
}

// The suspect's norm as it is stored, where canonical norms are that less 1.
Bytes StoredNorm(const AlignedTensors& aligned, const Model& suspect) {
  const CanonicalTensor& norm = *aligned.b;
  const bool is_less_one =
      std::ranges::find(norm.relations, "1 subtracted") != norm.relations.end();
  if (!is_less_one || norm.parts.size() != 1) return nullptr;
  const TensorPart& part = norm.parts.front();
  const ModelReader& reader = *suspect.Files()[part.file].reader;
  if (reader.Tensors()[part.tensor].dtype != Dtype::kF32) return nullptr;
  return StoredBytes(reader, part.tensor);
}

void AddQuantised(const AlignedTensors& aligned, std::span<const float> importance,
                  std::vector<Replay>* replays) {
  const Dtype to = aligned.b->dtype;
  const std::uint64_t row = RowLength(*aligned.b);
  if (!CanQuantise(to) || row % InfoOf(to).block_values != 0 || !CanQuantiseRows(row)) return;
  const std::uint64_t rows = aligned.values / row;
  for (const std::optional<Dtype> via : WaysTo(aligned.a->dtype, to)) {
    const auto add = [&](std::span<const float> weights, std::string_view with) {
      Values values = ValuesOf(aligned, via);
      replays->push_back({fmt::format("{}quantised to {}{}", values.steps, DtypeName(to), with),
                          Quantised(std::move(values.bytes), values.dtype, to, row, rows, weights),
                          Borrow(*aligned.bytes_b), nullptr, true});
    };
    if (importance.size() == row) add(importance, " by the importance matrix");
    add({}, importance.empty() ? "" : " without the importance matrix");
  }
}

void AddCast(const AlignedTensors& aligned, std::vector<Replay>* replays) {
  const Dtype to = aligned.b->dtype;
  for (const std::optional<Dtype> via : WaysTo(aligned.a->dtype, to)) {
    if (!via && aligned.a->dtype == to) continue;  // nothing was done
    Values values = ValuesOf(aligned, via);
    std::string steps = std::move(values.steps);
    if (values.dtype == to) {  // dequantised
      steps.resize(steps.size() - 2);
    } else {
      steps += fmt::format("cast from {} to {}", DtypeName(values.dtype), DtypeName(to));
    }
    const auto loss = values.loss;
    replays->push_back({std::move(steps), Rounded(std::move(values.bytes), values.dtype, to, loss),
                        Borrow(*aligned.bytes_b), loss, false});
  }
}

}  // namespace

std::vector<Replay> ReplaysOf(const AlignedTensors& aligned, const Model& suspect,
                              std::span<const float> importance) {
  const Dtype from = aligned.a->dtype, to = aligned.b->dtype;
  const bool known = IsBlocks(from) || IsFloatFamily(from);
  std::vector<Replay> replays;
  if (from == to) {
    replays.push_back({"", Borrow(*aligned.bytes_a), Borrow(*aligned.bytes_b), nullptr, false});
    // Kept narrower meanwhile.
    if (IsFloatFamily(to)) AddCast(aligned, &replays);
    return replays;
  }
  if (!known) return replays;
  if (Bytes norm = StoredNorm(aligned, suspect); norm != nullptr && IsFloatFamily(from)) {
    const auto loss = std::make_shared<LossCount>();
    Bytes made = PlusOne(Borrow(*aligned.bytes_a), from, loss);
    if (made->Size() == norm->Size()) {
      replays.push_back({"1 added in f32", std::move(made), std::move(norm), loss, false});
    }
  }
  if (IsBlocks(to)) {
    AddQuantised(aligned, importance, &replays);
  } else if (IsFloatFamily(to)) {
    AddCast(aligned, &replays);
  }
  return replays;
}

}  // namespace hallmark
