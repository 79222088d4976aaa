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
    for (const StoredPlace& place : reader.PlacesOf(i)) {
      const std::uint64_t bytes =
          place.file == 0 ? file.Size() : reader.Companions()[place.file - 1].file->Size();
      HM_CHECK(place.range.offset <= bytes && place.range.size <= bytes - place.range.offset);
    }
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

// A file in memory beside which, whatever the name, one other file lies.
class FileWithCompanion final : public FileWindow {
 public:
  FileWithCompanion(std::vector<std::byte> bytes, std::vector<std::byte> companion)
      : FileWindow(MakeMemoryFile(bytes, "fuzz"), {0, bytes.size()}, "fuzz"),
        companion_(std::move(companion)) {}

  Result<std::unique_ptr<File>> OpenBeside(std::string_view) const override {
    return MakeMemoryFile(companion_, "companion");
  }

 private:
  std::vector<std::byte> companion_;
};

// Opens a container and its companion, which the input holds one after the other: the size of the
// container, as u32, comes first.
inline int CheckOpeningWithCompanion(const std::uint8_t* data, std::size_t size,
                                     Result<std::unique_ptr<ModelReader>> (*open)(const File&)) {
  std::vector<std::byte> bytes = FuzzBytes(data, size);
  if (bytes.size() < 4) return 0;
  const std::size_t own = LoadLittle<std::uint32_t>(bytes.data());
  bytes.erase(bytes.begin(), bytes.begin() + 4);
  if (own > bytes.size()) return 0;
  const auto middle = bytes.begin() + static_cast<std::ptrdiff_t>(own);
  const FileWithCompanion file({bytes.begin(), middle}, {middle, bytes.end()});
  if (const auto reader = open(file)) {
    CheckReader(**reader, file, false);
  } else {
    HM_CHECK(!reader.error().message.empty() && !reader.error().subject.empty());
  }
  return 0;
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
