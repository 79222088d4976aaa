// tests/vectors/configs: configurations and what llama.cpp's converter and transformers make of
// them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "src/json/json_reader.h"
#include "transform/gguf_keys.h"

namespace hallmark {

struct ConfigVector {
  JsonDocument config;                     // config.json
  std::optional<JsonDocument> generation;  // generation_config.json
  JsonDocument expected;                   // expected.json

  std::vector<MetadataEntry> Gguf() const;     // the converter's keys
  std::optional<TensorFacts> Tensors() const;  // nullopt: a configuration without tensors
  std::map<std::string, std::vector<float>> Rope() const;
  std::optional<ParameterCounts> Parameters() const;
  std::uint32_t FileType() const;
};

std::vector<std::string> ConfigVectorNames();  // for testing::ValuesIn
std::string ConfigTestName(const testing::TestParamInfo<std::string>& vector);
ConfigVector LoadConfigVector(const std::string& name);

// "llama.block_count u32 32", for messages and comparing.
std::string EntryText(const MetadataEntry& entry);

}  // namespace hallmark
