// The files that a packed file holds, read in place: every reader works on them as on files on
// disk.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "formats/packed.h"
#include "src/io/folder.h"

namespace hallmark {

// Files of the base, in the order of PackedIndex::base and checked to be those that were packed
// against.
using BaseFiles = std::vector<std::shared_ptr<const File>>;

// The files of `packed` as a folder; `path` is what a listing of the copy calls it. Frames are
// decompressed as they are read and checked; a few of them are kept. Members' names in messages are
// "model.hmz: config.json", and Locate gives the frames that a range is kept in. Errors: as
// ReadPackedIndex; kUnsupported if it was packed against a base and `base` is empty.
Result<std::shared_ptr<const Folder>> FolderInPacked(std::shared_ptr<const File> packed,
                                                     std::string path, BaseFiles base = {});

// Frame `frame` of `member`, decompressed and checked. `out` is as large as what it holds; `index`
// and `base` are those of `packed`. Errors: kIo; kMalformed.
Result<void> ReadPackedFrame(const File& packed, const PackedIndex& index, const BaseFiles& base,
                             const PackedMember& member, std::size_t frame, MutableByteSpan out);

}  // namespace hallmark
