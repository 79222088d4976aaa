// The metadata of two containers of one format, key by key.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "formats/metadata.h"
#include "src/base/task.h"
#include "verify/diff/fields/compare_fields.h"

namespace hallmark {

// Values of different integer types that are the same number differ without meaning, in a field of
// their type; lists of tokens are told by id, chat templates by line. A key that one side lacks
// differs, without meaning where the other says what readers of GGUF take anyway. Errors:
// kInterrupted.
Result<void> CompareMetadata(std::string_view format, std::span<const MetadataEntry> a,
                             std::span<const MetadataEntry> b, const Task& task,
                             FieldComparison& out);

// What readers of GGUF take where "ARCHITECTURE.`key`" is missing, from the other keys; nullopt:
// not known. `key` lacks the architecture.
std::optional<double> GgufDefault(std::string_view key, std::string_view architecture,
                                  std::span<const MetadataEntry> metadata);
// Whether a factor is said that scales rotary frequencies; a scaling of type "linear" without one
// is none.
bool IsScaledByFactor(std::string_view architecture, std::span<const MetadataEntry> metadata);
// An entry as a number; nullopt: it is none.
std::optional<double> NumberOf(const MetadataEntry& entry);

}  // namespace hallmark
