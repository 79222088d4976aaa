// What the tensors of another copy give of official files, whatever container they are in.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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
};

// The models among the files of a folder, each opened once. Not thread-safe.
class FolderModels {
 public:
  explicit FolderModels(std::shared_ptr<const Folder> folder) : folder_(std::move(folder)) {}

  // That which the file belongs to, with its tensors; null: none that can be opened.
  Result<std::shared_ptr<const OpenedModel>> ModelOf(const std::string& path, const Task& task);
  const std::vector<std::shared_ptr<const OpenedModel>>& Opened() const { return opened_; }

 private:
  std::shared_ptr<const Folder> folder_;
  std::optional<std::vector<ModelSet>> sets_;
  std::map<std::string, std::shared_ptr<const OpenedModel>> by_path_;
  std::vector<std::shared_ptr<const OpenedModel>> opened_;
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
