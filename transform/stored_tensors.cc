#include "transform/stored_tensors.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "src/model/architecture.h"
#include "weights/shard_joining.h"

namespace hallmark {
namespace {

bool Has(const CanonicalTensor& tensor, std::string_view relation) {
  return std::ranges::find(tensor.relations, relation) != tensor.relations.end();
}

std::uint64_t Rows(const Shape& shape) { return shape.empty() ? 1 : shape[0]; }
std::uint64_t Columns(const Shape& shape) { return shape.size() < 2 ? 1 : shape[1]; }

const TensorInfo& InfoOf(const Model& model, const TensorPart& part) {
  return model.Files()[part.file].reader->Tensors()[part.tensor];
}

}  // namespace

StoredTensorGuesses::StoredTensorGuesses(const Model& model, const CanonicalModel& canonical)
    : model_(model) {
  std::map<Key, std::vector<const CanonicalTensor*>> stacks;
  for (const CanonicalTensor& tensor : canonical.tensors) {
    if (Has(tensor, "split from stacked experts") && tensor.parts.size() == 1) {
      stacks[KeyOf(tensor.parts.front())].push_back(&tensor);
    } else {
      GuessParts(tensor);
    }
  }
  for (auto& [key, experts] : stacks) {
    std::ranges::sort(experts, {}, [](const CanonicalTensor* t) { return ExpertNumber(t->name); });
    RecipeTensor guess = Plain({key.first, key.second});
    for (const CanonicalTensor* expert : experts) guess.sources.push_back(expert->name);
    guesses_.emplace(key, std::move(guess));
  }
}

const RecipeTensor* StoredTensorGuesses::Find(const TensorPart& part) const {
  const auto found = guesses_.find(KeyOf(part));
  return found != guesses_.end() ? &found->second : nullptr;
}

RecipeTensor StoredTensorGuesses::Plain(const TensorPart& part) const {
  const TensorInfo& info = InfoOf(model_, part);
  RecipeTensor tensor{.dtype = info.dtype};
  tensor.size = info.payload_bytes;
  return tensor;
}

void StoredTensorGuesses::GuessParts(const CanonicalTensor& tensor) {
  std::uint64_t first_row = 0, first_column = 0;
  for (const TensorPart& part : tensor.parts) {
    const Shape& shape = InfoOf(model_, part).shape;
    RecipeTensor guess = Plain(part);
    guess.sources = {tensor.name};
    if (Rows(shape) < Rows(tensor.shape)) guess.rows = RecipeSlice{first_row, Rows(shape)};
    if (Columns(shape) < Columns(tensor.shape)) {
      guess.columns = RecipeSlice{first_column, Columns(shape)};
    }
    first_row += Rows(shape);
    first_column += Columns(shape);
    guess.plus_one = Has(tensor, "1 subtracted");
    if (Has(tensor, "rows of rotary pairs put into halves")) {
      guess.rotary_heads = HeadsOf(tensor, Rows(shape));
    }
    guesses_.emplace(KeyOf(part), std::move(guess));
  }
  for (const TensorReplica& replica : tensor.replicas) {
    const auto original = guesses_.find(KeyOf(replica.original));
    if (original != guesses_.end()) guesses_.emplace(KeyOf(replica.part), original->second);
  }
}

std::uint64_t StoredTensorGuesses::HeadsOf(const CanonicalTensor& tensor,
                                           std::uint64_t rows) const {
  const bool of_keys = tensor.name.find(".k_proj.") != std::string::npos;
  const Result<std::uint64_t> heads = HeadCount(model_.Config(), tensor.name, of_keys);
  if (!heads || *heads == 0 || Rows(tensor.shape) % *heads != 0) return 0;
  const std::uint64_t head_rows = Rows(tensor.shape) / *heads;
  return head_rows == 0 || rows % head_rows != 0 ? 0 : rows / head_rows;
}

}  // namespace hallmark
