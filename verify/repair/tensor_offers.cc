#include "verify/repair/tensor_offers.h"

#include <algorithm>
#include <span>
#include <utility>

#include "src/model/architecture.h"
#include "transform/rebuild.h"
#include "transform/stored_tensors.h"

namespace hallmark {
namespace {

Result<std::shared_ptr<const OpenedModel>> Finish(Model opened, const Task& task) {
  auto result = std::make_shared<OpenedModel>();
  result->model = std::make_unique<const Model>(std::move(opened));
  Result<CanonicalModel> canonical = Canonicalise(*result->model, task);
  if (canonical) {
    result->canonical = std::make_unique<const CanonicalModel>(*std::move(canonical));
  } else {
    if (canonical.error().code == Errc::kInterrupted) return std::move(canonical).error();
    result->why_not = std::move(canonical).error();
  }
  return std::shared_ptr<const OpenedModel>(std::move(result));
}

// That file alone if the others of its set cannot be used.
Result<std::shared_ptr<const OpenedModel>> OpenSetOf(std::shared_ptr<const Folder> folder,
                                                     std::span<const ModelSet> sets,
                                                     std::string_view path, const Task& task) {
  for (const ModelSet& set : sets) {
    if (std::ranges::find(set.files, path) == set.files.end()) continue;
    Result<Model> model = Model::Open(folder, set, task);
    if (model) return Finish(*std::move(model), task);
    if (model.error().code == Errc::kInterrupted) return std::move(model).error();
  }
  ModelSet alone{.name = std::string(path), .files = {std::string(path)}};
  return Finish(HM_TRY(Model::Open(std::move(folder), alone, task)), task);
}

std::string_view LastComponent(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

// Part of the recipe's literal bytes.
class LiteralBytes final : public BlockSource {
 public:
  LiteralBytes(std::shared_ptr<const Recipe> recipe, ByteRange range)
      : recipe_(std::move(recipe)), range_(range) {}
  std::uint64_t Size() const override { return range_.size; }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    if (offset > range_.size || out.size() > range_.size - offset) {
      return Error{Errc::kIo, "", "a read beyond the end", offset};
    }
    std::ranges::copy(ByteSpan(recipe_->literals)
                          .subspan(static_cast<std::size_t>(range_.offset + offset), out.size()),
                      out.begin());
    return {};
  }

 private:
  std::shared_ptr<const Recipe> recipe_;
  ByteRange range_;
};

class RecipeLayout final : public OfficialLayout {
 public:
  explicit RecipeLayout(std::shared_ptr<const Recipe> recipe) : recipe_(std::move(recipe)) {}

  std::vector<OfficialStretch> StretchesOf(std::string_view, std::string_view listed_as,
                                           std::uint64_t size) const override {
    const RecipeFile* best = nullptr;
    std::uint64_t literals_before = 0, best_literals = 0;
    for (const RecipeFile& file : recipe_->files) {
      const bool is_same = file.path == listed_as;
      const bool is_like = LastComponent(file.path) == LastComponent(listed_as);
      if (file.size == size && (is_same || (is_like && best == nullptr))) {
        best = &file;
        best_literals = literals_before;
      }
      for (const RecipeSegment& segment : file.segments) {
        if (!segment.tensor) literals_before += segment.size;
      }
      if (is_same && best == &file) break;
    }
    std::vector<OfficialStretch> stretches;
    if (best == nullptr) return stretches;
    std::uint64_t offset = 0;
    for (const RecipeSegment& segment : best->segments) {
      OfficialStretch& stretch = stretches.emplace_back();
      stretch.range = {offset, segment.size};
      if (segment.tensor) {
        stretch.tensor = &recipe_->tensors[*segment.tensor];
      } else {
        stretch.literal =
            std::make_shared<LiteralBytes>(recipe_, ByteRange{best_literals, segment.size});
        best_literals += segment.size;
      }
      offset += segment.size;
    }
    return stretches;
  }

