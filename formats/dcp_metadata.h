// What the metadata of a distributed checkpoint says, apart from the files it names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/pickle.h"
#include "formats/tiles.h"
#include "src/base/error.h"

namespace hallmark {

// One item of one file (_StorageInfo): a whole file of torch.save.
struct DcpItem {
  std::string path;  // relative to the metadata's folder; checked to stay below it
  ByteRange range;
};

// A tensor and its pieces: `items` has one for each box that holds any element.
struct DcpTensor {
  std::string name;
  Dtype dtype;
  Shape sizes;                   // as torch counts them
  std::vector<TensorBox> boxes;  // by their offsets, first dimension first; they tile the tensor
  std::vector<DcpItem> items;
};

// Any other object of the state dict.
struct DcpObject {
  std::string name;
  DcpItem item;
};

struct DcpMetadata {
  std::string version;  // or empty
  std::vector<DcpTensor> tensors;
  std::vector<DcpObject> objects;
  std::vector<std::string> unsupported;  // names of tensors of a dtype not known here
  std::string root_key;                  // as ModelReader::RootKey
  std::size_t strays = 0;                // items that belong to nothing
};

// Errors: kMalformed (not what torch writes, a tensor without all of its pieces, one that are no
// tiling), kUnsupported (compressed items).
Result<DcpMetadata> ParseDcpMetadata(const PickleReading& pickle, const std::string& subject);

}  // namespace hallmark
