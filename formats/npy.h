// numpy's arrays: a header and the values, in either order of dimensions and of bytes.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "formats/file_head.h"
#include "formats/model_reader.h"
#include "formats/npy_header.h"
#include "formats/strided_reader.h"

namespace hallmark {

bool SniffNpy(const FileHead& head);

// A lone array, which is one tensor without a name. Errors: as AddNpy.
Result<std::unique_ptr<ModelReader>> OpenNpy(const File& file);

// An array of objects is a pickle, read for what it would do and for nothing else.
inline constexpr std::uint64_t kMaxObjects = 8 * 1024 * 1024;  // bytes, in all arrays of a file

// An array, and where its bytes are, header and values.
struct NpyPlace {
  std::string name;                                // of the tensor
  std::string subject;                             // of the file
  std::uint64_t size = 0;                          // bytes
  std::function<StorageBytes(ByteRange)> storage;  // gives a part of them
  // How many bytes of pickles may still be read; those that are read go off it.
  std::uint64_t& pickle_bytes;
};

// Adds an array to `contents`: a tensor with its storage, or a finding "unsupported-tensor" where
// its elements are no known numbers, "string-tensor" where they are texts. Offsets of errors and
// findings are relative to the array. Errors: as ReadNpyHeader; kMalformed unless the values are
// exactly what follows the header; kDangerous for objects whose pickle would run code.
Result<NpyHeader> AddNpy(const NpyPlace& place, StridedContents& contents);

// A note, if some of these arrays have a type that numpy itself has no name for.
void NoteUnnamedTypes(std::size_t arrays, const std::string& subject, StridedContents& contents);

}  // namespace hallmark
