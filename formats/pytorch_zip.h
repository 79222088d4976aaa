// PyTorch checkpoints since 1.6: a ZIP of one pickle and one record for each storage.
#pragma once

#include <memory>

#include "formats/file_head.h"
#include "formats/model_reader.h"

namespace hallmark {

// A ZIP whose first entry is one that torch writes.
bool SniffPytorchZip(const FileHead& head);

// Errors: as ZipArchive::Open, ReadPickle and RebuildCheckpoint; kMalformed where a record's length
// is not that of its storage; kUnsupported for TorchScript archives and other ZIPs.
Result<std::unique_ptr<ModelReader>> OpenPytorchZip(const File& file);

}  // namespace hallmark
