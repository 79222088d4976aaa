#include "transform/make_recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/hash/hash_files.h"
#include "src/model/architecture.h"
#include "transform/rebuild.h"
#include "transform/stored_tensors.h"
#include "weights/equal_bytes.h"
#include "weights/identity.h"
#include "weights/model.h"
#include "weights/views.h"

namespace hallmark {
namespace {

using PartKey = std::pair<std::size_t, std::size_t>;  // of a TensorPart: file, tensor
PartKey KeyOf(const TensorPart& part) { return {part.file, part.tensor}; }

// Where a stored tensor lies in a file of the copy.
struct Place {
  ByteRange range;
  TensorPart part;
};

class RecipeWork {
 public:
  RecipeWork(const std::filesystem::path& official, const Model& model,
             const CanonicalModel& canonical, const Task& task, MadeRecipe* made)
      : official_(official), model_(model), canonical_(canonical), task_(task), made_(*made) {}

  Result<void> Run() {
    Gather();
    HM_TRY(TryGuesses());
    HM_TRY(HashFilesOnDisk());
    for (RecipeFile& file : made_.recipe.files) HM_TRY(Segment(&file));
    return CheckLiterals();
  }

 private:
  const TensorInfo& InfoOf(const TensorPart& part) const {
    return model_.Files()[part.file].reader->Tensors()[part.tensor];
  }

  // All stored tensors, with their places.
  void Gather() {
    for (std::size_t f = 0; f < model_.Files().size(); ++f) {
      const auto tensors = model_.Files()[f].reader->Tensors();
      for (std::size_t t = 0; t < tensors.size(); ++t) {
        const TensorPart part{f, t};
        made_.recipe.payload_bytes =
            CheckedAdd(made_.recipe.payload_bytes, tensors[t].payload_bytes).value_or(UINT64_MAX);
        const std::vector<FileStretch> stretches = model_.PlacesOf(f, t);
        if (!tensors[t].verbatim || stretches.size() != 1) {
          KeepLiteral(part, "it is stored in another form than as its values");
          continue;
        }
        places_[stretches.front().path].push_back({stretches.front().range, part});
      }
    }
    for (auto& [path, places] : places_) {
      std::ranges::stable_sort(places, {}, [](const Place& place) { return place.range.offset; });
    }
  }

  void KeepLiteral(const TensorPart& part, std::string reason) {
    const TensorInfo& info = InfoOf(part);
    made_.recipe.literal_payload =
        CheckedAdd(made_.recipe.literal_payload, info.payload_bytes).value_or(UINT64_MAX);
    made_.literal.push_back({info.name, info.payload_bytes, std::move(reason)});
  }

  // Makes every stored tensor as the recipe would, and compares.
  Result<void> TryGuesses() {
    const StoredTensorGuesses guesses(model_, canonical_);
    std::vector<Bytes> made, stored;
    std::vector<BytesPair> pairs;
    std::vector<std::pair<TensorPart, const RecipeTensor*>> tried;
    std::uint64_t bytes = 0;
    for (const auto& [path, places] : places_) {
      for (const Place& place : places) {
        const RecipeTensor* const guess = guesses.Find(place.part);
        if (guess == nullptr) continue;
        Result<Bytes> view = RebuiltTensor(*guess, canonical_);
        if (!view || (*view)->Size() != place.range.size) continue;
        made.push_back(*std::move(view));
        stored.push_back(StoredBytes(*model_.Files()[place.part.file].reader, place.part.tensor));
        pairs.push_back({made.back().get(), stored.back().get(), true});
        tried.emplace_back(place.part, guess);
        bytes = CheckedAdd(bytes, place.range.size).value_or(UINT64_MAX);
      }
    }
    task_.Begin("trying the recipe", bytes, 0);
    const std::vector<bool> equal = HM_TRY(FindEqual(pairs, task_));
    for (std::size_t i = 0; i < tried.size(); ++i) {
      if (!equal[i]) continue;
      tensor_of_.emplace(KeyOf(tried[i].first), made_.recipe.tensors.size());
      made_.recipe.tensors.push_back(*tried[i].second);
    }
    return {};
  }

