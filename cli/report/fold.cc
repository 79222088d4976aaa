#include "cli/report/fold.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

namespace hallmark {
namespace {

// Numbers beyond these many in one name are left as they are.
constexpr std::size_t kMaxNumbers = 4;

using Numbers = std::vector<std::uint32_t>;

struct Template {
  std::vector<std::string> pieces;  // text around the numbers: one more than there are numbers
  Numbers numbers;
};

bool IsNumber(std::string_view component) {
  return !component.empty() && component.size() <= 9 &&
         component.find_first_not_of("0123456789") == std::string_view::npos &&
         (component.size() == 1 || component[0] != '0');
}

Template Split(std::string_view name) {
  Template result{{""}, {}};
  for (std::size_t start = 0; start <= name.size();) {
    const std::size_t end = std::min(name.find('.', start), name.size());
    const std::string_view component = name.substr(start, end - start);
    if (start > 0) result.pieces.back() += '.';
    if (IsNumber(component) && result.numbers.size() < kMaxNumbers) {
      result.numbers.push_back(static_cast<std::uint32_t>(std::stoul(std::string(component))));
      result.pieces.emplace_back();
    } else {
      result.pieces.back() += component;
    }
    start = end + 1;
  }
  return result;
}

// {0-3,7}; a lone number stays bare.
std::string RangesText(const std::set<std::uint32_t>& numbers) {
  if (numbers.size() == 1) return std::to_string(*numbers.begin());
  std::string text;
  for (auto it = numbers.begin(); it != numbers.end();) {
    const std::uint32_t first = *it;
    std::uint32_t last = first;
    while (++it != numbers.end() && *it == last + 1) last = *it;
    if (!text.empty()) text += ',';
    text += first == last ? std::to_string(first) : fmt::format("{}-{}", first, last);
  }
  return fmt::format("{{{}}}", text);
}

// The tensors of one template, dtype and shape: distinct numbers, and how often each occurs.
struct Group {
  std::vector<std::string> pieces;
  Dtype dtype;
  Shape shape;
  std::uint64_t payload_bytes;
  std::map<Numbers, std::uint64_t> members;
};

// Folds `members`, which agree in the numbers before `position`, or splits them there. At most
// kMaxNumbers deep.
void Fold(const Group& group, const std::map<Numbers, std::uint64_t>& members, std::size_t position,
          std::vector<TensorPattern>* patterns) {
  const std::size_t count = group.pieces.size() - 1;
  std::vector<std::set<std::uint32_t>> values(count);
  std::uint64_t tensors = 0;
  for (const auto& [numbers, times] : members) {
    for (std::size_t i = 0; i < count; ++i) values[i].insert(numbers[i]);
    tensors += times;
  }
  std::size_t combinations = 1;
  for (const auto& set : values)
    combinations = std::min<std::size_t>(combinations, 1u << 30) * set.size();
  if (combinations == members.size()) {
    std::string pattern = group.pieces[0];
    for (std::size_t i = 0; i < count; ++i) pattern += RangesText(values[i]) + group.pieces[i + 1];
    patterns->push_back(
        {std::move(pattern), group.dtype, group.shape, tensors, tensors * group.payload_bytes});
    return;
  }
  std::map<std::uint32_t, std::map<Numbers, std::uint64_t>> parts;
  for (const auto& [numbers, times] : members) parts[numbers[position]].emplace(numbers, times);
  for (const auto& [number, part] : parts) Fold(group, part, position + 1, patterns);
}

}  // namespace

std::vector<TensorPattern> FoldTensors(std::span<const TensorInfo* const> tensors) {
  std::map<std::tuple<std::vector<std::string>, Dtype, Shape>, std::size_t> index;
  std::vector<Group> groups;
  for (const TensorInfo* tensor : tensors) {
    Template name = Split(tensor->name);
    const auto [found, is_new] =
        index.try_emplace({name.pieces, tensor->dtype, tensor->shape}, groups.size());
    if (is_new) {
      groups.push_back(
          {std::move(name.pieces), tensor->dtype, tensor->shape, tensor->payload_bytes, {}});
    }
    ++groups[found->second].members[name.numbers];
  }
  std::vector<TensorPattern> patterns;
  for (const Group& group : groups) Fold(group, group.members, 0, &patterns);
  return patterns;
}

}  // namespace hallmark
