// All that one differing tensor shows of the kind of its difference.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "verify/diff/explain/coarser_values.h"
#include "verify/diff/explain/damaged_stretch.h"
#include "verify/diff/explain/low_rank.h"
#include "verify/diff/explain/noise_moments.h"
#include "verify/diff/explain/wrong_layout.h"

namespace hallmark {

struct TensorLook {
  const DifferingTensor* tensor = nullptr;
  bool is_matrix = false;
  // What explains the tensor by itself: at most one of these.
  std::optional<DamagedStretch> damage;
  std::optional<WrongLayout> layout;
  std::optional<std::uint64_t> pruned;  // values
  PruningPattern pattern = PruningPattern::kScattered;
  std::optional<Quantised> quantised;
  // Of a matrix that none of these explains.
  std::optional<Spectrum> spectrum;
  NoiseMoments noise;
  double rounding_energy = 0;  // RoundingEnergy of the same sample

  bool IsExplained() const { return damage || layout || pruned || quantised; }
};

// `hidden` is the width of the model, or 0. With `only_damage` nothing else is looked for.
Result<TensorLook> LookAt(const DifferingTensor& tensor, std::uint64_t hidden, bool only_damage,
                          const Task& task);

// Which tensors to look at: a fixed choice, spread over kinds and layers.
struct Choice {
  std::vector<std::size_t> whole;       // indices into the tensors, rising
  std::vector<std::size_t> for_damage;  // others that may be damaged
};
Choice ChooseTensors(std::span<const DifferingTensor> tensors, std::size_t matrices,
                     std::size_t vectors);

// "model.layers.*.mlp.up_proj.weight": the name with every number replaced.
std::string KindOfName(std::string_view name);

}  // namespace hallmark
