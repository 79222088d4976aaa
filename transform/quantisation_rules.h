// The rules behind a quantisation mix: which type llama-quantize gives to which tensor. They are
// those of llama_tensor_get_type_impl in llama.cpp's src/llama-quant.cpp, as tables.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "src/tensor/dtype.h"
#include "src/tensor/tensor_info.h"
#include "transform/file_type.h"

namespace hallmark {

// What a tensor is to its model, as far as rules ask.
enum class WeightKind : std::uint8_t {
  kOther,
  kOutput,     // also a token embedding where there is no output of its own
  kEmbedding,  // token embeddings
  kValue,      // of attention, alone or fused with others
  kKey,
  kQuery,
  kAttentionOutput,
  kGate,  // of the feed-forward network, as the next two
  kUp,
  kDown,
};

// kOutput only for the output itself. Told by what the name holds, GGUF's scheme.
WeightKind PartOf(std::string_view name);

// Why llama-quantize leaves a tensor as it is in every mix, for people; empty: it does not.
std::string_view KeptBecause(std::string_view name, const Shape& shape);

// What a rule can depend on, one bit each. The places are those of the tensor's layer i among n.
enum Circumstance : std::uint32_t {
  kAlways = 0,
  kGrouped = 1 << 0,       // four query heads or more share a key-value head
  kFourExperts = 1 << 1,   // or more
  kEightExperts = 1 << 2,  // exactly
  kNotEightExperts = 1 << 3,
  kFalcon = 1 << 4,  // the architecture
  kNotFalcon = 1 << 5,
  kImportance = 1 << 6,  // there is an importance matrix
  kNoImportance = 1 << 7,
  kStacked = 1 << 8,          // the tensor holds several matrices, as experts
  kUnevenRows = 1 << 9,       // do not divide into blocks of the mix's default type
  kFirstTwo = 1 << 10,        // i < 2
  kFirstFour = 1 << 11,       // i < 4
  kFirstSixteenth = 1 << 12,  // i < n / 16
  kFirstEighth = 1 << 13,     // i < n / 8
  kMiddle = 1 << 14,          // neither in the first eighth nor in the last
  kMoreBits = 1 << 15,        // in the first or last eighth, or every third between
};
using Circumstances = std::uint32_t;  // a set of them

// Those that layer `i` of `n` is in.
Circumstances PlaceOf(std::uint64_t i, std::uint64_t n);

// The type for a tensor that is not kept; nullopt: the default of the mix.
std::optional<Dtype> DtypeByRules(FileType file_type, WeightKind part, Circumstances circumstances);

// Whether `file_type` is one of the mixes around two bits, which count layers their own way.
bool IsLowestMix(FileType file_type);

// The type to take where rows do not divide into blocks of `dtype`: that of smaller blocks and no
// fewer bits. nullopt: none is defined.
std::optional<Dtype> FallbackOf(Dtype dtype);

// Whether `dtype` in `file_type` is garbage without importance, in all but embeddings and outputs.
bool NeedsImportance(FileType file_type, Dtype dtype);

}  // namespace hallmark
