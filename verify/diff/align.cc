#include "verify/diff/align.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "src/kernels/narrow.h"
#include "src/model/architecture.h"
#include "weights/identity.h"

namespace hallmark {
namespace {

// Tensors that some checkpoints keep as one, their rows one after the other: a component of the
// name, and the components it stands for.
struct Fusion {
  std::string_view fused;
  std::vector<std::string_view> parts;
};
const std::vector<Fusion>& Fusions() {
  static const std::vector<Fusion> fusions = {
      {"qkv_proj", {"q_proj", "k_proj", "v_proj"}},
      {"Wqkv", {"q_proj", "k_proj", "v_proj"}},
      {"attn_qkv", {"attn_q", "attn_k", "attn_v"}},
      {"gate_up_proj", {"gate_proj", "up_proj"}},
      {"wqkv", {"wq", "wk", "wv"}},
      {"w13", {"w1", "w3"}},
  };
  return fusions;
}

// A few values of a tensor, exactly: enough to know it again under another name.
constexpr std::uint64_t kSampled = 64;  // values at each place
constexpr std::uint64_t kPlaces = 3;
using Fingerprint = std::array<std::uint64_t, kSampled * kPlaces>;  // patterns of f64

std::uint64_t ValuesOf(const CanonicalTensor& tensor) {
  const DtypeInfo& info = InfoOf(tensor.dtype);
  return tensor.bytes->Size() / info.block_bytes * info.block_values;
}

bool IsFloat(const CanonicalTensor& tensor) { return IsFloatFamily(tensor.dtype); }

// nullopt: too small, too uniform, of a type without plain values, or not to be read in places.
std::optional<Fingerprint> FingerprintOf(const CanonicalTensor& tensor) {
  const std::uint64_t values = ValuesOf(tensor);
  if (!IsFloat(tensor) || !tensor.random_access || values < kSampled * kPlaces) return std::nullopt;
  Fingerprint print;
  for (std::uint64_t place = 0; place < kPlaces; ++place) {
    const std::uint64_t first = (values - kSampled) / (kPlaces - 1) * place;
    const std::uint64_t width = InfoOf(tensor.dtype).block_bytes;
    std::array<std::byte, kSampled * sizeof(double)> bytes;
    const MutableByteSpan read = std::span(bytes).first(kSampled * width);
    if (!tensor.bytes->Read(first * width, read)) return std::nullopt;
    const bool exact =
        CastExactly(tensor.dtype, Dtype::kF64, read,
                    std::as_writable_bytes(std::span(print).subspan(place * kSampled, kSampled)));
    HM_CHECK(exact);  // widening always is
  }
  const std::set<std::uint64_t> distinct(print.begin(), print.end());
  if (distinct.size() < kSampled / 4) return std::nullopt;
  return print;
}

// Whether these may be the values of one tensor, before and after it was trained, cast or damaged.
bool AreAlike(const std::optional<Fingerprint>& a, const std::optional<Fingerprint>& b) {
  if (!a || !b) return true;
  double squares_a = 0, squares_b = 0, products = 0;
  for (std::size_t i = 0; i < a->size(); ++i) {
    const auto x = std::bit_cast<double>((*a)[i]), y = std::bit_cast<double>((*b)[i]);
    if (!std::isfinite(x) || !std::isfinite(y)) continue;
    squares_a += x * x;
    squares_b += y * y;
    products += x * y;
  }
  return products > 0.9 * std::sqrt(squares_a) * std::sqrt(squares_b);
}

struct Known {
  const CanonicalTensor* tensor;
  std::optional<Fingerprint> print;
  bool aligned = false;
};

Result<std::vector<Known>> Look(const CanonicalModel& model, const Task& task) {
  std::vector<Known> known(model.tensors.size());
  HM_TRY(ParallelFor(task, known.size(), [&](std::uint64_t i) -> Result<void> {
    known[i].tensor = &model.tensors[i];
    known[i].print = FingerprintOf(model.tensors[i]);
    return {};
  }));
  return known;
}

// A name with the dot-component `from` replaced; empty if it has none.
std::string WithComponent(std::string_view name, std::string_view from, std::string_view to) {
  for (std::size_t start = 0; start < name.size();) {
    const std::size_t end = std::min(name.find('.', start), name.size());
    if (name.substr(start, end - start) == from) {
      return fmt::format("{}{}{}", name.substr(0, start), to, name.substr(end));
    }
    start = end + 1;
  }
  return {};
}

// Bytes of whole rows: axis 0.
std::uint64_t RowBytes(const CanonicalTensor& tensor) {
  return tensor.shape.empty() || tensor.shape[0] == 0 ? 0 : tensor.bytes->Size() / tensor.shape[0];
}

bool SameBeyondRows(const Shape& a, const Shape& b) {
  return a.size() == b.size() && !a.empty() && a[0] != b[0] &&
         std::equal(a.begin() + 1, a.end(), b.begin() + 1);
}

Shape WithoutOnes(Shape shape) {
  std::erase(shape, std::uint64_t{1});
  return shape;
}

class Alignment {
 public:
  // `names_are_known`: of both models, so that another name is another place in the model.
  Alignment(std::vector<Known> a, std::vector<Known> b, bool names_are_known, AlignedNames names)
      : a_(std::move(a)), b_(std::move(b)), names_are_known_(names_are_known), names_(names) {}

