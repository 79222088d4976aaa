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

bool IsFloat(const CanonicalTensor& tensor) { return IsFloatFamily(tensor.dtype); }

// nullopt: too small, too uniform, of a type without plain values, or not to be read in places.
std::optional<Fingerprint> FingerprintOf(const CanonicalTensor& tensor) {
  const std::uint64_t values = ValueCount(tensor);
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
  std::string name;  // as the other model may call it
  std::optional<Fingerprint> print;
  bool aligned = false;
};

// Values that a tensor of a certain shape begins, goes on and ends with.
using Look = std::pair<Fingerprint, Shape>;

Result<std::vector<Known>> LookAt(const CanonicalModel& model, const Task& task) {
  std::vector<Known> known(model.tensors.size());
  HM_TRY(ParallelFor(task, known.size(), [&](std::uint64_t i) -> Result<void> {
    known[i].tensor = &model.tensors[i];
    known[i].name = model.tensors[i].name;
    known[i].print = FingerprintOf(model.tensors[i]);
    return {};
  }));
  return known;
}

// The part of a name before its n-th dot, with the dot; empty if it has fewer.
std::string_view PrefixOf(std::string_view name, std::size_t dots) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < dots; ++i) {
    at = name.find('.', at) + 1;
    if (at == 0) return {};
  }
  return name.substr(0, at);
}

