#include "verify/derive/replays.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/kernels/quantise.h"

namespace hallmark {
namespace {

bool IsBlocks(Dtype dtype) { return InfoOf(dtype).is_block_quantised; }

std::uint64_t RowLength(const CanonicalTensor& tensor) {
  return tensor.shape.empty() ? 1 : tensor.shape.back();
}

// The official values in f32, as quantisers take them, and how they are stored before.
struct Values {
  Bytes bytes;
  Dtype dtype;
};
Values ValuesOf(const AlignedTensors& aligned) {
  const Dtype from = aligned.a->dtype;
  if (IsBlocks(from)) return {Dequantised(Borrow(*aligned.bytes_a), from), Dtype::kF32};
  return {Borrow(*aligned.bytes_a), from};
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
  const std::string before = IsBlocks(aligned.a->dtype)
                                 ? fmt::format("dequantised from {}, ", DtypeName(aligned.a->dtype))
                                 : "";
  const auto add = [&](std::span<const float> weights, std::string_view with) {
    Values values = ValuesOf(aligned);
    replays->push_back({fmt::format("{}quantised to {}{}", before, DtypeName(to), with),
                        Quantised(std::move(values.bytes), values.dtype, to, row, rows, weights),
                        Borrow(*aligned.bytes_b), nullptr, true});
  };
  if (importance.size() == row) add(importance, " by the importance matrix");
  add({}, importance.empty() ? "" : " without the importance matrix");
}

void AddCast(const AlignedTensors& aligned, std::vector<Replay>* replays) {
  const Dtype from = aligned.a->dtype, to = aligned.b->dtype;
  Values values = ValuesOf(aligned);
  const auto loss = std::make_shared<LossCount>();
  std::string step = IsBlocks(from) ? fmt::format("dequantised from {}", DtypeName(from)) : "";
  if (IsBlocks(from) && to == Dtype::kF32) {
    replays->push_back({step, std::move(values.bytes), Borrow(*aligned.bytes_b), nullptr, false});
    return;
  }
  step += step.empty() ? "" : ", ";
  replays->push_back(
      {fmt::format("{}cast from {} to {}", step, DtypeName(values.dtype), DtypeName(to)),
       Rounded(std::move(values.bytes), values.dtype, to, loss), Borrow(*aligned.bytes_b), loss,
       false});
}

}  // namespace

std::vector<Replay> ReplaysOf(const AlignedTensors& aligned, const Model& suspect,
                              std::span<const float> importance) {
  const Dtype from = aligned.a->dtype, to = aligned.b->dtype;
  const bool known = IsBlocks(from) || IsFloatFamily(from);
  std::vector<Replay> replays;
  if (from == to) {
    replays.push_back({"", Borrow(*aligned.bytes_a), Borrow(*aligned.bytes_b), nullptr, false});
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
