// The initialisers of an ONNX graph, one by one.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "formats/companions.h"
#include "formats/onnx_typed_data.h"
#include "formats/protobuf.h"

namespace hallmark {

inline constexpr std::uint64_t kMaxOnnxName = 64 * 1024;
inline constexpr std::uint64_t kMaxOnnxText = 16 * 1024;  // of what is only shown

// A tensor and, if its numbers are kept one by one, their places.
struct OnnxTensor {
  TensorInfo info;
  std::optional<TypedData> typed;
};

// What the initialisers read so far make together.
struct OnnxTensors {
  std::vector<OnnxTensor> tensors;
  Companions companions;
  std::vector<Finding> findings;

  // Beyond a thousand, findings are only said to be more.
  void AddFinding(Severity severity, std::string code, std::string subject, std::string message);
};

// Adds the TensorProto in `field` to `out`. `cursor` walks over `file` and is at its content. What
// is not read becomes a finding: "unsupported-tensor", or the note "string-tensor". Errors: see
// OpenOnnx.
Result<void> ReadOnnxTensor(const File& file, ByteCursor& cursor, const ProtobufField& field,
                            OnnxTensors& out);
// Names a SparseTensorProto, as such not read.
Result<void> NoteSparseOnnxTensor(ByteCursor& cursor, const ProtobufField& field, OnnxTensors& out);

// StringStringEntryProto: a key and a value, which is described where it is beyond kMaxOnnxText.
Result<std::pair<std::string, std::string>> ReadOnnxEntry(ByteCursor& cursor,
                                                          const ProtobufField& field);

}  // namespace hallmark
