#include "weights/shard_joining.h"

#include <fmt/format.h>

#include <utility>

#include "src/base/checked.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

class ShardJoiner {
 public:
  ShardJoiner(const Model& model, const StoredTensor& stored,
              std::optional<std::uint64_t> model_width)
      : model_(model), config_(model.Config()), stored_(stored), model_width_(model_width) {}

  Result<JoinedTensor> Join(const NameMatch* match) const {
    const TensorInfo& first = Info(stored_.parts.front());
    JoinedTensor joined{first.dtype, first.shape, stored_.parts, {}, std::nullopt, {}};
    if (stored_.parts.size() == 1) return joined;
    if (match == nullptr) {
      return NoIdentity(Errc::kUnsupported, stored_.name,
                        "no rule says how the ranks' parts of it are joined: no weight identity");
    }
    for (const TensorPart part : stored_.parts) {
      if (Info(part).dtype != first.dtype || Info(part).shape.size() != first.shape.size()) {
        return NoIdentity(Errc::kMalformed, stored_.name,
                          fmt::format("{} has it as {} {}, {} as {} {}", FileOf(stored_.parts[0]),
                                      DtypeName(first.dtype), ShapeText(first.shape), FileOf(part),
                                      DtypeName(Info(part).dtype), ShapeText(Info(part).shape)));
      }
    }
    ShardAxis axis = match->rule->axis;
    if (axis == ShardAxis::kColumns && match->IsBias()) axis = ShardAxis::kReplicated;
    if (axis == ShardAxis::kEmbedding) axis = HM_TRY(EmbeddingAxis());
    if (axis == ShardAxis::kReplicated) return Replicate(std::move(joined));
    const TensorRole role = match->rule->role;
    if (role == TensorRole::kKey || role == TensorRole::kValue) {
      HM_TRY(DropRepeatedHeads(&joined));
    }
    HM_TRY(JoinOn(axis == ShardAxis::kRows ? 0 : 1, &joined));
    return joined;
  }

 private:
  const TensorInfo& Info(TensorPart part) const {
    return model_.Files()[part.file].reader->Tensors()[part.tensor];
  }
  const std::string& FileOf(TensorPart part) const { return model_.Files()[part.file].path; }

  Result<ShardAxis> EmbeddingAxis() const {
    const Shape& shape = Info(stored_.parts.front()).shape;
    if (!model_width_ || shape.size() != 2) {
      return NoIdentity(Errc::kMalformed, stored_.name,
                        fmt::format("an embedding of shape {} cannot be joined without the "
                                    "model's width",
                                    ShapeText(shape)));
    }
    return shape[1] < *model_width_ ? ShardAxis::kColumns : ShardAxis::kRows;
  }

  static JoinedTensor Replicate(JoinedTensor joined) {
    for (std::size_t i = 1; i < joined.parts.size(); ++i) {
      joined.replicas.push_back({joined.parts[i], joined.parts[0]});
    }
    joined.parts.resize(1);
    joined.relations.push_back(fmt::format("copied in {} shards", joined.replicas.size() + 1));
    return joined;
  }

  // With fewer key heads than ranks, neighbours hold the same head: the 405B on 16 ranks.
  Result<void> DropRepeatedHeads(JoinedTensor* joined) const {
    const auto width = HeadDim(config_);
    if (joined->shape.empty() || !width) return {};
    const std::uint64_t heads = HM_TRY(HeadCount(config_, stored_.name, true));
    const auto wanted = CheckedMul(heads, *width);
    std::uint64_t rows = 0;
    for (const TensorPart part : joined->parts) {
      const Shape& shape = Info(part).shape;
      if (shape[0] != joined->shape[0]) {
        return NoIdentity(Errc::kMalformed, stored_.name,
                          fmt::format("{} has {} rows of it, {} has {}", FileOf(joined->parts[0]),
                                      joined->shape[0], FileOf(part), shape[0]));
      }
      rows = CheckedAdd(rows, shape[0]).value_or(UINT64_MAX);
    }
    if (!wanted || *wanted == 0 || rows % *wanted != 0 || rows == 0 ||
        joined->parts.size() % (rows / *wanted) != 0) {
      return NoIdentity(Errc::kMalformed, stored_.name,
                        fmt::format("{} ranks have {} rows together, {} says {} heads of {}",
                                    joined->parts.size(), rows, config_.source, heads, *width));
    }
    const std::uint64_t copies = rows / *wanted;
    if (copies == 1) return {};
    std::vector<TensorPart> kept;
    for (std::size_t i = 0; i < joined->parts.size(); ++i) {
      if (i % copies == 0) {
        kept.push_back(joined->parts[i]);
      } else {
        joined->replicas.push_back({joined->parts[i], kept.back()});
      }
    }
    joined->parts = std::move(kept);
    joined->relations.push_back(fmt::format("each key head copied in {} shards", copies));
    return {};
  }

