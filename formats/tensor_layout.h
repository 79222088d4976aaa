// Where tensors lie in a file: what every container with one byte range a tensor must check.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"
#include "src/tensor/tensor_info.h"

namespace hallmark {

// Sorts by the place of the stored bytes; equal places keep their order. kMalformed (at the offset
// in `subject` where it begins) if two ranges overlap or an empty one lies inside another.
// Every range must end within 2^64.
Result<void> SortByPlace(std::vector<TensorInfo>& tensors, const std::string& subject);

// kMalformed, naming it, if a name stands twice. `what`: "tensor name".
Result<void> CheckUnique(std::span<const std::string_view> names, std::string_view what,
                         const std::string& subject);

// A name from a file as it may stand in a message: escaped, and shortened if it is very long.
std::string QuoteName(std::string_view name);

}  // namespace hallmark
