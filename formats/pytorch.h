// A PyTorch checkpoint as its pickle tells it, apart from the container that carries it: the
// storages it refers to and the tensors that are views of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/model_reader.h"
#include "formats/pickle.h"
#include "formats/strided_reader.h"
#include "src/base/error.h"
#include "src/base/finding.h"
#include "src/tensor/tensor_info.h"

namespace hallmark {

// What one persistent id names. Two ids of one key must agree.
struct PytorchStorage {
  std::string key;
  std::optional<Dtype> dtype;  // of typed storages of plain numbers
  std::uint32_t item_bytes = 1;
  std::uint64_t count = 0;                                    // items, bytes if untyped
  std::uint64_t Bytes() const { return count * item_bytes; }  // checked when it was made
  bool is_quantised = false;
  bool is_used = false;          // by a tensor of the list
  std::optional<Dtype> used_as;  // the dtype of those tensors
};

struct PytorchCheckpoint {
  std::vector<PytorchStorage> storages;  // in the order the pickle names them
  std::vector<StridedTensor> tensors;    // in the order of the state dict
  std::vector<MetadataEntry> metadata;
  std::vector<Finding> findings;
  // The outermost dict's key under which all tensors lie, if its value is a dict too; else empty.
  std::string root_key;
};

// Which shape persistent ids have: ("storage", type, key, location, count) in zip files; legacy
// files add a view (key, offset, count) or None.
enum class PytorchLayout { kZip, kLegacy };

// Rebuilds what torch._utils and its kin would from an interpreted pickle. Nested dicts, lists and
// tuples give names joined with ".", integers in decimal; no key is dropped. Tensors that are not
// plain strided arrays of numbers are reported as findings "unsupported-tensor" with their name as
// the subject; storages that only such values refer to as "unread-storage".
// Errors: kMalformed (a view that leaves its storage, ids or arguments of the wrong form, a key
// twice in one dict); kUnsupported where values nested through shared parts multiply beyond what
// the pickle's size allows.
Result<PytorchCheckpoint> RebuildCheckpoint(const PickleReading& pickle, PytorchLayout layout,
                                            const std::string& subject);

// A checkpoint and where its storages are, in their order, sizes checked; format left to be filled
// in. `is_big_endian`: torch swaps a storage by its own type; what is kept in untyped ones stays as
// it is.
StridedContents JoinStorages(PytorchCheckpoint checkpoint, std::vector<StorageBytes> storages,
                             bool is_big_endian);

}  // namespace hallmark
