#include "verify/diff/fields/compare_metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <memory>
#include <type_traits>
#include <utility>

#include "verify/diff/fields/compare_templates.h"
#include "verify/diff/fields/field_list.h"
#include "verify/diff/fields/field_meaning.h"
#include "verify/diff/fields/field_text.h"

namespace hallmark {
namespace {

using ArrayPointer = std::shared_ptr<const MetadataArray>;

constexpr std::size_t kShownOfContainer = 200;
constexpr unsigned kMaxDepth = 8;  // of arrays in arrays; deeper ones count as different

bool IsInteger(const MetadataValue& value) {
  return std::holds_alternative<std::int64_t>(value) ||
         std::holds_alternative<std::uint64_t>(value);
}

bool IsSameInteger(const MetadataValue& a, const MetadataValue& b) {
  return std::visit(
      [&](const auto& x) {
        return std::visit(
            [&](const auto& y) {
              using X = std::decay_t<decltype(x)>;
              using Y = std::decay_t<decltype(y)>;
              constexpr bool kX = std::is_integral_v<X> && !std::is_same_v<X, bool>;
              constexpr bool kY = std::is_integral_v<Y> && !std::is_same_v<Y, bool>;
              if constexpr (kX && kY) {
                return std::cmp_equal(x, y);
              } else {
                return false;
              }
            },
            b);
      },
      a);
}

bool IsSameArray(const MetadataArray& a, const MetadataArray& b, unsigned depth);

bool IsSame(const MetadataValue& a, const MetadataValue& b, unsigned depth) {
  if (IsInteger(a) && IsInteger(b)) return IsSameInteger(a, b);
  if (a.index() != b.index()) return false;
  if (const auto* real = std::get_if<double>(&a)) {
    // Bits: a NaN is the same as itself, and -0 is not +0.
    return std::bit_cast<std::uint64_t>(*real) == std::bit_cast<std::uint64_t>(std::get<double>(b));
  }
  if (const auto* array = std::get_if<ArrayPointer>(&a)) {
    return IsSameArray(**array, *std::get<ArrayPointer>(b), depth + 1);
  }
  return a == b;
}

bool IsSameEntry(const MetadataArray& a, const MetadataArray& b, std::uint64_t i, unsigned depth) {
  if (a.ElementType() == MetadataType::kString && b.ElementType() == MetadataType::kString) {
    return a.TextAt(i) == b.TextAt(i);
  }
  return IsSame(a.At(i), b.At(i), depth);
}

bool IsSameArray(const MetadataArray& a, const MetadataArray& b, unsigned depth) {
  if (depth > kMaxDepth || a.Size() != b.Size()) return false;
  for (std::uint64_t i = 0; i < a.Size(); ++i) {
    if (!IsSameEntry(a, b, i, depth)) return false;
  }
  return true;
}

std::string ShortEntry(const MetadataArray& array, std::uint64_t i) {
  if (array.ElementType() == MetadataType::kString) return ShortText(array.TextAt(i));
  return ShortValue(array.At(i), array.ElementType());
}

class MetadataComparison {
 public:
  MetadataComparison(std::string_view format, std::span<const MetadataEntry> a,
                     std::span<const MetadataEntry> b, FieldComparison& out)
      : format_(format), metadata_{a, b}, out_(out), before_(out.differing.size()) {
    for (const int side : {0, 1}) {
      for (const MetadataEntry& entry : metadata_[side]) keys_[side].emplace(entry.key, &entry);
      const MetadataEntry* name = Find(side, "general.architecture");
      const auto* text = name == nullptr ? nullptr : std::get_if<std::string>(&name->value);
      if (text != nullptr) architecture_[side] = *text;
    }
  }

  Result<void> Compare(const Task& task) {
    for (const MetadataEntry& entry : metadata_[0]) {
      HM_TRY(task.CheckStopped());
      const MetadataEntry* other = Find(1, entry.key);
      if (other != nullptr) {
        CompareEntries(entry, *other);
      } else {
        OnlyOneHas(0, entry);
      }
    }
    for (const MetadataEntry& entry : metadata_[1]) {
      HM_TRY(task.CheckStopped());
      if (Find(0, entry.key) == nullptr) OnlyOneHas(1, entry);
    }
    if (unshown_ == 0) return {};
    out_.differing.push_back({"metadata", fmt::format("elsewhere: {} more keys differ", unshown_),
                              std::to_string(metadata_[0].size()),
                              std::to_string(metadata_[1].size())});
    return {};
  }

