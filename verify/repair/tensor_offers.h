// What the tensors of another copy give of official files, whatever container they are in.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/task.h"
#include "src/io/folder.h"
#include "transform/recipe.h"
#include "verify/repair/offer.h"
#include "weights/canonical.h"
#include "weights/model.h"

namespace hallmark {

// A model with its canonical tensors. Not copied, so that views into it stay valid.
struct OpenedModel {
  std::unique_ptr<const Model> model;
  std::unique_ptr<const CanonicalModel> canonical;  // null: it has none, see `why_not`
  std::optional<Error> why_not;

  static Result<std::shared_ptr<const OpenedModel>> Open(const std::filesystem::path& path,
                                                         const Task& task);
  // The model that the file `path` of a folder belongs to, `sets` being the models in it; that file
  // alone if the others of its set cannot be used.
  static Result<std::shared_ptr<const OpenedModel>> OpenSetOf(std::shared_ptr<const Folder> folder,
                                                              std::span<const ModelSet> sets,
                                                              std::string_view path,
                                                              const Task& task);
};

// A stretch of an official file that is a tensor or literal bytes.
struct OfficialStretch {
  ByteRange range;
  const RecipeTensor* tensor = nullptr;        // null: literal
  std::shared_ptr<const BlockSource> literal;  // null for tensors
};

// How official files are made of tensors. Immutable.
class OfficialLayout {
 public:
  virtual ~OfficialLayout() = default;
  // The stretches of the file of that path in the copy, listed as `listed_as`; empty: not known.
  virtual std::vector<OfficialStretch> StretchesOf(std::string_view path,
                                                   std::string_view listed_as,
                                                   std::uint64_t size) const = 0;
};

// By a recipe of the official files.
std::unique_ptr<const OfficialLayout> LayoutByRecipe(std::shared_ptr<const Recipe> recipe);
// By the headers of the copy itself: tensors only. A guess, as StoredTensorGuesses.
std::unique_ptr<const OfficialLayout> LayoutByHeaders(std::shared_ptr<const OpenedModel> copy);

// What `donor` has of those stretches, `size` being the official file's, the literal ones included;
// nullopt: nothing. `donor`, which must outlive it, may be null: then the literal ones alone.
std::optional<Offer> OfferTensors(std::string from, std::uint64_t size,
                                  const std::vector<OfficialStretch>& stretches,
                                  const CanonicalModel* donor);

}  // namespace hallmark
