// Reads what config.json, params.json and the headers of containers say of a model's shape.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "formats/model_reader.h"
#include "src/model/config.h"

namespace hallmark {

// Hugging Face's config.json. Where it nests a text model ("text_config"), that is meant. Values of
// an unexpected kind count as absent. kMalformed if it is no JSON object.
Result<ModelConfig> ParseHubConfig(std::string_view json, std::string subject);

// Meta's params.json; some nest everything under "model".
Result<ModelConfig> ParseMetaParams(std::string_view json, std::string subject);

// What a container says of its model in its own metadata: GGUF by the keys of general.architecture,
// legacy GGML and llama2.c by their hyperparameters. nullopt: a format that says nothing of it.
// Legacy GGML does not say how many key heads there are.
std::optional<ModelConfig> ConfigFromContainer(std::string_view format_name,
                                               std::span<const MetadataEntry> metadata,
                                               std::string subject);

}  // namespace hallmark
