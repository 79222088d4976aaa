// numpy's archives: a ZIP with an array in each entry.
#pragma once

#include <memory>

#include "formats/file_head.h"
#include "formats/model_reader.h"

namespace hallmark {

// A ZIP whose first entry is called NAME.npy.
bool SniffNpz(const FileHead& head);

// As numpy.load sees it: an entry that begins as an array does is one, its tensor is called as the
// entry without ".npy", and case matters. Errors: as ZipArchive::Open and AddNpy; kMalformed where
// two arrays have one name, an entry called .npy is none, or PyTorch could take the archive for a
// checkpoint; kUnsupported as CheckScattered.
Result<std::unique_ptr<ModelReader>> OpenNpz(const File& file);

}  // namespace hallmark
