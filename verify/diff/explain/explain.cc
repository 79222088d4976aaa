#include "verify/diff/explain/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "src/base/text.h"
#include "verify/diff/explain/tensor_look.h"
#include "verify/diff/explain/update_kind.h"

namespace hallmark {
namespace {

using Kind = Explanation::Kind;
using Number = Explanation::Number;

constexpr std::size_t kMostDamageNamed = 8;
constexpr std::size_t kMostNamesShown = 3;
constexpr double kBarely = 0.05;  // of a value

std::string_view Plural(std::size_t count) { return count == 1 ? "" : "s"; }

// The kinds of tensors, numbers replaced: "model.layers.*.mlp.up_proj.weight and 2 more kinds".
std::string KindsText(const std::vector<const TensorLook*>& looks) {
  std::set<std::string> kinds;
  for (const TensorLook* look : looks) kinds.insert(KindOfName(look->tensor->name));
  std::vector<std::string> shown;
  for (const std::string& kind : kinds) {
    if (shown.size() == kMostNamesShown) break;
    shown.push_back(EscapeForPeople(kind));
  }
  std::string text = fmt::format("{}", fmt::join(shown, ", "));
  if (kinds.size() > shown.size()) {
    text += fmt::format(" and {} more kind{}", kinds.size() - shown.size(),
                        Plural(kinds.size() - shown.size()));
  }
  return text;
}

// The one tensor, or how many of how many.
std::string SubjectText(const std::vector<const TensorLook*>& looks, std::size_t looked_at) {
  if (looks.size() == 1) return EscapeForPeople(looks.front()->tensor->name);
  return fmt::format("{} of {} tensors looked at ({})", looks.size(), looked_at, KindsText(looks));
}
std::string SubjectOf(const std::vector<const TensorLook*>& looks) {
  return looks.size() == 1 ? looks.front()->tensor->name : "";
}

// ---- rows of embeddings

std::optional<Explanation> ExplainVocabulary(const DiffReport& report) {
  std::vector<std::string> names;
  std::uint64_t rows_a = 0, rows_b = 0;
  for (const TensorDiff& tensor : report.tensors) {
    if (!tensor.a || !tensor.b) continue;
    const Shape &a = tensor.a->shape, &b = tensor.b->shape;
    if (a.size() != b.size() || a.empty() || a[0] == b[0]) continue;
    if (!std::equal(a.begin() + 1, a.end(), b.begin() + 1)) continue;
    // Embeddings and output heads, and nothing within a layer.
    if (tensor.group != "globals") continue;
    if (names.empty()) rows_a = a[0], rows_b = b[0];
    if (a[0] == rows_a && b[0] == rows_b) names.push_back(EscapeForPeople(tensor.Name()));
  }
  if (names.empty()) return std::nullopt;
  const std::uint64_t changed = rows_a < rows_b ? rows_b - rows_a : rows_a - rows_b;
  Explanation out{Kind::kVocabulary, names.size() == 1 ? names.front() : ""};
  out.text = fmt::format("vocabulary resized: {} has {} rows in A and {} in B, {} {}",
                         fmt::join(names, ", "), rows_a, rows_b, changed,
                         rows_a < rows_b ? "added" : "removed");
  out.numbers = {{"rows_a", static_cast<double>(rows_a)}, {"rows_b", static_cast<double>(rows_b)}};
  return out;
}

// ---- what explains single tensors

Explanation DescribeDamage(const TensorLook& look) {
  const DamagedStretch& damage = *look.damage;
  const auto& [offset, size] = damage.bytes;
  Explanation out{Kind::kDamage, look.tensor->name};
  std::string_view content;
  switch (damage.content) {
    case DamagedStretch::Content::kFewBytes:
      content = damage.bits == 1 ? ": a single bit" : "";
      break;
    case DamagedStretch::Content::kZeros:
      content = ", all zeros in B";
      break;
    case DamagedStretch::Content::kRandom:
      content = ", of sizes that no weights have";
      break;
    case DamagedStretch::Content::kForeign:
      content = ", from the middle of a row to the middle of another, unlike A's";
      break;
  }
  out.text = fmt::format("damaged: bytes {} to {} of {} differ, {} in all (values {} to {}){}",
                         offset, offset + size - 1, EscapeForPeople(look.tensor->name), size,
                         damage.first_value, damage.last_value, content);
  if (size % 512 == 0) out.text += fmt::format("; {} blocks of 512 bytes", size / 512);
  const ValueComparison& values = *look.tensor->values;
  out.numbers = {{"first_value", static_cast<double>(damage.first_value)},
                 {"last_value", static_cast<double>(damage.last_value)},
                 {"first_byte", static_cast<double>(offset)},
                 {"bytes", static_cast<double>(size)},
                 {"differing", static_cast<double>(values.differing)},
                 {"not_finite", static_cast<double>(values.nan_b + values.infinite_b)},
                 {"zero_filled", damage.content == DamagedStretch::Content::kZeros ? 1.0 : 0.0}};
  return out;
}

void AddDamage(const std::vector<TensorLook>& looks, std::vector<Explanation>* out) {
  std::size_t damaged = 0;
  for (const TensorLook& look : looks) {
    if (look.damage && ++damaged <= kMostDamageNamed) out->push_back(DescribeDamage(look));
  }
  if (damaged <= kMostDamageNamed) return;
  Explanation more{Kind::kDamage, ""};
  more.text = fmt::format("{} more tensors are damaged", damaged - kMostDamageNamed);
  more.numbers = {{"tensors", static_cast<double>(damaged)}};
  out->push_back(std::move(more));
}

// Explanations of tensors of which the same can be said are one.
using Groups = std::map<std::string, std::vector<const TensorLook*>>;

void AddLayouts(const std::vector<TensorLook>& looks, std::size_t looked_at,
                std::vector<Explanation>* out) {
  Groups groups;
  for (const TensorLook& look : looks) {
    if (look.layout) groups[look.layout->what].push_back(&look);
  }
  for (const auto& [what, members] : groups) {
    const WrongLayout& layout = *members.front()->layout;
    Explanation found{Kind::kWrongLayout, SubjectOf(members)};
    found.text =
        fmt::format("right values, wrong layout: {} in {}", what, SubjectText(members, looked_at));
    found.numbers = {{"tensors", static_cast<double>(members.size())}, {"cosine", layout.cosine}};
    if (!layout.name.empty()) found.numbers.push_back({layout.name, layout.value});
    out->push_back(std::move(found));
  }
}

std::string_view PatternText(PruningPattern pattern) {
  switch (pattern) {
    case PruningPattern::kTwoOfFour:
      return ", two of every four";
    case PruningPattern::kFourOfEight:
      return ", four of every eight";
    case PruningPattern::kRows:
      return ", whole rows";
    case PruningPattern::kColumns:
      return ", whole columns";
    case PruningPattern::kScattered:
      break;
  }
  return ", scattered";
}

void AddPruned(std::span<const DifferingTensor> tensors, const std::vector<TensorLook>& looks,
               std::vector<Explanation>* out) {
  std::map<PruningPattern, std::vector<const TensorLook*>> patterns;
  for (const TensorLook& look : looks) {
    if (look.pruned && !look.damage) patterns[look.pattern].push_back(&look);
  }
  if (patterns.empty()) return;
  const auto& most = *std::ranges::max_element(
      patterns, {}, [](const auto& pattern) { return pattern.second.size(); });
  // Counted over all tensors, looked at or not.
  std::uint64_t pruned = 0, values = 0;
  std::size_t count = 0;
  for (const DifferingTensor& tensor : tensors) {
    const auto zeros = PrunedValues(*tensor.values);
    if (!zeros) continue;
    pruned += *zeros;
    values += tensor.values->values;
    ++count;
  }
  const double share = static_cast<double>(pruned) / static_cast<double>(values);
  Explanation found{Kind::kPruned, count == 1 ? SubjectOf(most.second) : ""};
  found.text = fmt::format(
      "pruned: {:.3g} % of the values of {} tensor{} became zero{}, the others "
      "are A's",
      100 * share, count, Plural(count), PatternText(most.first));
  found.numbers = {{"share", share}, {"tensors", static_cast<double>(count)}};
  out->push_back(std::move(found));
}

void AddQuantised(const std::vector<TensorLook>& looks, std::size_t looked_at,
                  std::vector<Explanation>* out) {
  // The text has measured numbers where no type is known; the block and the bits say what is alike.
  std::map<std::tuple<std::optional<Dtype>, double, double>, std::vector<const TensorLook*>> groups;
  for (const TensorLook& look : looks) {
    if (!look.quantised) continue;
    const Quantised& found = *look.quantised;
    groups[{found.stored_as, found.block, found.bits}].push_back(&look);
  }
  for (const auto& [key, members] : groups) {
    const Quantised& first = *members.front()->quantised;
    Explanation found{Kind::kQuantised, SubjectOf(members)};
    found.text = fmt::format("{} in {}", first.what, SubjectText(members, looked_at));
    found.numbers = {{"tensors", static_cast<double>(members.size())}};
    if (first.block > 0) found.numbers.push_back({"block", first.block});
    if (first.levels > 0) found.numbers.push_back({"levels", first.levels});
    if (first.bits > 0) found.numbers.push_back({"bits", first.bits});
    out->push_back(std::move(found));
  }
}

// Where other tensors moved as well, a few bytes that barely change their values are no damage: of
// a small tensor training may move one value by one step.
void ForgiveFewBytes(std::vector<TensorLook>* looks) {
  const auto is_few = [](const TensorLook& look) {
    return look.damage && look.damage->content == DamagedStretch::Content::kFewBytes;
  };
  const auto few = static_cast<std::size_t>(std::ranges::count_if(*looks, is_few));
  if (looks->size() - few <= 2 * few) return;
  for (TensorLook& look : *looks) {
    const ValueComparison& values = *look.tensor->values;
    if (is_few(look) && values.not_finite == 0 && values.max_relative < kBarely)
      look.damage.reset();
  }
}

// Tensors of one layer that hold each other's values: only what nothing else explains is asked.
Result<void> FindSwaps(std::vector<TensorLook>* looks, const Task& task) {
  std::map<std::string, std::vector<TensorLook*>> by_group;
  for (TensorLook& look : *looks) {
    if (look.IsExplained() || !look.is_matrix || !look.spectrum) continue;
    if (look.tensor->values->Cosine() < 0.5) by_group[look.tensor->group].push_back(&look);
  }
  for (auto& [group, members] : by_group) {
    if (members.size() < 2) continue;
    std::vector<const DifferingTensor*> tensors;
    for (const TensorLook* look : members) tensors.push_back(look->tensor);
    const auto swaps = HM_TRY(FindSwapped(tensors, task));
    for (std::size_t i = 0; i < swaps.size(); ++i) {
      if (!swaps[i]) continue;
      members[i]->layout = WrongLayout{
          fmt::format("the values of {}", EscapeForPeople(KindOfName(tensors[*swaps[i]]->name))),
          "", 0, 1};
    }
  }
  return {};
}

// The width of the model: what the final norm has, or the embeddings' rows.
std::uint64_t HiddenSize(const DiffReport& report) {
  std::uint64_t width = 0;
  for (const TensorDiff& tensor : report.tensors) {
    if (tensor.group != "globals" || !tensor.a || tensor.a->shape.empty()) continue;
    const std::uint64_t last = tensor.a->shape.back();
    width = width == 0 ? last : std::min(width, last);
  }
  return width;
}

}  // namespace

Result<std::vector<Explanation>> Explain(const DiffReport& report,
                                         std::span<const DifferingTensor> tensors,
                                         const Task& task) {
  const Choice choice = ChooseTensors(tensors, kMostMatrices, kMostVectors);
  std::uint64_t bytes = 0;
  for (const std::size_t index : choice.whole) bytes += SampleBytes(tensors[index]);
  task.Begin("explaining", bytes, 0);

  const std::size_t looked_at = choice.whole.size();
  std::vector<TensorLook> looks(looked_at + choice.for_damage.size());
  const std::uint64_t hidden = HiddenSize(report);
  HM_TRY(ParallelFor(task, looks.size(), [&](std::uint64_t i) -> Result<void> {
    const bool whole = i < looked_at;
    const DifferingTensor& tensor =
        tensors[whole ? choice.whole[i] : choice.for_damage[i - looked_at]];
    looks[i] = HM_TRY(LookAt(tensor, hidden, !whole, task));
    if (whole) task.Advance(SampleBytes(tensor));
    return {};
  }));
  ForgiveFewBytes(&looks);
  HM_TRY(FindSwaps(&looks, task));

  std::vector<Explanation> out;
  AddDamage(looks, &out);
  AddLayouts(looks, looked_at, &out);
  if (auto vocabulary = ExplainVocabulary(report)) out.push_back(*std::move(vocabulary));
  AddPruned(tensors, looks, &out);
  AddQuantised(looks, looked_at, &out);
  if (auto update = ExplainUpdate(report, tensors, looks)) out.push_back(*std::move(update));
  return out;
}

}  // namespace hallmark