std::string WithoutPrefix(const std::string& name, std::string_view prefix) {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

// Frameworks put one more component, such as "model." or "transformer.", before the names of a
// model that is part of another. Takes it from the names of `side` if more of them are then found
// in `other`.
void DropPrefix(std::vector<Known>* side, const std::vector<Known>& other) {
  std::set<std::string_view> names;
  for (const Known& known : other) names.insert(known.name);
  const auto found = [&](std::string_view prefix) {
    return std::ranges::count_if(*side, [&](const Known& known) {
      return names.contains(WithoutPrefix(known.name, prefix));
    });
  };
  std::map<std::string, std::size_t> prefixes;
  for (const Known& known : *side) {
    for (const std::size_t dots : {1, 2}) ++prefixes[std::string(PrefixOf(known.name, dots))];
  }
  std::string best;
  auto most = found(best);
  for (const auto& [prefix, times] : prefixes) {
    if (prefix.empty() || times * 2 < side->size()) continue;
    std::set<std::string> left;  // names must stay apart
    for (const Known& known : *side) left.insert(WithoutPrefix(known.name, prefix));
    if (left.size() != side->size()) continue;
    if (const auto matches = found(prefix); matches > most) {
      most = matches;
      best = prefix;
    }
  }
  for (Known& known : *side) known.name = WithoutPrefix(known.name, best);
  std::ranges::sort(*side, {}, &Known::name);
}

// Whether further rows of this tensor are further tokens.
bool HasTokensAsRows(std::string_view name) {
  for (const std::string_view end :
       {kInputEmbedding, kOutputEmbedding, std::string_view("embed_tokens.weight"),
        std::string_view("lm_head.weight"), std::string_view("wte.weight"),
        std::string_view("word_embeddings.weight"), std::string_view("token_embd.weight")}) {
    if (name.ends_with(end)) return true;
  }
  return false;
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

// Bytes of one row, of axis 0; 0 where rows are not whole blocks.
std::uint64_t RowBytes(const CanonicalTensor& tensor) {
  const std::uint64_t rows = tensor.shape.empty() ? 0 : tensor.shape[0];
  if (rows == 0 || tensor.bytes->Size() % rows != 0) return 0;
  const std::uint64_t bytes = tensor.bytes->Size() / rows;
  return bytes % InfoOf(tensor.dtype).block_bytes == 0 ? bytes : 0;
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
      : a_(std::move(a)), b_(std::move(b)), names_are_known_(names_are_known), names_(names) {
    if (names_are_known) return;
    DropPrefix(&a_, b_);
    DropPrefix(&b_, a_);
  }

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
  // The tensor of this name; null: none. Both sides are in the order of their names.
  static Known* Find(std::vector<Known>& side, std::string_view name) {
    const auto found = std::ranges::lower_bound(side, name, {}, &Known::name);
    return found != side.end() && found->name == name ? &*found : nullptr;
  }

  // By name, but for tensors unlike that whose values stand elsewhere in the other model.
  void ByName() {
    std::map<Look, std::size_t> looks_of_a;
    for (std::size_t i = 0; i < a_.size(); ++i) {
      if (a_[i].print) looks_of_a.emplace(Look(*a_[i].print, a_[i].tensor->shape), i);
    }
    for (Known& a : a_) {
      Known* const b = Find(b_, a.name);
      if (b == nullptr || b->aligned) continue;
      if (b->print && !AreAlike(a.print, b->print)) {
        const auto elsewhere = looks_of_a.find(Look(*b->print, b->tensor->shape));
        if (elsewhere != looks_of_a.end()) {
          Align(a_[elsewhere->second], *b, {fmt::format("moved to {}", b->tensor->name)});
          aligned_.back().place = AlignedTensors::Place::kOther;
          continue;
        }
      }
      if (a.aligned) continue;
      std::vector<std::string> relations;
      if (a.tensor->name != b->tensor->name) {
        relations.push_back(fmt::format("called {} in {}", b->tensor->name, names_.b));
      }
      Align(a, *b, std::move(relations));
    }
  }

  // What is left and has the same values, whatever it is called.
  void ByValues() {
    std::map<Look, std::vector<std::size_t>> looks_of_b;  // the last first
    for (std::size_t i = b_.size(); i-- > 0;) {
      if (!b_[i].aligned && b_[i].print) {
        looks_of_b[Look(*b_[i].print, b_[i].tensor->shape)].push_back(i);
      }
    }
    for (Known& a : a_) {
      if (a.aligned || !a.print) continue;
      const auto same = looks_of_b.find(Look(*a.print, a.tensor->shape));
      if (same == looks_of_b.end() || same->second.empty()) continue;
      Known& b = b_[same->second.back()];
      same->second.pop_back();
      Align(a, b, {fmt::format("called {} in {}", b.tensor->name, names_.b)});
      const bool is_elsewhere =
          names_are_known_ || Find(b_, a.name) != nullptr || Find(a_, b.name) != nullptr;
      aligned_.back().place =
          is_elsewhere ? AlignedTensors::Place::kOther : AlignedTensors::Place::kUnknown;
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
      const std::string name = WithComponent(whole.name, fusion.fused, part);
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
    if (RowBytes(*whole.tensor) == 0) return false;
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
      aligned.values = ValueCount(*part->tensor);
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
      Align(*output, *input, {relation});
    } else {
      Align(*input, *output, {relation});
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

  void Align(Known& a, Known& b, std::vector<std::string> relations) {
    a.aligned = b.aligned = true;
    AlignedTensors aligned;
    aligned.a = a.tensor;
    aligned.b = b.tensor;
    aligned.relations = std::move(relations);
    aligned.random_access = a.tensor->random_access && b.tensor->random_access;
    AddRelations(*a.tensor, *b.tensor, &aligned.relations);
    AddBytes(*a.tensor, *b.tensor, &aligned);
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

  void AddBytes(const CanonicalTensor& a, const CanonicalTensor& b, AlignedTensors* aligned) const {
    const std::string shapes = fmt::format("shape {} in {}, {} in {}", ShapeText(a.shape), names_.a,
                                           ShapeText(b.shape), names_.b);
    const bool same_elements = ValueCount(a) == ValueCount(b);
    if (a.shape == b.shape || (same_elements && WithoutOnes(a.shape) == WithoutOnes(b.shape))) {
      aligned->bytes_a = Borrow(*a.bytes);
      aligned->bytes_b = Borrow(*b.bytes);
      aligned->values = ValueCount(a);
      if (a.shape != b.shape) aligned->relations.push_back(shapes);
    } else if (SameBeyondRows(a.shape, b.shape) && HasTokensAsRows(a.name) && RowBytes(a) != 0 &&
               RowBytes(b) != 0) {
      const std::uint64_t rows = std::min(a.shape[0], b.shape[0]);
      aligned->bytes_a = Slice(Borrow(*a.bytes), 0, rows * RowBytes(a));
      aligned->bytes_b = Slice(Borrow(*b.bytes), 0, rows * RowBytes(b));
      aligned->values = ValueCount(a) / a.shape[0] * rows;
      aligned->rows_only_a = a.shape[0] - rows;
      aligned->rows_only_b = b.shape[0] - rows;
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
  std::vector<Known> known_a = HM_TRY(LookAt(a, task));
  std::vector<Known> known_b = HM_TRY(LookAt(b, task));
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
