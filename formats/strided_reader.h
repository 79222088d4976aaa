// The reader of containers whose tensors are views of storages: of records in a ZIP, of stretches
// of a file; transposed, shared, big-endian or lazily negated.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/model_reader.h"
#include "formats/strided.h"
#include "formats/zip.h"
#include "src/io/block_source.h"

namespace hallmark {

// Where the bytes of one storage are: `source` gives them, `stored` is what the file keeps.
struct StorageBytes {
  std::unique_ptr<BlockSource> source;
  ByteRange stored;
  bool is_plain = true;  // `stored` is exactly the storage, not a deflated form of it
};

// `range` lies within `file`, which must outlive the result.
StorageBytes StorageInFile(const File& file, ByteRange range);
// `part` lies within the inflated entry; the archive must outlive the result.
StorageBytes StorageInZip(const ZipArchive& archive, const ZipEntry& entry, ByteRange part);

struct StridedTensor {
  TensorInfo info;          // `stored` and `verbatim` are filled in by the reader
  std::size_t storage = 0;  // index into StridedContents::storages
  StridedView view;         // of the storage, checked against it
  bool is_big_endian = false;
  bool is_conjugated = false;
  bool is_negated = false;
};

// What a container says, after every view was checked against its storage. Names are distinct.
struct StridedContents {
  std::string_view format_name;  // of static storage
  std::string format_detail;
  std::vector<StridedTensor> tensors;
  std::vector<StorageBytes> storages;
  std::vector<MetadataEntry> metadata;
  std::vector<Finding> findings;
  std::string root_key;                // as ModelReader::RootKey
  std::shared_ptr<const void> keeper;  // whatever the sources need to stay alive
};

// kUnsupported, in the name of the file `subject`, for a tensor that is scattered over a large
// deflated storage, which would have to be inflated again and again.
Result<void> CheckScattered(const StridedContents& contents, const std::string& subject);

std::unique_ptr<ModelReader> MakeStridedReader(StridedContents contents);

}  // namespace hallmark
