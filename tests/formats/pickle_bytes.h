// Pickles written opcode by opcode.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "tests/support/test_support.h"

namespace hallmark::pickled {

inline std::string Proto(int version) { return {'\x80', static_cast<char>(version)}; }
inline std::string Text(std::string_view text) {  // BINUNICODE
  return "X" + Le32(static_cast<std::uint32_t>(text.size())) + std::string(text);
}
inline std::string ShortText(std::string_view text) {  // SHORT_BINUNICODE
  return "\x8c" + std::string(1, static_cast<char>(text.size())) + std::string(text);
}
inline std::string Int(std::int32_t value) {  // BININT
  return "J" + Le32(static_cast<std::uint32_t>(value));
}
inline std::string Global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}
inline std::string StackGlobal(std::string_view module, std::string_view name) {
  return ShortText(module) + ShortText(name) + "\x93";
}
inline std::string Concat(std::initializer_list<std::string> parts) {
  std::string all;
  for (const std::string& part : parts) all += part;
  return all;
}
inline std::string Tuple(std::initializer_list<std::string> items) {
  return "(" + Concat(items) + "t";
}
inline std::string Call(std::string_view module, std::string_view name,
                        std::initializer_list<std::string> arguments) {
  return Global(module, name) + Tuple(arguments) + "R";
}
// `keys_and_values` alternate.
inline std::string Dict(std::initializer_list<std::string> keys_and_values) {
  return "}(" + Concat(keys_and_values) + "u";
}
inline std::string Stream(std::string_view body, int protocol = 2) {
  return Proto(protocol) + std::string(body) + ".";
}

// What torch.save writes for one tensor.
inline std::string Storage(std::string_view kind, std::string_view key, std::int32_t count) {
  return Tuple({Text("storage"), Global("torch", kind), Text(key), Text("cpu"), Int(count)}) + "Q";
}
inline std::string Sizes(std::initializer_list<std::int32_t> sizes) {
  std::string items;
  for (const std::int32_t size : sizes) items += Int(size);
  return "(" + items + "t";
}
inline std::string Tensor(const std::string& storage, std::int32_t offset, const std::string& sizes,
                          const std::string& strides) {
  return Call(
      "torch._utils", "_rebuild_tensor_v2",
      {storage, Int(offset), sizes, strides, "\x89", Call("collections", "OrderedDict", {})});
}

}  // namespace hallmark::pickled