 private:
  std::shared_ptr<const Recipe> recipe_;
};

class HeaderLayout final : public OfficialLayout {
 public:
  explicit HeaderLayout(std::shared_ptr<const OpenedModel> copy)
      : copy_(std::move(copy)), guesses_(*copy_->model, *copy_->canonical) {
    const Model& model = *copy_->model;
    for (std::size_t f = 0; f < model.Files().size(); ++f) {
      const auto tensors = model.Files()[f].reader->Tensors();
      for (std::size_t t = 0; t < tensors.size(); ++t) {
        const RecipeTensor* const guess = guesses_.Find({f, t});
        const std::vector<FileStretch> places = model.PlacesOf(f, t);
        if (guess == nullptr || !tensors[t].verbatim || places.size() != 1) continue;
        if (places.front().range.size == 0) continue;
        stretches_[places.front().path].push_back({places.front().range, guess, nullptr});
      }
    }
    for (auto& [path, stretches] : stretches_) {
      std::ranges::sort(stretches, {}, [](const OfficialStretch& s) { return s.range.offset; });
      // A second name for the same bytes.
      std::uint64_t end = 0;
      std::erase_if(stretches, [&](const OfficialStretch& stretch) {
        if (stretch.range.offset < end) return true;
        end = stretch.range.End();
        return false;
      });
    }
  }

  std::vector<OfficialStretch> StretchesOf(std::string_view path, std::string_view,
                                           std::uint64_t size) const override {
    const auto found = stretches_.find(path);
    if (found == stretches_.end()) return {};
    std::vector<OfficialStretch> stretches = found->second;
    std::erase_if(stretches, [&](const OfficialStretch& s) { return s.range.End() > size; });
    return stretches;
  }

 private:
  std::shared_ptr<const OpenedModel> copy_;
  StoredTensorGuesses guesses_;
  std::map<std::string, std::vector<OfficialStretch>, std::less<>> stretches_;
};

// Where the donor leaves out an output embedding that repeats the input embedding, that one.
Result<Bytes> Rebuilt(const RecipeTensor& tensor, const CanonicalModel& donor) {
  Result<Bytes> bytes = RebuiltTensor(tensor, donor);
  if (bytes || bytes.error().code != Errc::kNotFound) return bytes;
  RecipeTensor tied = tensor;
  std::ranges::replace(tied.sources, std::string(kOutputEmbedding), std::string(kInputEmbedding));
  return tied.sources == tensor.sources ? std::move(bytes) : RebuiltTensor(tied, donor);
}

}  // namespace

Result<std::shared_ptr<const OpenedModel>> OpenedModel::Open(const std::filesystem::path& path,
                                                             const Task& task) {
  return Finish(HM_TRY(Model::Open(path, task)), task);
}

Result<std::shared_ptr<const OpenedModel>> FolderModels::ModelOf(const std::string& path,
                                                                 const Task& task) {
  if (const auto known = by_path_.find(path); known != by_path_.end()) return known->second;
  if (!folder_->Has(path)) return nullptr;
  if (!sets_) {
    Result<std::vector<ModelSet>> sets = FindModelSets(*folder_, HM_TRY(folder_->List()));
    sets_ = sets ? *std::move(sets) : std::vector<ModelSet>();
  }
  auto opened = OpenSetOf(folder_, *sets_, path, task);
  if (!opened && opened.error().code == Errc::kInterrupted) return std::move(opened).error();
  if (!opened || (*opened)->canonical == nullptr) return by_path_[path] = nullptr;
  for (const std::string& file : (*opened)->model->Set().files) by_path_[file] = *opened;
  opened_.push_back(*opened);
  return by_path_[path] = *opened;
}

std::unique_ptr<const OfficialLayout> LayoutByRecipe(std::shared_ptr<const Recipe> recipe) {
  return std::make_unique<RecipeLayout>(std::move(recipe));
}

std::unique_ptr<const OfficialLayout> LayoutByHeaders(std::shared_ptr<const OpenedModel> copy) {
  HM_CHECK(copy->canonical != nullptr);
  return std::make_unique<HeaderLayout>(std::move(copy));
}

std::optional<Offer> OfferTensors(std::string from, std::uint64_t size,
                                  const std::vector<OfficialStretch>& stretches,
                                  const CanonicalModel* donor) {
  std::vector<Patchwork::Patch> patches;
  for (const OfficialStretch& stretch : stretches) {
    if (stretch.literal != nullptr) {
      patches.push_back({stretch.range, stretch.literal});
      continue;
    }
    if (donor == nullptr) continue;
    Result<Bytes> bytes = Rebuilt(*stretch.tensor, *donor);
    if (!bytes || (*bytes)->Size() != stretch.range.size) continue;
    patches.push_back({stretch.range, *std::move(bytes)});
  }
  if (patches.empty()) return std::nullopt;
  auto bytes = std::make_shared<const Patchwork>(size, std::move(patches));
  std::vector<ByteRange> covered = bytes->Covered();
  return Offer{std::move(from), std::move(bytes), std::move(covered)};
}

}  // namespace hallmark
