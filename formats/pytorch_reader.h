// The ModelReader that both PyTorch containers share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "formats/model_reader.h"
#include "formats/pytorch.h"

namespace hallmark {

// Where the bytes of one storage are: `source` gives them, `stored` is what the file keeps.
struct StorageBytes {
  std::unique_ptr<BlockSource> source;
  ByteRange stored;
  bool is_plain = true;  // `stored` is exactly the storage, not a deflated form of it
};

struct PytorchFile {
  std::string_view format_name;
  std::string format_detail;
  bool is_big_endian = false;
  PytorchCheckpoint checkpoint;
  std::vector<StorageBytes> storages;  // of checkpoint.storages, in that order, sizes checked
  std::shared_ptr<const void> keeper;  // whatever the sources need to stay alive
};

std::unique_ptr<ModelReader> MakePytorchReader(PytorchFile file);

// A part of a file that is one storage.
class FilePart final : public BlockSource {
 public:
  // `range` lies within `file`, which must outlive this.
  FilePart(const File& file, ByteRange range) : file_(file), range_(range) {}
  std::uint64_t Size() const override { return range_.size; }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override;

 private:
  const File& file_;
  ByteRange range_;
};

}  // namespace hallmark