  std::vector<AlignedTensors> Run() {
    ByName();
    ByValues();
    ByParts();
    TiedOutput(a_, b_, true);
    TiedOutput(b_, a_, false);
    Rest();
    return std::move(aligned_);
  }

 private:
  // The tensor of this name; null: none. Canonical tensors are in the order of their names.
  static Known* Find(std::vector<Known>& side, std::string_view name) {
    const auto found = std::ranges::lower_bound(
        side, name, {}, [](const Known& known) -> std::string_view { return known.tensor->name; });
    return found != side.end() && found->tensor->name == name ? &*found : nullptr;
  }

  // By name, but for tensors unlike that whose values stand elsewhere in the other model.
  void ByName() {
    std::map<Fingerprint, std::vector<std::size_t>> values_of_a;
    for (std::size_t i = 0; i < a_.size(); ++i) {
      if (a_[i].print) values_of_a[*a_[i].print].push_back(i);
    }
    for (Known& a : a_) {
      Known* const b = Find(b_, a.tensor->name);
      if (b == nullptr || b->aligned) continue;
      if (b->print && !AreAlike(a.print, b->print) && AlignMoved(*b, values_of_a)) continue;
      if (a.aligned) continue;
      Align(a, *b, {}, false);
    }
  }

  // Where another tensor of A has the values that B keeps under a name both have.
  bool AlignMoved(Known& b, const std::map<Fingerprint, std::vector<std::size_t>>& values_of_a) {
    const auto same = values_of_a.find(*b.print);
    if (same == values_of_a.end()) return false;
    for (const std::size_t i : same->second) {
      if (a_[i].tensor->shape != b.tensor->shape) continue;
      Align(a_[i], b, {fmt::format("moved to {}", b.tensor->name)}, true);
      aligned_.back().moved = true;
      return true;
    }
    return false;
  }

  // What is left and has the same values, whatever it is called.
  void ByValues() {
    std::map<Fingerprint, std::vector<std::size_t>> values_of_b;
    for (std::size_t i = 0; i < b_.size(); ++i) {
      if (!b_[i].aligned && b_[i].print) values_of_b[*b_[i].print].push_back(i);
    }
    for (Known& a : a_) {
      if (a.aligned || !a.print) continue;
      const auto same = values_of_b.find(*a.print);
      if (same == values_of_b.end()) continue;
      for (const std::size_t i : same->second) {
        Known& b = b_[i];
        if (b.aligned || ValuesOf(*a.tensor) != ValuesOf(*b.tensor)) continue;
        Align(a, b, {fmt::format("called {} in {}", b.tensor->name, names_.b)}, true);
        aligned_.back().moved = names_are_known_ || Find(b_, a.tensor->name) != nullptr ||
                                Find(a_, b.tensor->name) != nullptr;
        break;
      }
    }
  }

