// Reads what config.json, params.json and GGUF keys say of a model's shape.
#pragma once

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

// GGUF's keys, those of general.architecture.
ModelConfig ConfigFromGguf(std::span<const MetadataEntry> metadata, std::string subject);

}  // namespace hallmark
