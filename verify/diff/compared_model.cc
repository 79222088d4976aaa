#include "verify/diff/compared_model.h"

#include <utility>

namespace hallmark {

Result<ComparedModel> ComparedModel::Of(const Model& model, const Task& task) {
  CanonicalModel canonical = HM_TRY(Canonicalise(model, task));
  return ComparedModel{&model, std::move(canonical)};
}

const TensorInfo& ComparedModel::StoredInfo(const CanonicalTensor& tensor) const {
  const TensorPart& part = tensor.parts.front();
  return model->Files()[part.file].reader->Tensors()[part.tensor];
}

TensorDiff::Side ComparedModel::Describe(const CanonicalTensor& tensor) const {
  return {tensor.name, tensor.stored_name, StoredInfo(tensor).dtype, tensor.shape};
}

DiffSide ComparedModel::Describe(std::string name) const {
  DiffSide side;
  side.name = std::move(name);
  side.format = model->Files().front().reader->FormatDetail();
  side.architecture = canonical.architecture;
  side.left_out = canonical.left_out;
  side.tensors = canonical.tensors.size();
  for (const CanonicalTensor& tensor : canonical.tensors) side.parameters += ValueCount(tensor);
  return side;
}

void ComparedModel::AddFindings(std::vector<Finding>* findings) const {
  for (const std::vector<Finding>* of : {&model->Findings(), &canonical.findings}) {
    findings->insert(findings->end(), of->begin(), of->end());
  }
}

Finding UnreadableTensor(const std::string& name, const Error& error) {
  return {Severity::kWarning, "unreadable-tensor", error.subject.empty() ? name : error.subject,
          error.message, error.offset};
}

}  // namespace hallmark
