#include "formats/tensor_layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/text.h"

namespace hallmark {

Result<void> SortByPlace(std::vector<TensorInfo>& tensors, const std::string& subject) {
  const auto earlier = [](const TensorInfo& a, const TensorInfo& b) {
    return a.stored.offset != b.stored.offset ? a.stored.offset < b.stored.offset
                                              : a.stored.size < b.stored.size;
  };
  if (!std::is_sorted(tensors.begin(), tensors.end(), earlier)) {
    std::stable_sort(tensors.begin(), tensors.end(), earlier);
  }
  const TensorInfo* last = nullptr;  // the last one that is not empty
  for (const TensorInfo& tensor : tensors) {
    if (last != nullptr && tensor.stored.offset < last->stored.End()) {
      // An empty tensor inside another takes no byte of it, but no honest writer puts it there.
      return Error{Errc::kMalformed, subject,
                   fmt::format("the tensors {} and {} overlap: one ends at byte {}, the other "
                               "begins at byte {}",
                               QuoteName(last->name), QuoteName(tensor.name), last->stored.End(),
                               tensor.stored.offset),
                   tensor.stored.offset};
    }
    if (tensor.stored.size != 0) last = &tensor;
  }
  return {};
}

Result<void> CheckUnique(std::span<const std::string_view> names, std::string_view what,
                         const std::string& subject) {
  const auto twice = FindRepeated(names);
  if (!twice) return {};
  return Error{Errc::kMalformed, subject,
               fmt::format("the {} {} stands twice", what, QuoteName(*twice))};
}

std::string QuoteName(std::string_view name) {
  static constexpr std::size_t kLongest = 120;
  if (name.size() <= kLongest) return EscapeForPeople(name);
  return fmt::format("{}… ({} bytes)", EscapeForPeople(name.substr(0, kLongest)), name.size());
}

}  // namespace hallmark
