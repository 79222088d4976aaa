// A container's metadata for people: one line a value, long texts and arrays abbreviated.
#pragma once

#include <string>

#include "formats/model_reader.h"
#include "src/json/json_writer.h"

namespace hallmark {

// The value: `32`, `"llama"`, `32000 strings: "<unk>", "<s>", "</s>", …`; all of it if not
// `abbreviated`.
std::string MetadataText(const MetadataEntry& entry, bool abbreviated);
// A JSON value; arrays as {"element_type", "length", "first": [...]} with at most 16 values.
// Floats that JSON cannot hold are texts.
void WriteMetadata(const MetadataValue& value, JsonWriter* json);

}  // namespace hallmark
