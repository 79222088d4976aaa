// Compares everything beside the weights of two models: configuration, tokenizer, chat template,
// generation settings and the containers' metadata, field by field, across containers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/base/task.h"
#include "verify/diff/diff_report.h"
#include "weights/model.h"

namespace hallmark {

struct FieldComparison {
  std::vector<FieldDiff> differing;
  std::uint64_t compared = 0;  // fields that were compared
  // Why something that has a meaning could not be compared, for people: the verdict can't be equal.
  std::vector<std::string> unsettled;
  // Why something was not compared that one side, being what it is, cannot have.
  std::vector<std::string> not_compared;
  std::vector<Finding> findings;
};

// Reads the small files beside the weights of both; never weights. Between two models of the same
// kind (Hugging Face's files, Meta's, GGUF) every field of every file is compared, and a field or a
// file that is absent on one side differs; between others, what both can say is compared by its
// meaning. A file that cannot be read is a finding and stands in `unsettled`, unless both sides
// have the same bytes. FieldDiff::field is escaped for people; a long list is told by its first
// differing entries and one more field with their number, `a` and `b` being the lengths of the
// list. Errors: kInterrupted only.
Result<FieldComparison> CompareFields(const Model& a, const Model& b, const Task& task);

}  // namespace hallmark
