// Which tensor of one model stands for which of the other: by canonical name, by their values where
// names differ, and part by part where one side keeps several as one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/task.h"
#include "weights/canonical.h"
#include "weights/views.h"

namespace hallmark {

// A tensor of A, of B, or one of each.
struct AlignedTensors {
  const CanonicalTensor* a = nullptr;  // null: only in B
  const CanonicalTensor* b = nullptr;
  // What is to be compared: whole tensors or parts of them, equally many values in the same order.
  // Null where nothing can be compared; `reason` says why.
  Bytes bytes_a, bytes_b;
  std::uint64_t values = 0;  // of each
  bool random_access = true;
  // What lies between the two, none of which loses anything.
  std::vector<std::string> relations;
  // Whether the two names mean one place in the model. Where they don't, equal numbers make no
  // equal model; where names are not known here, nobody can tell.
  enum class Place { kSame, kOther, kUnknown };
  Place place = Place::kSame;
  // Rows that only one of the two has, beyond those that are compared.
  std::uint64_t rows_only_a = 0, rows_only_b = 0;
  std::string reason;

  const std::string& Name() const { return (a != nullptr ? a : b)->name; }
};

// How relations call the two models.
struct AlignedNames {
  std::string_view a = "A";
  std::string_view b = "B";
};

// Every tensor of both, by group, then by name. Reads a few values of each tensor to know renamed
// ones again. The views refer to `a` and `b`, which must outlive them. Errors: kInterrupted; a
// tensor that can't be read is aligned by name alone.
Result<std::vector<AlignedTensors>> AlignTensors(const CanonicalModel& a, const CanonicalModel& b,
                                                 AlignedNames names, const Task& task);

}  // namespace hallmark
