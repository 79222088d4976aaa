#include "cli/report/fold.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "src/model/architecture.h"

namespace hallmark {
namespace {

// Numbers beyond these many in one name are left as they are.
constexpr std::size_t kMaxNumbers = 4;

// A name cut around its numbers: one more piece than there are numbers.
struct Template {
  std::vector<std::string_view> pieces;
  std::array<std::uint32_t, kMaxNumbers> numbers{};  // unused ones 0
};

std::uint32_t NumberOf(std::string_view digits) {
  std::uint32_t number = 0;
  for (const char c : digits) number = number * 10 + static_cast<std::uint32_t>(c - '0');
  return number;
}

void Split(std::string_view name, Template* result) {
  result->pieces.clear();
  result->numbers.fill(0);
  std::size_t piece_start = 0;
  for (std::size_t start = 0; start <= name.size();) {
    const std::size_t end = std::min(name.find('.', start), name.size());
    const std::string_view component = name.substr(start, end - start);
    if (result->pieces.size() < kMaxNumbers && IsNumberComponent(component)) {
      result->numbers[result->pieces.size()] = NumberOf(component);
      result->pieces.push_back(name.substr(piece_start, start - piece_start));
      piece_start = end;
    }
    start = end + 1;
  }
  result->pieces.push_back(name.substr(piece_start));
}

// Equal for what folds together. A number stands as "0", which no other component can be.
void MakeKey(const Template& name, const TensorInfo& tensor, std::string* key) {
  key->clear();
  for (std::size_t i = 0; i < name.pieces.size(); ++i) {
    if (i > 0) *key += '0';
    *key += name.pieces[i];
  }
  // Of fixed length, so that no name can pass for the end of another's key.
  for (const std::uint64_t extent : tensor.shape) {
    key->append(reinterpret_cast<const char*>(&extent), sizeof extent);
  }
  const std::uint64_t rank = tensor.shape.size();
  key->append(reinterpret_cast<const char*>(&rank), sizeof rank);
  key->push_back(static_cast<char>(tensor.dtype));
}

// {0-3,7}; a lone number stays bare. `numbers` are ascending and distinct.
std::string RangesText(const std::vector<std::uint32_t>& numbers) {
  if (numbers.size() == 1) return std::to_string(numbers[0]);
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    const std::uint32_t first = numbers[i];
    std::uint32_t last = first;
    while (++i < numbers.size() && numbers[i] == last + 1) last = numbers[i];
    if (!text.empty()) text += ',';
    text += first == last ? std::to_string(first) : fmt::format("{}-{}", first, last);
  }
  return fmt::format("{{{}}}", text);
}

struct Member {
  std::array<std::uint32_t, kMaxNumbers> numbers;
  std::uint64_t times;  // how often this name occurs
};

// The tensors of one template, dtype and shape.
struct Group {
  std::vector<std::string_view> pieces;
  const TensorInfo* first;
  std::vector<Member> members;
};

void SortAndMerge(std::vector<Member>* members) {
  std::ranges::sort(*members, {}, &Member::numbers);
  std::size_t kept = 0;
  for (std::size_t i = 1; i < members->size(); ++i) {
    if ((*members)[i].numbers == (*members)[kept].numbers) {
      (*members)[kept].times += (*members)[i].times;
    } else {
      (*members)[++kept] = (*members)[i];
    }
  }
  members->resize(kept + 1);
}

// Folds `members`, which are sorted, distinct and agree in the numbers before `position`, or splits
// them there. At most kMaxNumbers deep.
void Fold(const Group& group, std::span<const Member> members, std::size_t position,
          std::vector<TensorPattern>* patterns) {
  const std::size_t count = group.pieces.size() - 1;
  std::uint64_t tensors = 0;
  for (const Member& member : members) tensors += member.times;
  std::array<std::vector<std::uint32_t>, kMaxNumbers> values;
  std::size_t combinations = 1;
  for (std::size_t i = 0; i < count; ++i) {
    values[i].reserve(members.size());
    for (const Member& member : members) values[i].push_back(member.numbers[i]);
    std::ranges::sort(values[i]);
    values[i].erase(std::unique(values[i].begin(), values[i].end()), values[i].end());
    combinations = std::min<std::size_t>(combinations, 1u << 30) * values[i].size();
  }
  if (combinations == members.size()) {
    std::string pattern(group.pieces[0]);
    for (std::size_t i = 0; i < count; ++i) {
      pattern += RangesText(values[i]);
      pattern += group.pieces[i + 1];
    }
    patterns->push_back({std::move(pattern), group.first->dtype, group.first->shape, tensors,
                         tensors * group.first->payload_bytes});
    return;
  }
  while (!members.empty()) {
    const auto end = std::ranges::find_if(members, [&](const Member& member) {
      return member.numbers[position] != members[0].numbers[position];
    });
    const auto size = static_cast<std::size_t>(end - members.begin());
    Fold(group, members.first(size), position + 1, patterns);
    members = members.subspan(size);
  }
}

}  // namespace

std::vector<TensorPattern> FoldTensors(std::span<const TensorInfo* const> tensors) {
  std::unordered_map<std::string, std::size_t> index;
  std::vector<Group> groups;
  Template name;
  std::string key;
  for (const TensorInfo* tensor : tensors) {
    Split(tensor->name, &name);
    MakeKey(name, *tensor, &key);
    const auto [found, is_new] = index.try_emplace(key, groups.size());
    if (is_new) groups.push_back({name.pieces, tensor, {}});
    groups[found->second].members.push_back({name.numbers, 1});
  }
  std::vector<TensorPattern> patterns;
  for (Group& group : groups) {
    SortAndMerge(&group.members);
    Fold(group, group.members, 0, &patterns);
  }
  return patterns;
}

}  // namespace hallmark
