// How the parts of a tensor that the ranks of a model-parallel set hold make one: docs/identity.md,
// 1.3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/model/architecture.h"
#include "weights/canonical.h"

namespace hallmark {

// A stored tensor, or the slices of it that the ranks of a model-parallel set hold.
struct StoredTensor {
  std::string_view name;  // root key dropped
  std::vector<TensorPart> parts;
};

// A tensor in the making.
struct JoinedTensor {
  Dtype dtype;
  Shape shape;
  std::vector<TensorPart> parts;
  std::vector<TensorReplica> replicas;
  std::optional<std::size_t> axis;  // parts are joined on it, if more than one
  std::vector<std::string> relations;
};

// `match`: how the tensor's name is understood, or null. `model_width`: the size of the hidden
// state, where it is known. A tensor of one part is that part. Reads no payload.
// Errors: kMalformed where parts do not fit together or are not what the configuration says;
// kUnsupported where no rule joins them, or the configuration lacks the number of heads.
Result<JoinedTensor> JoinShards(const Model& model, const StoredTensor& stored,
                                const NameMatch* match, std::optional<std::uint64_t> model_width);

// The number of query heads, or of key heads; kUnsupported where `config` does not say it. `name`
// is the tensor that needs it, for messages.
Result<std::uint64_t> HeadCount(const ModelConfig& config, std::string_view name, bool of_keys);
// Rows of one head, where `config` says it.
std::optional<std::uint64_t> HeadDim(const ModelConfig& config);

// Why there can be no identity because of the tensor `name`.
Error NoIdentity(Errc code, std::string_view name, std::string message);
// Types of less than a byte can end within one.
Error NotWholeBytes(std::string_view name, Dtype dtype);

}  // namespace hallmark
