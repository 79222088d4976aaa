#include "cli/report/metadata_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <variant>

#include "cli/report/text.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

using ArrayPointer = std::shared_ptr<const MetadataArray>;

constexpr std::size_t kShortText = 60;    // bytes of a text shown when abbreviated
constexpr std::uint64_t kShortArray = 3;  // values of an array shown when abbreviated
constexpr std::uint64_t kJsonArray = 16;  // values of an array in JSON
constexpr unsigned kMaxDepth = 4;         // of arrays in arrays

std::string Quote(std::string_view text, bool abbreviated) {
  if (!abbreviated || text.size() <= kShortText)
    return fmt::format("\"{}\"", EscapeForPeople(text));
  std::size_t cut = kShortText;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  return fmt::format("\"{}…\" ({} bytes)", EscapeForPeople(text.substr(0, cut)),
                     WithCommas(text.size()));
}

std::string Text(const MetadataValue& value, MetadataType type, bool abbreviated, unsigned depth) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    return text->empty() ? "\"\"" : Quote(*text, abbreviated);
  }
  if (const auto* array = std::get_if<ArrayPointer>(&value)) {
    const std::uint64_t size = (*array)->Size();
    std::string out = Count(size, fmt::format("{}", MetadataTypeName((*array)->ElementType())));
    if (depth >= kMaxDepth) return out;
    const std::uint64_t shown = abbreviated ? std::min(size, kShortArray) : size;
    for (std::uint64_t i = 0; i < shown; ++i) {
      out += i == 0 ? ": " : ", ";
      out += Text((*array)->At(i), (*array)->ElementType(), abbreviated, depth + 1);
    }
    return shown < size ? out + ", …" : out;
  }
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* natural = std::get_if<std::uint64_t>(&value)) return std::to_string(*natural);
  // The shortest text of an f32 is not that of the double that holds it.
  const double real = std::get<double>(value);
  return type == MetadataType::kF32 ? fmt::format("{}", static_cast<float>(real))
                                    : fmt::format("{}", real);
}

void Write(const MetadataValue& value, unsigned depth, JsonWriter* json) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    json->String(*text);
  } else if (const auto* array = std::get_if<ArrayPointer>(&value)) {
    const std::uint64_t size = (*array)->Size();
    json->BeginObject();
    json->Member("element_type", MetadataTypeName((*array)->ElementType()));
    json->Member("length", size);
    json->Key("first").BeginArray();
    for (std::uint64_t i = 0; i < std::min(size, kJsonArray) && depth < kMaxDepth; ++i) {
      Write((*array)->At(i), depth + 1, json);
    }
    json->EndArray();
    json->EndObject();
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    json->Bool(*flag);
  } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
    json->Signed(*number);
  } else if (const auto* natural = std::get_if<std::uint64_t>(&value)) {
    json->Unsigned(*natural);
  } else if (const double real = std::get<double>(value); std::isfinite(real)) {
    json->Float(real);
  } else {
    json->String(fmt::format("{}", real));
  }
}

}  // namespace

std::string MetadataText(const MetadataEntry& entry, bool abbreviated) {
  return Text(entry.value, entry.type, abbreviated, 0);
}

void WriteMetadata(const MetadataValue& value, JsonWriter* json) { Write(value, 0, json); }

}  // namespace hallmark
