#include "verify/copy_weights.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "weights/canonical.h"

namespace hallmark {

Result<const Model*> CopyWeights::Open() {
  if (model_) return &*model_;
  Model model = HM_TRY(Model::Open(copy_.Path(), task_));
  HM_TRY(model.CheckSameAsHashed([&](const std::string& path) -> const FileStamp* {
    const auto index = FindFile(copy_.Listing(), path);
    if (!index || !copy_.File(*index).stamp) return nullptr;
    return &*copy_.File(*index).stamp;
  }));
  model_.emplace(std::move(model));
  return &*model_;
}

Result<const WeightIdentity*> CopyWeights::Identity() {
  if (identity_) return &*identity_;
  const Model* const model = HM_TRY(Open());
  WeightIdentity identity = HM_TRY(ComputeIdentity(*model, task_));
  HM_TRY(model->CheckUnchanged());
  identity_.emplace(std::move(identity));
  return &*identity_;
}

std::vector<Finding> CopyWeights::Findings(bool are_same) const {
  if (!model_) return {};
  std::vector<Finding> findings;
  std::ranges::copy_if(model_->Findings(), std::back_inserter(findings),
                       [](const Finding& finding) { return finding.code == kQuantisedFinding; });
  if (!identity_) return findings;
  findings.insert(findings.end(), identity_->findings.begin(), identity_->findings.end());
  const std::string_view format = model_->Files().front().reader->FormatName();
  if (are_same && (format == "gguf" || format == "ggml-legacy")) {
    findings.push_back({Severity::kNote, "metadata-not-compared", model_->Set().name,
                        "what it says beside the weights (configuration, tokenizer, chat template) "
                        "was not compared"});
  }
  return findings;
}

std::optional<KnownPlaces> CopyWeights::PlacesIn(const FileVerdict& file, const Source& source,
                                                 const WeightsVerdict& compared) {
  const bool by_digest =
      compared.source == source.name && (compared.state == WeightsVerdict::State::kDifferent ||
                                         compared.state == WeightsVerdict::State::kSame);
  KnownPlaces known;
  if (by_digest) {
    known.only_differing = true;
    for (const auto& difference : compared.differences) {
      for (const auto& [path, range] : difference.places) {
        if (path == file.path) {
          known.places.push_back({range, difference.tensor, difference.group});
        }
      }
    }
    return known;
  }
  if (source.manifest && !source.manifest->tensors.empty()) {
    for (const ManifestTensor& tensor : source.manifest->tensors) {
      for (const auto& place : tensor.places) {
        if (place.file != file.listed_as) continue;
        known.places.push_back({place.range, tensor.name, GroupKey(tensor.name)});
      }
    }
    return known;
  }
  const Result<const Model*> model = Open();
  if (!model) return std::nullopt;
  const Result<CanonicalModel> canonical = Canonicalise(**model, task_);
  if (!canonical) return std::nullopt;
  for (const CanonicalTensor& tensor : canonical->tensors) {
    for (const TensorPart& part : tensor.parts) {
      for (const FileStretch& place : (*model)->PlacesOf(part.file, part.tensor)) {
        if (place.path != file.path) continue;
        known.places.push_back({place.range, tensor.name, GroupKey(tensor.name)});
      }
    }
  }
  return known;
}

}  // namespace hallmark