 private:
  const MetadataEntry* Find(int side, std::string_view key) const {
    const auto found = keys_[side].find(key);
    return found == keys_[side].end() ? nullptr : found->second;
  }

  bool IsOfArchitecture(int side, std::string_view key) const {
    const std::string& name = architecture_[side];
    return !name.empty() && key.size() > name.size() && key.starts_with(name) &&
           key[name.size()] == '.';
  }

  std::string AreaOf(std::string_view key) const {
    if (format_ != "gguf") return "metadata";
    if (key.starts_with("tokenizer.chat_template")) return "chat template";
    if (key.starts_with("tokenizer.")) return "tokenizer";
    if (key.starts_with("general.sampling.")) return "generation";
    const bool is_configuration = key == "general.architecture" || key == "general.type" ||
                                  IsOfArchitecture(0, key) || IsOfArchitecture(1, key);
    return is_configuration ? "configuration" : "metadata";
  }

  bool IsFull() const { return out_.differing.size() - before_ >= kShownOfContainer; }

  void Differs(std::string_view key, std::string a, std::string b, bool has_meaning) {
    if (IsFull()) {
      ++unshown_;
      return;
    }
    out_.differing.push_back({AreaOf(key), ShortKey(key), std::move(a), std::move(b), has_meaning});
  }

  void CompareEntries(const MetadataEntry& a, const MetadataEntry& b) {
    const std::string& key = a.key;
    const bool has_meaning = !OnlyDescribes(format_, key);
    const auto* text_a = std::get_if<std::string>(&a.value);
    const auto* text_b = std::get_if<std::string>(&b.value);
    const auto* array_a = std::get_if<ArrayPointer>(&a.value);
    const auto* array_b = std::get_if<ArrayPointer>(&b.value);
    MetadataType type_a = a.type;
    MetadataType type_b = b.type;
    bool is_same = true;
    if (array_a != nullptr && array_b != nullptr) {
      is_same = CompareArrays(key, **array_a, **array_b, has_meaning);
      type_a = (*array_a)->ElementType();
      type_b = (*array_b)->ElementType();
    } else if (text_a != nullptr && text_b != nullptr && AreaOf(key) == "chat template") {
      CompareTexts("chat template", ShortKey(key), *text_a, *text_b, out_);
      return;
    } else {
      ++out_.compared;
      is_same = IsSame(a.value, b.value, 0);
      if (text_a != nullptr && text_b != nullptr && !is_same) {
        ShownTexts shown = ShowTexts(*text_a, *text_b);
        Differs(key, std::move(shown.a), std::move(shown.b), has_meaning);
      } else if (!is_same) {
        Differs(key, ShortValue(a.value, a.type), ShortValue(b.value, b.type), has_meaning);
      }
    }
    // Said only where the numbers are the same: else the values tell enough.
    if (is_same && type_a != type_b && !IsFull()) {
      out_.differing.push_back({AreaOf(key), ShortKey(key) + " (type)",
                                ShortText(MetadataTypeName(type_a)),
                                ShortText(MetadataTypeName(type_b)), false});
    }
  }

  bool CompareArrays(const std::string& key, const MetadataArray& a, const MetadataArray& b,
                     bool has_meaning) {
    const std::uint64_t most = std::max(a.Size(), b.Size());
    if (!has_meaning || most <= 1 || IsFull()) {
      ++out_.compared;
      if (IsSameArray(a, b, 0)) return true;
      const MetadataType array = MetadataType::kArray;
      // Not owned: they live as long as the metadata.
      const auto value = [](const MetadataArray& of) -> MetadataValue {
        return ArrayPointer(ArrayPointer(), &of);
      };
      Differs(key, ShortValue(value(a), array), ShortValue(value(b), array), has_meaning);
      return false;
    }
    FieldList list(out_, AreaOf(key), ShortKey(key));
    for (std::uint64_t i = 0; i < most; ++i) {
      const bool in_a = i < a.Size();
      const bool in_b = i < b.Size();
      list.Compared();
      if (in_a && in_b && IsSameEntry(a, b, i, 0)) continue;
      if (list.Shows()) {
        list.Add(std::to_string(i), in_a ? ShortEntry(a, i) : "", in_b ? ShortEntry(b, i) : "");
      } else {
        list.AddUnshown();
      }
    }
    list.Finish(a.Size(), b.Size());
    return list.Differing() == 0;
  }

