// Every supported container, seen as an ordered list of named tensors.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/metadata.h"
#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/base/finding.h"
#include "src/io/file.h"
#include "src/tensor/tensor_info.h"

namespace hallmark {

// Another file that a container keeps tensors in.
struct CompanionFile {
  std::string path;  // relative to the folder of the container, checked to stay below it
  std::shared_ptr<const File> file;
};

// Where a tensor, or one piece of it, is stored.
struct StoredPlace {
  std::size_t file = 0;  // as TensorInfo::file
  ByteRange range;
};

// One file of weights. Immutable and safe to share between threads. It reads headers only; the
// file it was opened on must outlive it. Everything in Tensors() was checked against the files, so
// ranges can be trusted; payload comes by ReadTensor.
class ModelReader {
 public:
  virtual ~ModelReader() = default;
  virtual std::string_view FormatName() const = 0;  // "safetensors", "gguf", …
  virtual std::string FormatDetail() const = 0;     // "GGUF v3, alignment 32"
  // In file order (the container before its companions), names distinct.
  virtual std::span<const TensorInfo> Tensors() const = 0;
  virtual std::span<const MetadataEntry> Metadata() const = 0;  // in file order
  virtual std::span<const Finding> Findings() const = 0;        // oddities that are not errors

  // The files beside the container that it names as its own, opened by File::OpenBeside.
  virtual std::span<const CompanionFile> Companions() const { return {}; }
  // All the places of tensor `index`, in row-major order of their first elements.
  virtual std::vector<StoredPlace> PlacesOf(std::size_t index) const {
    const TensorInfo& tensor = Tensors()[index];
    return {{tensor.file, tensor.stored}};
  }

  // The one key of the outermost dictionary under which all tensors lie, where a container nests
  // dictionaries (pickles): names then begin with it and a dot. Empty: none.
  virtual std::string_view RootKey() const { return {}; }

  // Fills `out` with the row-major little-endian bytes [offset, offset + out.size()) of tensor
  // `index`: strides applied, inflated, byte order and conj/neg bits resolved; block types as raw
  // blocks. The range lies within payload_bytes. Sequential reads are fast in every container.
  // Errors: kIo; kMalformed (a deflated record that lies about its size or CRC).
  virtual Result<void> ReadTensor(std::size_t index, std::uint64_t offset,
                                  MutableByteSpan out) const = 0;
};

}  // namespace hallmark
