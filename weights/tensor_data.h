// Digests of tensors' bytes as a file holds them, without names, types and shapes: what
// llama-gguf-hash prints. Unlike identities they tell a converted copy from its original.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "formats/model_reader.h"
#include "src/base/task.h"
#include "src/hash/digest.h"

namespace hallmark {

// What to hash: one tensor of the reader, or the data of all of them in file order.
struct TensorDataRequest {
  std::optional<std::size_t> tensor;  // index into Tensors(); nullopt: all
  std::vector<Algorithm> algorithms;
};

// The digests asked for, one list for each request, in the order asked for. `reader`'s payload is
// read once for single tensors and once for all together; progress advances by bytes read. Errors:
// the first that reading met; kUnsupported where all tensors together pass 2^64 bytes.
Result<std::vector<std::vector<Digest>>> HashTensorData(const ModelReader& reader,
                                                        std::span<const TensorDataRequest> requests,
                                                        const Task& task);

}  // namespace hallmark