  void OnlyOneHas(int side, const MetadataEntry& entry) {
    ++out_.compared;
    std::string sides[2];
    sides[side] = ShortValue(entry.value, entry.type);
    Differs(entry.key, std::move(sides[0]), std::move(sides[1]),
            !OnlyDescribes(format_, entry.key) && !IsDefault(side, entry));
  }

  // Whether the other side, without this key, is taken for what the key says.
  bool IsDefault(int side, const MetadataEntry& entry) const {
    if (format_ != "gguf") return false;
    if (entry.key == "tokenizer.ggml.pre") {
      const auto* text = std::get_if<std::string>(&entry.value);
      return text != nullptr && *text == "default";
    }
    const int other = 1 - side;
    if (!IsOfArchitecture(side, entry.key) || architecture_[0] != architecture_[1]) return false;
    const std::string_view key = std::string_view(entry.key).substr(architecture_[side].size() + 1);
    if (key == "rope.scaling.type") return IsDefaultScaling(entry, other);
    const auto taken = GgufDefault(key, architecture_[other], metadata_[other]);
    return taken && NumberOf(entry) == taken;
  }

  // Readers take "linear" where nothing is said, and a factor of 1 or 0 changes nothing.
  bool IsDefaultScaling(const MetadataEntry& entry, int other) const {
    const auto* text = std::get_if<std::string>(&entry.value);
    if (text == nullptr) return false;
    if (*text == "linear") return true;
    return *text == "none" && !IsScaledByFactor(architecture_[other], metadata_[other]);
  }

  std::string_view format_;
  std::span<const MetadataEntry> metadata_[2];
  std::map<std::string_view, const MetadataEntry*> keys_[2];
  std::string architecture_[2];
  FieldComparison& out_;
  std::size_t before_;  // differences of other files
  std::uint64_t unshown_ = 0;
};

}  // namespace

std::optional<double> NumberOf(const MetadataEntry& entry) {
  if (const auto* real = std::get_if<double>(&entry.value)) return *real;
  if (const auto* natural = std::get_if<std::uint64_t>(&entry.value)) {
    return static_cast<double>(*natural);
  }
  if (const auto* negative = std::get_if<std::int64_t>(&entry.value)) {
    return static_cast<double>(*negative);
  }
  return std::nullopt;
}

bool IsScaledByFactor(std::string_view architecture, std::span<const MetadataEntry> metadata) {
  // The second is what the first was called until 2023.
  for (const char* name : {"rope.scaling.factor", "rope.scale_linear"}) {
    const MetadataEntry* entry = FindMetadata(metadata, fmt::format("{}.{}", architecture, name));
    if (entry == nullptr) continue;
    const auto factor = NumberOf(*entry);
    if (factor != 0 && factor != 1) return true;
  }
  return false;
}

std::optional<double> GgufDefault(std::string_view key, std::string_view architecture,
                                  std::span<const MetadataEntry> metadata) {
  const auto other = [&](std::string_view name) -> std::optional<double> {
    const MetadataEntry* entry = FindMetadata(metadata, fmt::format("{}.{}", architecture, name));
    return entry == nullptr ? std::nullopt : NumberOf(*entry);
  };
  const auto head_width = [&]() -> std::optional<double> {
    const auto width = other("embedding_length");
    const auto heads = other("attention.head_count");
    if (!width || !heads || !(*heads > 0)) return std::nullopt;
    return std::floor(*width / *heads);
  };
  if (key == "rope.freq_base") return 10000;
  if (key == "attention.head_count_kv") return other("attention.head_count");
  if (key == "attention.key_length" || key == "attention.value_length") return head_width();
  if (key == "rope.dimension_count") {
    const auto said = other("attention.key_length");
    return said ? said : head_width();
  }
  if (key == "rope.scaling.original_context_length") return other("context_length");
  if (key == "rope.scaling.factor") return 1;
  if (key == "expert_count" || key == "expert_used_count") return 0;
  return std::nullopt;
}

Result<void> CompareMetadata(std::string_view format, std::span<const MetadataEntry> a,
                             std::span<const MetadataEntry> b, const Task& task,
                             FieldComparison& out) {
  return MetadataComparison(format, a, b, out).Compare(task);
}

}  // namespace hallmark
