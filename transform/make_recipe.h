// Makes the recipe of official files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "src/base/finding.h"
#include "src/base/task.h"
#include "transform/recipe.h"

namespace hallmark {

// Payload that had to be kept literally, and why.
struct LiteralPayload {
  std::string stored_name;
  std::uint64_t bytes = 0;
  std::string reason;
};

struct MadeRecipe {
  Recipe recipe;
  std::vector<LiteralPayload> literal;
  std::vector<Finding> findings;  // of the model
};

// Reads the files of a model several times: their digests, their weight identity, and every tensor
// as the recipe would give it back, which must be what the file holds. Errors: as Model::Open and
// ComputeIdentity; kUnsupported where more than 0.1 % of the payload, or more than
// kMaxRecipeLiterals in all, would have to be kept literally; kIo; kInterrupted.
Result<MadeRecipe> MakeRecipe(const std::filesystem::path& official, const Task& task);

}  // namespace hallmark