  Result<void> HashFilesOnDisk() {
    std::vector<FileToHash> files;
    std::uint64_t bytes = 0;
    const std::filesystem::path folder =
        std::filesystem::is_directory(official_) ? official_ : official_.parent_path();
    const std::vector<FileOnDisk> on_disk = model_.FilesOnDisk();
    for (const FileOnDisk& file : on_disk) {
      files.push_back({folder / file.path, {Algorithm::kSha256, Algorithm::kTree}, file.path});
      bytes = CheckedAdd(bytes, file.stamp.size).value_or(UINT64_MAX);
    }
    task_.Begin("hashing", bytes, files.size());
    HM_TRY(HashFiles(files, task_, [&](std::size_t i, Result<HashedFile> hashed) -> Result<void> {
      if (!hashed) return std::move(hashed).error();
      const std::vector<Digest>& digests = hashed->outcome.digests;
      made_.recipe.files.push_back(
          {std::string(files[i].name), hashed->stamp.size, digests[0], digests[1], {}});
      return {};
    }));
    std::ranges::sort(made_.recipe.files, {}, &RecipeFile::path);
    return model_.CheckUnchanged();
  }

  Result<void> Segment(RecipeFile* file) {
    const std::filesystem::path folder =
        std::filesystem::is_directory(official_) ? official_ : official_.parent_path();
    const auto opened = HM_TRY(OpenFile(folder / file->path));
    std::uint64_t at = 0;
    for (const Place& place : places_[file->path]) {
      const auto tensor = tensor_of_.find(KeyOf(place.part));
      if (tensor == tensor_of_.end()) {
        KeepLiteral(place.part, "it is no tensor of the model, or not made of its weights");
        continue;
      }
      if (place.range.offset < at || place.range.size == 0) continue;  // another name for the same
      HM_TRY(AddLiteral(*opened, at, place.range.offset - at, file));
      file->segments.push_back({tensor->second, place.range.size});
      at = place.range.End();
    }
    HM_TRY(AddLiteral(*opened, at, file->size - at, file));
    return opened->CheckUnchanged();
  }

  Result<void> AddLiteral(const File& from, std::uint64_t offset, std::uint64_t size,
                          RecipeFile* file) {
    if (size == 0) return {};
    std::vector<std::byte>& literals = made_.recipe.literals;
    if (size > kMaxRecipeLiterals - literals.size()) {
      return Error{Errc::kUnsupported, from.Name(),
                   fmt::format("{} bytes at once are no weights that could be left out", size),
                   offset, "a recipe is for files that hold weights and little else"};
    }
    const std::size_t before = literals.size();
    literals.resize(before + size);
    HM_TRY(from.Read(offset, std::span(literals).subspan(before)));
    file->segments.push_back({std::nullopt, size});
    return {};
  }

  Result<void> CheckLiterals() const {
    const Recipe& recipe = made_.recipe;
    if (IsWithinRecipeLimit(recipe.literal_payload, recipe.payload_bytes)) return {};
    const auto most = std::ranges::max_element(made_.literal, {}, &LiteralPayload::bytes);
    return Error{
        Errc::kUnsupported, official_.string(),
        fmt::format("got {} bytes of weights that would have to be kept literally, limit {}, "
                    "0.1 % of all; among them {}: {}",
                    recipe.literal_payload, recipe.payload_bytes / 1000,
                    EscapeForPeople(most->stored_name), most->reason)};
  }

  const std::filesystem::path& official_;
  const Model& model_;
  const CanonicalModel& canonical_;
  const Task& task_;
  MadeRecipe& made_;
  std::map<std::string, std::vector<Place>> places_;  // by path on disk
  std::map<PartKey, std::size_t> tensor_of_;          // index into the recipe's tensors
};

// docs/identity.md, 1.5: the same values twice are one tensor in copies that leave the second out.
void ShareTiedOutput(const WeightIdentity& identity, Recipe* recipe) {
  const bool is_tied = std::ranges::any_of(identity.left_out, [](const LeftOut& item) {
    return item.reason.starts_with("equal to the input embedding");
  });
  if (!is_tied) return;
  for (RecipeTensor& tensor : recipe->tensors) {
    std::ranges::replace(tensor.sources, std::string(kOutputEmbedding),
                         std::string(kInputEmbedding));
  }
}

}  // namespace

Result<MadeRecipe> MakeRecipe(const std::filesystem::path& official, const Task& task) {
  const Model model = HM_TRY(Model::Open(official, task));
  const WeightIdentity identity = HM_TRY(ComputeIdentity(model, task));
  const CanonicalModel canonical = HM_TRY(Canonicalise(model, task));
  MadeRecipe made;
  made.recipe.weights = identity.ToString();
  made.findings = model.Findings();
  made.findings.insert(made.findings.end(), identity.findings.begin(), identity.findings.end());
  HM_TRY(RecipeWork(official, model, canonical, task, &made).Run());
  ShareTiedOutput(identity, &made.recipe);
  return made;
}

}  // namespace hallmark
