// ONNX models: the initialisers of the graph. Layout: docs/formats/onnx.md.
#pragma once

#include <memory>

#include "formats/file_head.h"
#include "formats/model_reader.h"

namespace hallmark {

// A ModelProto whose first fields are as every writer has them.
bool SniffOnnx(const FileHead& head);

// Only initialisers are read, kept in the file or in others beside it (external_data): no node, no
// function. Numbers kept as int32_data and its kin are read once on opening, to count and check
// them. Names of types, opsets and metadata_props are found in Metadata().
// Errors: kIo; kNotFound (an external file that is not there); kMalformed (a break of the wire
// format, a field that must stand once standing twice, data of another size than its tensor's,
// a location that leaves the folder); kUnsupported (tensors in segments).
Result<std::unique_ptr<ModelReader>> OpenOnnx(const File& file);

}  // namespace hallmark
