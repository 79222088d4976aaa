// Quantisation that shows in the names of tensors: a weight is then kept as several tensors, packed
// numbers with their scales. docs/quantisation.md shows the table.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/tensor/tensor_info.h"

namespace hallmark {

// How a quantiser names and types what it makes of one weight.
struct QuantisationScheme {
  std::string_view name;   // for scripts: "gptq"
  std::string_view title;  // for people: "GPTQ"
  // What config.json calls it (quant_method); several where their tensors are called alike.
  std::span<const std::string_view> methods;

  bool IsCalled(std::string_view method) const;
};
std::span<const QuantisationScheme* const> AllQuantisationSchemes();

struct FoundQuantisation {
  const QuantisationScheme* scheme;
  std::uint64_t weights = 0;  // that are kept so
  std::string example;        // the module of the first of them
};

// The schemes that tensors prove by their names and types, in the order of the table; nothing where
// all tensors are weights of their own. Takes time in proportion to the names.
std::vector<FoundQuantisation> FindQuantisation(std::span<const TensorInfo* const> tensors);

// What a configuration says of it.
struct ConfiguredQuantisation {
  std::string method;  // quant_method; "mlx" for MLX, which gives none
  std::optional<std::uint64_t> bits;
  std::optional<std::uint64_t> group_size;  // values that share a scale
};

// Whether a configuration and the tensors say the same. A method that no scheme is called by cannot
// contradict an absence of all schemes.
bool QuantisationAgrees(const std::optional<ConfiguredQuantisation>& configured,
                        std::span<const FoundQuantisation> found);

// Both for people: "GPTQ (224 weights), as config.json says: gptq, 4 bits, groups of 128". `source`
// is the file that is configured by. Empty where neither tells of any.
std::string QuantisationText(const std::optional<ConfiguredQuantisation>& configured,
                             std::string_view source, std::span<const FoundQuantisation> found);

}  // namespace hallmark
