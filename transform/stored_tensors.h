// How the tensors stored in a model's files may be made of its canonical tensors, in the steps of a
// recipe.
#pragma once

#include <cstddef>
#include <map>
#include <utility>

#include "transform/recipe.h"
#include "weights/canonical.h"
#include "weights/model.h"

namespace hallmark {

// Guesses by what headers and configuration say, without reading weights: what is made so has to be
// compared with what is stored, or with its digest, before it is believed.
class StoredTensorGuesses {
 public:
  // Both outlive it.
  StoredTensorGuesses(const Model& model, const CanonicalModel& canonical);

  const RecipeTensor* Find(const TensorPart& part) const;  // null: none

 private:
  using Key = std::pair<std::size_t, std::size_t>;  // of a TensorPart: file, tensor
  static Key KeyOf(const TensorPart& part) { return {part.file, part.tensor}; }

  RecipeTensor Plain(const TensorPart& part) const;
  void GuessParts(const CanonicalTensor& tensor);
  // Of so many rows of the tensor; 0 where that is not known.
  std::uint64_t HeadsOf(const CanonicalTensor& tensor, std::uint64_t rows) const;

  const Model& model_;
  std::map<Key, RecipeTensor> guesses_;
};

}  // namespace hallmark