  void ByParts() {
    ByParts(a_, b_, true);
    ByParts(b_, a_, false);
  }
  void ByParts(std::vector<Known>& whole_side, std::vector<Known>& parts_side, bool whole_is_a) {
    for (Known& whole : whole_side) {
      if (whole.aligned) continue;
      for (const Fusion& fusion : Fusions()) {
        if (AlignParts(whole, fusion, parts_side, whole_is_a)) break;
      }
    }
  }
  bool AlignParts(Known& whole, const Fusion& fusion, std::vector<Known>& parts_side,
                  bool whole_is_a) {
    std::vector<Known*> parts;
    std::uint64_t rows = 0;
    for (const std::string_view part : fusion.parts) {
      const std::string name = WithComponent(whole.tensor->name, fusion.fused, part);
      Known* const found = name.empty() ? nullptr : Find(parts_side, name);
      if (found == nullptr || found->aligned) return false;
      const Shape& shape = found->tensor->shape;
      if (shape.empty() ||
          (shape != whole.tensor->shape && !SameBeyondRows(shape, whole.tensor->shape))) {
        return false;
      }
      rows += shape[0];
      parts.push_back(found);
    }
    if (whole.tensor->shape.empty() || rows != whole.tensor->shape[0]) return false;
    std::uint64_t first = 0;
    for (Known* const part : parts) {
      const std::uint64_t part_rows = part->tensor->shape[0];
      const std::uint64_t row_bytes = RowBytes(*whole.tensor);
      AlignedTensors aligned;
      Bytes of_whole =
          Slice(Borrow(*whole.tensor->bytes), first * row_bytes, part_rows * row_bytes);
      Bytes of_part = Borrow(*part->tensor->bytes);
      aligned.a = whole_is_a ? whole.tensor : part->tensor;
      aligned.b = whole_is_a ? part->tensor : whole.tensor;
      aligned.bytes_a = whole_is_a ? std::move(of_whole) : std::move(of_part);
      aligned.bytes_b = whole_is_a ? std::move(of_part) : std::move(of_whole);
      aligned.values = ValuesOf(*part->tensor);
      aligned.random_access = whole.tensor->random_access && part->tensor->random_access;
      aligned.relations.push_back(fmt::format("rows {} to {} of {} in {}", first,
                                              first + part_rows - 1, whole.tensor->name,
                                              whole_is_a ? names_.a : names_.b));
      aligned_.push_back(std::move(aligned));
      part->aligned = true;
      first += part_rows;
    }
    whole.aligned = true;
    return true;
  }

  // An output embedding that only one side keeps: the other uses its input embedding.
  void TiedOutput(std::vector<Known>& side, std::vector<Known>& other, bool side_is_a) {
    Known* const output = Find(side, kOutputEmbedding);
    Known* const input = Find(other, kInputEmbedding);
    if (output == nullptr || output->aligned || input == nullptr) return;
    if (Find(other, kOutputEmbedding) != nullptr) return;
    if (output->tensor->shape != input->tensor->shape) return;
    const bool input_aligned = input->aligned;
    const std::string relation =
        fmt::format("tied to the input embedding in {}", side_is_a ? names_.b : names_.a);
    if (side_is_a) {
      Align(*output, *input, {relation}, false);
    } else {
      Align(*input, *output, {relation}, false);
    }
    input->aligned = input_aligned;
  }

