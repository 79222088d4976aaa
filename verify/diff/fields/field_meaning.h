// Which fields only describe a model: a difference in them changes nothing that it computes, reads
// or writes.
#pragma once

#include <string_view>

namespace hallmark {

// `file` is the name of a side file ("config.json") or the format of a container ("gguf"); `path`
// names the field in it, dots between keys. What is not listed has a meaning.
bool OnlyDescribes(std::string_view file, std::string_view path);

// torch_dtype describes only where it names a type that floats are stored in: "bfloat16".
bool IsDtypeField(std::string_view file, std::string_view path);
bool IsFloatType(std::string_view name);

// tokenizer_class: whether the two names stand for the slow and the fast form of one class.
bool IsSameTokenizerClass(std::string_view a, std::string_view b);

}  // namespace hallmark
