// The statement "how a copy was made": docs/statements.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/hash/digest.h"
#include "src/kernels/round.h"
#include "src/tensor/tensor_info.h"

namespace hallmark {

struct ReceiptParameter {
  std::string name, value;
};

struct ReceiptFile {
  std::string path;  // relative, "/" between components
  std::uint64_t size = 0;
  Digest tree;
};

// How one tensor of the output was made.
struct ReceiptTensor {
  std::string name;
  std::string file;  // of the output
  Dtype dtype;
  Shape shape;
  std::vector<std::string> sources;  // stored names
  std::vector<std::string> steps;    // empty: as it was
  std::optional<RoundingLoss> loss;  // if any value was changed
};

struct Receipt {
  std::string tool_version;
  std::vector<ReceiptParameter> request;  // of the conversion
  std::vector<ReceiptFile> inputs, outputs;
  std::string input_weights, output_weights;  // "hm1:…"
  // What the output is to the input: "same-weights"; "rounded", "dequantised", "quantised" where
  // values were changed.
  std::string relation;
  std::vector<ReceiptTensor> tensors;
  std::vector<std::string> left_out;        // stored names of what was not carried over
  std::vector<std::string> notes;           // what the target cannot say, for people
  std::vector<std::string> unknown_fields;  // met while reading: ignored and reported
};

// RFC 8785 canonical JSON with a final newline.
std::string WriteReceipt(const Receipt& receipt);
// Strict. `subject` is for messages.
Result<Receipt> ParseReceipt(std::string_view json, std::string subject);

}  // namespace hallmark
