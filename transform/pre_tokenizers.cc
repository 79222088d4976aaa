#include "transform/pre_tokenizers.h"

#include <algorithm>

namespace hallmark {
namespace {

using Step = PreTokenizerStep;
using Kind = PreTokenizerStep::Kind;

// Patterns as the publishers' tokenizer.json files spell them (Oniguruma).
constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})"
    R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"
                                    R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen35 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N})"
    R"(| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kTekken =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
    R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kGpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr Step kLlama3Steps[] = {{Kind::kSplit, kLlama3}, {Kind::kBytes}};
constexpr Step kQwen2Steps[] = {{Kind::kSplit, kQwen2}, {Kind::kBytes}};
constexpr Step kQwen35Steps[] = {{Kind::kSplit, kQwen35}, {Kind::kBytes}};
constexpr Step kTekkenSteps[] = {{Kind::kSplit, kTekken}, {Kind::kBytes}};
constexpr Step kGpt4oSteps[] = {{Kind::kSplit, kGpt4o}, {Kind::kBytes}};
constexpr Step kGpt2Steps[] = {{Kind::kGpt2}};
constexpr Step kDigitsSteps[] = {{Kind::kDigits}, {Kind::kGpt2}};
constexpr Step kDeepseekCoderSteps[] = {{Kind::kSplit, "[\r\n]"},
                                        {Kind::kSplit, R"(\s?\p{L}+)"},
                                        {Kind::kSplit, R"(\s?\p{P}+)"},
                                        {Kind::kSplit, "[一-龥ࠀ-一가-퟿]+"},
                                        {Kind::kDigits},
                                        {Kind::kBytes}};
constexpr Step kDeepseekV3Steps[] = {
    {Kind::kSplit, R"(\p{N}{1,3})"},
    {Kind::kSplit, "[一-龥぀-ゟ゠-ヿ]+"},
    {Kind::kSplit,
     "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
     "|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*"
     "|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"},
    {Kind::kBytes}};
constexpr Step kFalconSteps[] = {
    {Kind::kPunctuation}, {Kind::kGpt2}, {Kind::kDigitRuns}, {Kind::kSplit, "[0-9][0-9][0-9]"}};

// The first row that fits gives the name.
constexpr PreTokenizer kPreTokenizers[] = {
    {.name = "llama-bpe",
     .steps = kLlama3Steps,
     .ignores_merges = true,
     .bos_unless_told = true,
     .adds_bos = true},
    // As SmolLM3, whose texts begin without bos.
    {.name = "smaug-bpe", .steps = kLlama3Steps},
    {.name = "deepseek-r1-qwen",
     .steps = kQwen2Steps,
     .composes = true,
     .architecture = "qwen2",
     .adds_bos = true},
    {.name = "qwen2", .steps = kQwen2Steps, .composes = true},
    {.name = "qwen35", .steps = kQwen35Steps, .composes = true},
    {.name = "tekken", .steps = kTekkenSteps, .ignores_merges = true, .bos_unless_told = true},
    {.name = "llama4", .steps = kGpt4oSteps, .architecture = "llama4"},
    {.name = "gpt-4o", .steps = kGpt4oSteps},
    {.name = "phi-2", .steps = kGpt2Steps, .architecture = "phi2"},
    {.name = "gpt-2", .steps = kGpt2Steps},
    {.name = "starcoder", .steps = kDigitsSteps, .architecture = "starcoder2"},
    {.name = "refact", .steps = kDigitsSteps, .architecture = "granite"},
    {.name = "command-r", .steps = kDigitsSteps, .composes = true, .architecture = "command-r"},
    {.name = "smollm", .steps = kDigitsSteps},
    {.name = "deepseek-coder", .steps = kDeepseekCoderSteps},
    {.name = "deepseek-v3", .steps = kDeepseekV3Steps},
    {.name = "falcon", .steps = kFalconSteps},
};

}  // namespace

const PreTokenizer* FindPreTokenizer(std::span<const PreTokenizerStep> steps,
                                     const PreTokenizerContext& context) {
  for (const PreTokenizer& row : kPreTokenizers) {
    if (!std::ranges::equal(row.steps, steps)) continue;
    if (!row.architecture.empty() && row.architecture != context.architecture) continue;
    if (row.adds_bos && *row.adds_bos != context.adds_bos) continue;
    return &row;
  }
  return nullptr;
}

const PreTokenizer* FindPreTokenizer(std::string_view name) {
  const auto* row = std::ranges::find(kPreTokenizers, name, &PreTokenizer::name);
  return row == std::end(kPreTokenizers) ? nullptr : row;
}

std::string SpellSteps(std::span<const PreTokenizerStep> steps) {
  std::string text;
  for (const Step& step : steps) {
    if (!text.empty()) text += ", ";
    switch (step.kind) {
      case Kind::kSplit:
        text += "Split ";
        break;
      case Kind::kDigits:
        text += "Digits one by one";
        break;
      case Kind::kDigitRuns:
        text += "Digits";
        break;
      case Kind::kPunctuation:
        text += "Punctuation";
        break;
      case Kind::kGpt2:
        text += "ByteLevel with GPT-2's pattern";
        break;
      case Kind::kBytes:
        text += "ByteLevel";
        break;
      case Kind::kUnknown:
        break;
    }
    text += step.pattern;
  }
  return text.empty() ? "none" : text;
}

}  // namespace hallmark
