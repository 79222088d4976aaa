// What must hold of every container that opens, whatever its bytes: the fuzz targets of formats
// end here. A broken property aborts, which the fuzzer reports with its input.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "formats/model_reader.h"
#include "src/base/error.h"
#include "src/io/file.h"

namespace hallmark {

inline std::vector<std::byte> FuzzBytes(const std::uint8_t* data, std::size_t size) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  return {bytes, bytes + size};
}

inline void CheckMetadata(const MetadataValue& value) {
  const auto* array = std::get_if<std::shared_ptr<const MetadataArray>>(&value);
  if (array == nullptr) return;
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>((*array)->Size(), 64); ++i) {
    CheckMetadata((*array)->At(i));
  }
}

// Readable from the first byte to the last, in bounded pieces.
inline void CheckReadable(const ModelReader& reader, std::size_t index) {
  static constexpr std::uint64_t kPiece = 64 * 1024;
  const std::uint64_t size = reader.Tensors()[index].payload_bytes;
  std::vector<std::byte> piece(std::min(size, kPiece));
  const Result<void> first = reader.ReadTensor(index, 0, piece);
  const Result<void> last = reader.ReadTensor(index, size - piece.size(), piece);
  // Bytes that are kept as they are lie in the file, so nothing can be wrong with them.
  HM_CHECK(!reader.Tensors()[index].verbatim || (first && last));
}

// `exclusive`: no byte of the file belongs to two tensors.
inline void CheckReader(const ModelReader& reader, const File& file, bool exclusive) {
  std::vector<std::string_view> names;
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < reader.Tensors().size(); ++i) {
    const TensorInfo& tensor = reader.Tensors()[i];
    HM_CHECK(tensor.stored.offset <= file.Size());
    HM_CHECK(tensor.stored.size <= file.Size() - tensor.stored.offset);
    HM_CHECK(PayloadBytes(tensor.dtype, tensor.shape) == tensor.payload_bytes);
    HM_CHECK(!tensor.verbatim || tensor.stored.size == tensor.payload_bytes);
    if (exclusive) {
      HM_CHECK(tensor.stored.offset >= end);
      end = tensor.stored.End();
    }
    names.push_back(tensor.name);
    if (i < 64) CheckReadable(reader, i);
  }
  std::sort(names.begin(), names.end());
  HM_CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
  for (const MetadataEntry& entry : reader.Metadata()) CheckMetadata(entry.value);
}

// An error says what it is about and what is wrong.
inline void CheckError(const Error& error, const File& file) {
  HM_CHECK(error.subject == file.Name());
  HM_CHECK(!error.message.empty());
  HM_CHECK(!error.offset || *error.offset <= file.Size());
}

// Opens the bytes with one reader and holds the result against the properties.
inline int CheckOpening(const std::uint8_t* data, std::size_t size,
                        Result<std::unique_ptr<ModelReader>> (*open)(const File& file),
                        bool exclusive) {
  const std::unique_ptr<File> file = MakeMemoryFile(FuzzBytes(data, size), "fuzz");
  if (const auto reader = open(*file)) {
    CheckReader(**reader, *file, exclusive);
  } else {
    CheckError(reader.error(), *file);
  }
  return 0;
}

}  // namespace hallmark
