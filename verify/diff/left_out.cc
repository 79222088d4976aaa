#include "verify/diff/left_out.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "src/kernels/compare.h"
#include "weights/views.h"

namespace hallmark {
namespace {

// Derived buffers are small; larger ones are not what their name says.
constexpr std::uint64_t kMaxBytes = 64 * 1024 * 1024;

struct Stored {
  const ModelReader* reader;
  std::size_t tensor;

  const TensorInfo& Info() const { return reader->Tensors()[tensor]; }
  TensorDiff::Side Describe() const {
    return {Info().name, Info().name, Info().dtype, Info().shape};
  }
};

// The tensors left out, by name; of several ranks the first one's.
std::map<std::string, Stored> Find(const ComparedModel& compared) {
  const Model& model = *compared.model;
  std::set<std::string_view> names;
  for (const LeftOut& item : compared.canonical.left_out) names.insert(item.stored_name);
  std::map<std::string, Stored> found;
  if (names.empty()) return found;
  for (std::size_t f = 0; f < model.Files().size(); ++f) {
    const ModelReader& reader = *model.Files()[f].reader;
    for (std::size_t t = 0; t < reader.Tensors().size(); ++t) {
      const std::string_view name = model.TensorName(f, t);
      if (names.contains(name)) found.emplace(std::string(name), Stored{&reader, t});
    }
  }
  return found;
}

Result<bool> HoldTheSame(const Stored& a, const Stored& b, const Task& task) {
  HM_TRY(task.CheckStopped());
  const TensorInfo &info_a = a.Info(), &info_b = b.Info();
  if (info_a.shape != info_b.shape || info_a.payload_bytes > kMaxBytes ||
      info_b.payload_bytes > kMaxBytes) {
    return false;
  }
  std::vector<std::byte> bytes_a(info_a.payload_bytes), bytes_b(info_b.payload_bytes);
  HM_TRY(a.reader->ReadTensor(a.tensor, 0, bytes_a));
  HM_TRY(b.reader->ReadTensor(b.tensor, 0, bytes_b));
  if (info_a.dtype == info_b.dtype) return bytes_a == bytes_b;
  if (!CanCompare(info_a.dtype) || !CanCompare(info_b.dtype)) return false;
  ValueComparison values;
  CompareValues(info_a.dtype, bytes_a, info_b.dtype, bytes_b, &values);
  return values.differing == 0;
}

bool IsScaledRope(std::string_view name) {
  return name == "rope_freqs.weight" || name == "rope_factors_long.weight" ||
         name == "rope_factors_short.weight";
}

}  // namespace

Result<std::vector<LeftOutDifference>> CompareLeftOut(const ComparedModel& a,
                                                      const ComparedModel& b, const Task& task) {
  const auto in_a = Find(a), in_b = Find(b);
  const bool both_gguf = a.canonical.scheme == "gguf" && b.canonical.scheme == "gguf";
  std::vector<LeftOutDifference> differences;
  for (const auto& [name, stored] : in_a) {
    const auto other = in_b.find(name);
    if (other == in_b.end()) {
      if (both_gguf && IsScaledRope(name)) differences.push_back({stored.Describe(), std::nullopt});
    } else if (!HM_TRY(HoldTheSame(stored, other->second, task))) {
      differences.push_back({stored.Describe(), other->second.Describe()});
    }
  }
  for (const auto& [name, stored] : in_b) {
    if (both_gguf && IsScaledRope(name) && !in_a.contains(name)) {
      differences.push_back({std::nullopt, stored.Describe()});
    }
  }
  return differences;
}

}  // namespace hallmark
