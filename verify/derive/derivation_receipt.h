// A derivation written down: docs/statements.md.
#pragma once

#include <filesystem>
#include <string_view>

#include "src/base/task.h"
#include "transform/receipt.h"
#include "verify/derive/derive.h"
#include "weights/model.h"

namespace hallmark {

// The files of both models with their digests, and their weight identities: what is known before
// anything is compared. An input that has no identity has an empty one. Errors: kIo, also where a
// file is another than the model was opened with; kInterrupted.
Result<Receipt> BeginDerivationReceipt(const Model& suspect,
                                       const std::filesystem::path& suspect_path,
                                       const Model& official,
                                       const std::filesystem::path& official_path,
                                       const Task& task);

// Adds what `report` found, which is all proven: exact or replayed.
void FinishDerivationReceipt(const DeriveReport& report, const Model& suspect,
                             std::string_view tool_version, Receipt* receipt);

}  // namespace hallmark
