// The statement "how official files are laid out around their tensors": docs/statements.md. It
// holds no weights, so that it can be passed on where they can't.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/hash/digest.h"
#include "src/tensor/dtype.h"

namespace hallmark {

// A stretch of rows or of columns.
struct RecipeSlice {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};

// The bytes of a tensor as a file stores them, made of canonical tensors in this order of steps.
struct RecipeTensor {
  std::vector<std::string> sources;    // canonical names; several are put on top of each other
  std::optional<RecipeSlice> rows;     // that are taken, of axis 0
  std::optional<RecipeSlice> columns;  // that are taken, of axis 1
  std::uint64_t rotary_heads = 0;  // rows go from halves to rotary pairs in so many heads; 0: stay
  bool plus_one = false;           // in f32
  Dtype dtype;                     // to which the values are cast
  std::uint64_t size = 0;          // bytes
};

struct RecipeSegment {
  std::optional<std::size_t> tensor;  // index into Recipe::tensors, all of it; none: literal bytes
  std::uint64_t size = 0;
};

struct RecipeFile {
  std::string path;  // relative, "/" between components
  std::uint64_t size = 0;
  Digest sha256, tree;
  std::vector<RecipeSegment> segments;  // one after the other; not empty unless the file is
};

struct Recipe {
  std::vector<RecipeFile> files;
  std::vector<RecipeTensor> tensors;
  std::vector<std::byte> literals;          // of all files, one after the other
  std::string weights;                      // "hm1:…"
  std::uint64_t payload_bytes = 0;          // of the tensors in the files
  std::uint64_t literal_payload = 0;        // of these, kept literally
  std::vector<std::string> unknown_fields;  // met while reading: ignored and reported
};

// More than this is no recipe but a copy.
inline constexpr std::uint64_t kMaxRecipeLiterals = 256 * 1024 * 1024;
inline constexpr std::uint64_t kMaxRecipeBytes = 512 * 1024 * 1024;

// Whether so much payload may be kept literally: 0.1 %.
bool IsWithinRecipeLimit(std::uint64_t literal_payload, std::uint64_t payload_bytes);

// RFC 8785 canonical JSON with a final newline; the literal bytes are in it as base64 of zstd.
Result<std::string> WriteRecipe(const Recipe& recipe);
// Strict: segments fill their files, indexes and sizes hold. `subject` is for messages.
Result<Recipe> ParseRecipe(std::string_view json, std::string subject);
// Of a file. Errors: also as OpenFile.
Result<Recipe> ReadRecipe(const std::filesystem::path& path);

}  // namespace hallmark