  void Rest() {
    for (const Known& a : a_) {
      if (!a.aligned) aligned_.emplace_back().a = a.tensor;
    }
    for (const Known& b : b_) {
      if (!b.aligned) aligned_.emplace_back().b = b.tensor;
    }
  }

  // `by_values`: they were found to be the same, whatever their shapes.
  void Align(Known& a, Known& b, std::vector<std::string> relations, bool by_values) {
    a.aligned = b.aligned = true;
    AlignedTensors aligned;
    aligned.a = a.tensor;
    aligned.b = b.tensor;
    aligned.relations = std::move(relations);
    aligned.random_access = a.tensor->random_access && b.tensor->random_access;
    AddRelations(*a.tensor, *b.tensor, &aligned.relations);
    AddBytes(*a.tensor, *b.tensor, by_values, &aligned);
    aligned_.push_back(std::move(aligned));
  }

  void AddRelations(const CanonicalTensor& a, const CanonicalTensor& b,
                    std::vector<std::string>* relations) const {
    const auto add = [&](const CanonicalTensor& from, const CanonicalTensor& other,
                         std::string_view side) {
      for (const std::string& relation : from.relations) {
        if (std::ranges::find(other.relations, relation) != other.relations.end()) continue;
        relations->push_back(fmt::format("{} (in {})", relation, side));
      }
    };
    add(a, b, names_.a);
    add(b, a, names_.b);
  }

  void AddBytes(const CanonicalTensor& a, const CanonicalTensor& b, bool by_values,
                AlignedTensors* aligned) const {
    const std::string shapes = fmt::format("shape {} in {}, {} in {}", ShapeText(a.shape), names_.a,
                                           ShapeText(b.shape), names_.b);
    const bool same_elements = ValuesOf(a) == ValuesOf(b);
    if (a.shape == b.shape || (same_elements && WithoutOnes(a.shape) == WithoutOnes(b.shape))) {
      aligned->bytes_a = Borrow(*a.bytes);
      aligned->bytes_b = Borrow(*b.bytes);
      aligned->values = ValuesOf(a);
    } else if (SameBeyondRows(a.shape, b.shape) && RowBytes(a) != 0 && RowBytes(b) != 0) {
      const std::uint64_t rows = std::min(a.shape[0], b.shape[0]);
      aligned->bytes_a = Slice(Borrow(*a.bytes), 0, rows * RowBytes(a));
      aligned->bytes_b = Slice(Borrow(*b.bytes), 0, rows * RowBytes(b));
      aligned->values = ValuesOf(a) / a.shape[0] * rows;
      aligned->rows_only_a = a.shape[0] - rows;
      aligned->rows_only_b = b.shape[0] - rows;
    } else if (same_elements && by_values) {
      aligned->bytes_a = Borrow(*a.bytes);
      aligned->bytes_b = Borrow(*b.bytes);
      aligned->values = ValuesOf(a);
      aligned->relations.push_back("reshaped: " + shapes);
    } else {
      aligned->reason = shapes;
    }
  }

  std::vector<Known> a_, b_;
  const bool names_are_known_;
  const AlignedNames names_;
  std::vector<AlignedTensors> aligned_;
};

}  // namespace

Result<std::vector<AlignedTensors>> AlignTensors(const CanonicalModel& a, const CanonicalModel& b,
                                                 AlignedNames names, const Task& task) {
  std::vector<Known> known_a = HM_TRY(Look(a, task));
  std::vector<Known> known_b = HM_TRY(Look(b, task));
  std::vector<AlignedTensors> aligned =
      Alignment(std::move(known_a), std::move(known_b), !a.raw && !b.raw, names).Run();
  std::ranges::stable_sort(aligned, [](const AlignedTensors& x, const AlignedTensors& y) {
    const std::string group_x = GroupKey(x.Name()), group_y = GroupKey(y.Name());
    if (group_x != group_y) return GroupKeyLess(group_x, group_y);
    return x.Name() < y.Name();
  });
  return aligned;
}

}  // namespace hallmark
