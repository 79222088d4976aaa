// Diff reports made by hand.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include "verify/diff/diff_report.h"

namespace hallmark {

inline const std::string kHostile = "</a>|`\n\x1b[31m](x){0}\xff\xef\xbf\xbf]]>&\"'@all <!--";

// Of `values` pairs, a = 2 everywhere, b = 2 + `step` in `differing` of them.
inline ValueComparison Apart(std::uint64_t values, std::uint64_t differing, double step) {
  ValueComparison result;
  const auto n = static_cast<double>(values);
  const auto d = static_cast<double>(differing);
  result.values = values;
  result.differing = differing;
  result.max_abs = differing > 0 ? std::abs(step) : 0;
  result.max_relative = result.max_abs / 2;
  result.last_differing = differing > 0 ? differing - 1 : 0;
  result.squares_of_difference = d * step * step;
  result.squares_a = 4 * n;
  result.squares_b = 4 * (n - d) + d * (2 + step) * (2 + step);
  result.products = 4 * (n - d) + d * 2 * (2 + step);
  return result;
}

inline TensorDiff Pair(std::string name, TensorState state,
                       std::optional<ValueComparison> values = {}) {
  TensorDiff tensor;
  tensor.state = state;
  const TensorDiff::Side side{name, "stored." + name, Dtype::kF16, {32, 64}};
  if (state != TensorState::kOnlyInB) tensor.a = side;
  if (state != TensorState::kOnlyInA) tensor.b = side;
  tensor.group = name.starts_with("model.layers.") ? name.substr(0, name.find('.', 13)) : "globals";
  tensor.values = values;
  return tensor;
}

// Groups as the tensors have them.
inline void Group(DiffReport* report) {
  report->groups.clear();
  for (const TensorDiff& tensor : report->tensors) {
    if (report->groups.empty() || report->groups.back().key != tensor.group) {
      report->groups.push_back({.key = tensor.group});
    }
    GroupDiff& group = report->groups.back();
    ++group.tensors;
    if (tensor.state == TensorState::kEqual || tensor.state == TensorState::kRelated) {
      ++group.equal;
    } else if (tensor.state != TensorState::kNotCompared) {
      ++group.different;
    }
    if (tensor.values) group.values.Append(*tensor.values);
  }
  report->a.tensors = report->b.tensors = report->tensors.size();
}

inline DiffReport ReportOf(DiffVerdict verdict) {
  DiffReport report;
  report.verdict = verdict;
  report.summary = "what holds";
  report.a = {.name = "models/a", .format = "safetensors", .architecture = "llama"};
  report.a.parameters = 6'738'415'616;
  report.a.bytes_read = 13'476'838'880;
  report.b = {.name = "b.gguf", .format = "GGUF v3, alignment 32", .architecture = "llama"};
  report.fields_compared = 57;
  return report;
}

// `layers` layers of nine tensors, all equal, and one embedding.
inline DiffReport Equal(int layers, DiffVerdict verdict = DiffVerdict::kEqual) {
  DiffReport report = ReportOf(verdict);
  report.tensors.push_back(
      Pair("model.embed_tokens.weight", TensorState::kEqual, Apart(2048, 0, 0)));
  for (int layer = 0; layer < layers; ++layer) {
    for (int i = 0; i < 9; ++i) {
      report.tensors.push_back(Pair(fmt::format("model.layers.{}.part_{}.weight", layer, i),
                                    TensorState::kEqual, Apart(2048, 0, 0)));
    }
  }
  Group(&report);
  return report;
}

// Three of 32 layers differ, layer 5 most.
inline DiffReport Different() {
  DiffReport report = Equal(32, DiffVerdict::kDifferent);
  const auto set = [&](int layer, int part, const ValueComparison& values) {
    TensorDiff& tensor = report.tensors[static_cast<std::size_t>(1 + layer * 9 + part)];
    tensor.state = TensorState::kDifferent;
    tensor.values = values;
  };
  set(3, 2, Apart(2048, 7, 0.01));
  set(5, 2, Apart(2048, 2048, 1));
  set(31, 0, Apart(2048, 1024, 0.125));
  Group(&report);
  return report;
}

// Everything that a report can hold.
inline DiffReport Full(const std::string& word) {
  DiffReport report = Different();
  report.summary = report.hint = word;
  report.a.name = report.a.format = report.a.architecture = report.b.name = word;
  report.a.left_out = {{word, word}, {word + "2", word}};
  for (const TensorState state :
       {TensorState::kOnlyInA, TensorState::kOnlyInB, TensorState::kNotCompared,
        TensorState::kDifferent, TensorState::kRelated}) {
    report.tensors.push_back(Pair(word, state));
    report.tensors.back().relations = {word};
    report.tensors.back().reason = word;
    report.tensors.back().group = word;
  }
  report.tensors[1].ulps = UlpHistogram{};
  report.tensors[1].ulps->bins[0] = 7;
  report.tensors[1].ulps->bins[5] = 1;
  report.tensors[1].ulp_unit = Dtype::kBf16;
  report.tensors[1].rounding = BlockRounding{Dtype::kQ4_0, 64, 60, 0.75};
  Group(&report);
  report.fields = {{word, word, word, "", true}, {word, word, "", word, false}};
  report.fields_not_compared = {word};
  report.explanations = {
      {Explanation::Kind::kLowRank, word, word, {{word, 16}, {"nan", std::nan("")}}}};
  for (const Severity severity : {Severity::kNote, Severity::kWarning, Severity::kDanger}) {
    report.findings.push_back({severity, "some-code", word, word, 16});
  }
  return report;
}

inline std::size_t Occurrences(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos;
       at = text.find(what, at + what.size())) {
    ++count;
  }
  return count;
}

}  // namespace hallmark
