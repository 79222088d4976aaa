#include "verify/diff/fields/field_meaning.h"

#include <algorithm>
#include <iterator>

namespace hallmark {
namespace {

struct Row {
  std::string_view file;
  std::string_view path;  // with "*" at its end: all that begin so
};

// Only what is known to describe stands here: who made a file, with what version of which program,
// where it lay, and how the weights beside it are stored, which they say themselves.
constexpr Row kDescribing[] = {
    {"config.json", "transformers_version"},
    {"config.json", "_name_or_path"},
    {"config.json", "_commit_hash"},
    {"config.json", "_attn_implementation_autoset"},
    {"config.json", "torch_dtype"},
    {"config.json", "dtype"},
    {"config.json", "use_cache"},
    {"generation_config.json", "transformers_version"},
    {"generation_config.json", "_from_model_config"},
    {"generation_config.json", "use_cache"},
    {"tokenizer_config.json", "name_or_path"},
    {"tokenizer_config.json", "special_tokens_map_file"},
    {"tokenizer_config.json", "tokenizer_file"},
    {"tokenizer_config.json", "vocab_file"},
    {"tokenizer_config.json", "backend"},
    {"tokenizer_config.json", "is_local"},
    {"tokenizer_config.json", "local_files_only"},
    {"tokenizer.json", "version"},
    {"processor_config.json", "transformers_version"},
    {"preprocessor_config.json", "transformers_version"},
    {"safetensors", "format"},
    {"gguf", "general.name"},
    {"gguf", "general.basename"},
    {"gguf", "general.finetune"},
    {"gguf", "general.version"},
    {"gguf", "general.author"},
    {"gguf", "general.organization"},
    {"gguf", "general.description"},
    {"gguf", "general.quantized_by"},
    {"gguf", "general.size_label"},
    {"gguf", "general.license*"},
    {"gguf", "general.url"},
    {"gguf", "general.doi"},
    {"gguf", "general.uuid"},
    {"gguf", "general.repo_url"},
    {"gguf", "general.source.*"},
    {"gguf", "general.base_model.*"},
    {"gguf", "general.dataset*"},
    {"gguf", "general.tags"},
    {"gguf", "general.languages"},
    {"gguf", "general.date"},
    {"gguf", "general.file_type"},
    {"gguf", "general.quantization_version"},
    {"gguf", "general.alignment"},
    {"gguf", "quantize.imatrix.*"},
    {"gguf", "split.*"},
};

// config.json of models of several parts nests that of each.
constexpr std::string_view kParts[] = {"text_config.", "vision_config.", "audio_config."};

constexpr std::string_view kFloatTypes[] = {
    "float32", "float16", "bfloat16", "float64", "float", "half", "double", "auto",
};

std::string_view WithoutPart(std::string_view path) {
  for (const std::string_view part : kParts) {
    if (path.starts_with(part)) path.remove_prefix(part.size());
  }
  return path;
}

}  // namespace

bool OnlyDescribes(std::string_view file, std::string_view path) {
  if (file == "config.json") path = WithoutPart(path);
  return std::ranges::any_of(kDescribing, [&](const Row& row) {
    if (row.file != file) return false;
    return row.path.ends_with('*') ? path.starts_with(row.path.substr(0, row.path.size() - 1))
                                   : path == row.path;
  });
}

bool IsDtypeField(std::string_view file, std::string_view path) {
  if (file != "config.json") return false;
  path = WithoutPart(path);
  return path == "torch_dtype" || path == "dtype";
}

bool IsFloatType(std::string_view name) {
  if (name.starts_with("torch.")) name.remove_prefix(6);
  return std::ranges::find(kFloatTypes, name) != std::end(kFloatTypes) ||
         name.starts_with("float8_");
}

bool IsSameTokenizerClass(std::string_view a, std::string_view b) {
  for (std::string_view* name : {&a, &b}) {
    // What transformers 5 calls it; the old name is an alias there.
    if (*name == "TokenizersBackend") *name = "PreTrainedTokenizerFast";
    if (name->ends_with("Fast")) name->remove_suffix(4);
  }
  return a == b;
}

}  // namespace hallmark
