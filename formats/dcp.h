// Distributed checkpoints of PyTorch (torch.distributed.checkpoint): one metadata file and the
// files it names. Layout: docs/formats/dcp.md.
#pragma once

#include <memory>

#include "formats/file_head.h"
#include "formats/model_reader.h"

namespace hallmark {

// A pickle of torch.distributed.checkpoint's Metadata.
bool SniffDcp(const FileHead& head);

// `file` is the metadata, usually called ".metadata"; the tensors are in files beside it, each
// piece of one a PyTorch zip. A tensor in several pieces is put together while it is read. Names
// are the keys of the state dict. Errors: kIo; kNotFound (a file that is not there); kDangerous,
// kMalformed and kUnsupported as ReadPickle and OpenPytorchZip, and where metadata and pieces
// contradict each other, pieces overlap or do not cover their tensor, or are compressed.
Result<std::unique_ptr<ModelReader>> OpenDcp(const File& file);

}  // namespace hallmark
