// PyTorch checkpoints before 1.6: five pickles on end, then the storages.
#pragma once

#include <memory>

#include "formats/file_head.h"
#include "formats/model_reader.h"

namespace hallmark {

// The pickled magic number that torch.save wrote first, in protocols 2 to 5.
bool SniffPytorchLegacy(const FileHead& head);

// Errors: as ReadPickle and RebuildCheckpoint; kMalformed where a storage's stated length is not
// the pickle's, or bytes are missing or left over.
Result<std::unique_ptr<ModelReader>> OpenPytorchLegacy(const File& file);

// The tar files of torch 0.1, told by the name of their first member. They are refused by name.
bool SniffPytorchTar(const FileHead& head);
Result<std::unique_ptr<ModelReader>> OpenPytorchTar(const File& file);

}  // namespace hallmark
