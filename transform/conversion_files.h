// All files of a conversion's output, planned: weights, index, configuration, tokenizer.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "transform/convert.h"
#include "transform/importance_matrix.h"
#include "transform/input_file.h"
#include "transform/tensor_plan.h"
#include "transform/write_files.h"
#include "weights/model.h"

namespace hallmark {

// A tensor of the output, and what it loses while it is written.
struct ConvertedTensor {
  ReceiptTensor told;  // but for the loss
  std::shared_ptr<const LossCount> loss;
};

struct ConversionFiles {
  PartialOutput::Target kind = PartialOutput::Target::kFile;
  std::vector<OutputFile> files;  // the weights first
  std::vector<ConvertedTensor> tensors;
  std::vector<InputFile> inputs;
  std::vector<std::string> notes;     // for people: what is not carried over
  std::vector<std::string> left_out;  // stored names of tensors that are not
  bool quantises = false, dequantises = false;
  // What the files' payloads are made of.
  std::vector<Bytes> bases;
  std::unique_ptr<const ImportanceMatrix> importance;
};

// Reads headers, configuration and tokenizer, no weights to speak of. `path` is what `model` was
// opened by; `model` and `canonical` must outlive the result. request.name is that of the output.
// Errors: as Convert.
Result<ConversionFiles> PlanConversion(const std::filesystem::path& path, const Model& model,
                                       const CanonicalModel& canonical,
                                       const ConvertRequest& request, const Task& task);

}  // namespace hallmark
