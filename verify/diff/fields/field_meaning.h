// Which fields only describe a model: a difference in them changes nothing that it computes, reads
// or writes.
#pragma once

#include <string_view>

namespace hallmark {

// `file` is the name of a side file ("config.json") or the format of a container ("gguf"); `path`
// names the field in it, dots between keys. What is not listed has a meaning.
bool OnlyDescribes(std::string_view file, std::string_view path);

// tokenizer_class: whether the two names stand for the slow and the fast form of one class, or one
// of them for whatever tokenizer.json says.
bool IsSameTokenizerClass(std::string_view a, std::string_view b);

}  // namespace hallmark
