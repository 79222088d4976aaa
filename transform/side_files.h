// What stands beside the weights, configuration and tokenizer, as each format wants it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/metadata.h"
#include "transform/gguf_keys.h"
#include "transform/input_file.h"
#include "transform/tensor_facts.h"
#include "transform/tensor_plan.h"
#include "transform/tokenizer.h"
#include "weights/model.h"

namespace hallmark {

// A small file of the output.
struct SideFile {
  std::string path;
  std::string content;
};

struct HubSide {
  std::vector<SideFile> files;
  std::vector<std::string> notes;  // for people: what is assumed, missing or lost
};

struct MetaSide {
  std::vector<SideFile> files;  // params.json, tokenizer.model
  EmbeddingSplit embedding_split = EmbeddingSplit::kColumns;
  std::vector<std::string> notes;
};

struct GgufSide {
  std::vector<MetadataEntry> metadata;
  std::vector<RopeTensor> rope_tensors;
  std::vector<std::string> notes;
};

// What the conversion knows of the weights it writes.
struct WrittenWeights {
  TensorFacts tensors;
  std::optional<Dtype> dtype;    // of most values, as they will be
  std::optional<Dtype> cast_to;  // what was asked for: f32, f16 or bf16
  ParameterCounts parameters;
  bool without_tokenizer = false;  // go on where there is none
};

// GGUF's general.file_type of a model whose matrices have this type.
std::uint32_t FileTypeOf(std::optional<Dtype> dtype);

// The files beside the weights of one model, read when they are asked for. `model` must outlive it.
// Errors of all: kNotFound (a configuration or a tokenizer that the target needs; the hint says how
// to go on), kMalformed and kUnsupported as the converters of configurations and tokenizers say.
class SideFiles {
 public:
  explicit SideFiles(const Model& model);

  bool HasConfig() const { return source_ != Source::kNone; }
  // The files that were read, but for those inside an archive.
  std::vector<InputFile> TakeInputs() { return std::move(inputs_); }

  Result<HubSide> ForHub(const WrittenWeights& weights);
  Result<MetaSide> ForMeta(const WrittenWeights& weights);
  Result<GgufSide> ForGguf(const WrittenWeights& weights);

 private:
  enum class Source { kNone, kHub, kMeta, kGguf };

  bool Has(std::string_view name) const;
  Result<std::string> ReadText(const std::string& name);
  // config.json, made from what there is if it is not there.
  Result<std::string> HubConfigText(const TensorFacts& tensors, std::vector<std::string>* notes);
  // nullopt: none, and that was asked for.
  Result<std::optional<Tokenizer>> FindTokenizer(bool without, std::vector<std::string>* notes);

  const Model& model_;
  std::shared_ptr<const Folder> folder_;  // that the weights lie in; null: none
  Source source_ = Source::kNone;
  std::vector<InputFile> inputs_;
};

}  // namespace hallmark
