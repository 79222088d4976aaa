// Conversion: a model written again in another container, sharding, layout or element type, proven
// to hold the same weights where that can be, with a receipt that says how it was made.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/task.h"
#include "transform/receipt.h"

namespace hallmark {

// A container that can be written, as --to calls it.
enum class TargetFormat { kSafetensors, kGguf, kMeta, kPytorch, kNpz };
std::string_view TargetFormatName(TargetFormat format);
std::optional<TargetFormat> TargetFormatByName(std::string_view name);

struct ConvertRequest {
  TargetFormat to = TargetFormat::kSafetensors;
  std::optional<Dtype> dtype = {};        // f32, f16 or bf16; nullopt: as it is
  std::string quant = {};                 // a QuantisationMix by name, or empty; GGUF only
  std::filesystem::path importance = {};  // an importance matrix for it, or empty
  bool requantise = false;                // blocks may be taken apart
  std::uint64_t shard_size = 0;           // bytes of tensors a file; 0: one file
  std::uint64_t model_parallel = 1;       // ranks of a Meta set
  bool without_tokenizer = false;         // go on where the target wants one and none is there
  // Of the target: it is in the names of shards, and in the records of a PyTorch file. Convert
  // fills it in.
  std::string name = {};

  // The words that ask for the same again: what a receipt keeps.
  std::vector<ReceiptParameter> Parameters() const;
  static Result<ConvertRequest> FromParameters(std::span<const ReceiptParameter> parameters);
};

// Where to write and what may be removed for it.
struct ConvertTarget {
  std::filesystem::path path;
  bool force = false;    // see PartialOutput
  bool discard = false;  // what an interrupted run left
};

// Writes the model at `model`. The target is a file where that name ends as a container's files do
// (.gguf, .safetensors, .bin, .pt, .pth, .ckpt, .npz), or a folder, which gets configuration and
// tokenizer too. GGUF is one file but for shards; Meta sets are folders. The receipt stands beside
// the target, NAME.receipt.json.
//
// Afterwards the output is opened and read: its weight identity is that of the input, unless the
// receipt names what was lost. `tool_version` goes into the receipt.
//
// Errors: whatever opening and reading the model gives; kUsage (the target exists; a request that
// makes no sense), kUnsupported (what the target cannot hold), kIo (no room, disk full, a source
// that changed), kInterrupted. Nothing is left but, after an interruption or an error of more than
// a gigabyte's work, TARGET.hallmark-partial, with which the same request goes on.
Result<Receipt> Convert(const std::filesystem::path& model, const ConvertRequest& request,
                        const ConvertTarget& target, std::string_view tool_version,
                        const Task& task);

// Does what the receipt says once more, with the importance matrix at `importance` if it used one.
// Refuses a model that is not the receipt's input (kUsage);
// kMalformed where the output is not the receipt's to the byte, and then nothing is left.
Result<Receipt> Replay(const std::filesystem::path& model, const Receipt& receipt,
                       const std::filesystem::path& importance, const ConvertTarget& target,
                       std::string_view tool_version, const Task& task);

}  // namespace hallmark