  Result<void> JoinOn(std::size_t axis, JoinedTensor* joined) const {
    if (joined->shape.size() <= axis) {
      return NoIdentity(Errc::kMalformed, stored_.name,
                        fmt::format("its parts of shape {} cannot be joined on axis {}",
                                    ShapeText(joined->shape), axis));
    }
    std::uint64_t extent = 0;
    for (const TensorPart part : joined->parts) {
      Shape shape = Info(part).shape;
      const auto sum = CheckedAdd(extent, shape[axis]);
      shape[axis] = joined->shape[axis];
      if (!sum || shape != joined->shape) {
        return NoIdentity(
            Errc::kMalformed, stored_.name,
            fmt::format("{} has it as {}, {} as {}", FileOf(joined->parts[0]),
                        ShapeText(joined->shape), FileOf(part), ShapeText(Info(part).shape)));
      }
      if (axis == 1 && shape[0] != 0 && Info(part).payload_bytes % shape[0] != 0) {
        return NotWholeBytes(stored_.name, joined->dtype);
      }
      extent = *sum;
    }
    joined->shape[axis] = extent;
    auto bytes = PayloadBytes(joined->dtype, joined->shape);
    if (!bytes) {
      bytes.error().subject = EscapeForPeople(stored_.name);
      return bytes.error();
    }
    joined->axis = axis;
    joined->relations.push_back(
        fmt::format("joined from {} shards on axis {}", joined->parts.size(), axis));
    return {};
  }

  const Model& model_;
  const ModelConfig& config_;
  const StoredTensor& stored_;
  const std::optional<std::uint64_t> model_width_;
};

}  // namespace

Result<JoinedTensor> JoinShards(const Model& model, const StoredTensor& stored,
                                const NameMatch* match, std::optional<std::uint64_t> model_width) {
  return ShardJoiner(model, stored, model_width).Join(match);
}

Result<std::uint64_t> HeadCount(const ModelConfig& config, std::string_view name, bool of_keys) {
  if (config.heads_vary) {
    return NoIdentity(Errc::kUnsupported, name,
                      fmt::format("its layout needs the number of heads, and {} gives a "
                                  "different one for each layer: no weight identity",
                                  config.source));
  }
  auto heads = config.n_heads;
  if (of_keys && config.n_kv_heads) heads = config.n_kv_heads;
  if (heads && *heads != 0) return *heads;
  if (!config.unreadable.empty()) {
    Error error = NoIdentity(
        Errc::kMalformed, name,
        fmt::format(
            "its layout needs the number of heads, and the configuration cannot be used: {}",
            config.unreadable));
    error.hint = "mend that file, or take it from the publisher";
    return error;
  }
  Error error = NoIdentity(Errc::kUnsupported, name,
                           "its layout needs the number of heads, and no configuration gives it: "
                           "no weight identity");
  error.hint = "put the params.json or config.json of the model beside its weights";
  return error;
}

std::optional<std::uint64_t> HeadDim(const ModelConfig& config) {
  if (config.head_dim) return config.head_dim;
  if (!config.hidden_size || !config.n_heads || *config.n_heads == 0) return std::nullopt;
  return *config.hidden_size / *config.n_heads;
}

Error NoIdentity(Errc code, std::string_view name, std::string message) {
  return {code, EscapeForPeople(name), std::move(message)};
}

Error NotWholeBytes(std::string_view name, Dtype dtype) {
  return NoIdentity(Errc::kUnsupported, name,
                    fmt::format("parts of type {} that are not whole bytes", DtypeName(dtype)));
}

}  // namespace hallmark
