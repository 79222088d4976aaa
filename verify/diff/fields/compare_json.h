// Two JSON files of the same kind, path by path.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "src/json/json_reader.h"
#include "verify/diff/fields/compare_fields.h"

namespace hallmark {

struct JsonFile {
  std::string name;  // as in the table of fields that only describe: "config.json"
  std::string area;  // FieldDiff::area
  // Before each field: "tokenizer_config.json " where the area has several files.
  std::string prefix = {};
  // A member of the root that is compared elsewhere; empty: none.
  std::string_view left_out = {};
  // Whether a difference at this path is one of spelling only; nullptr: it never is.
  std::function<bool(std::string_view path, const std::optional<JsonValue>& a,
                     const std::optional<JsonValue>& b)>
      is_spelling = nullptr;
};

// The order of keys is nothing; lists are compared element by element, numbers by their value. A
// vocabulary (an object of ids) is compared by id, merges whichever way they are written.
void CompareJson(const JsonFile& file, const JsonValue& a, const JsonValue& b,
                 FieldComparison& out);

}  // namespace hallmark
