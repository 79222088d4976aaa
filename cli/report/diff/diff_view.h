// What all forms of a diff report show alike: numbers as people read them, which tensors come
// first, layers and relations folded. Texts that come from here may hold hostile bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/report/fold.h"
#include "verify/diff/diff_report.h"

namespace hallmark {

std::string NumberText(double number);  // "0.0312", "1.2e-05", "infinite", "NaN"
// Never 0 % for some nor 100 % for less than all: "7.15 %", "<0.001 %", ">99.9 %".
std::string ShareText(std::uint64_t part, std::uint64_t whole);
std::string CosineText(double cosine);  // with as many digits as tell it from 1: "0.9999981"

// EscapeForPeople, cut with an ellipsis where it takes more than `columns`.
std::string ShownText(std::string_view text, std::size_t columns);
inline constexpr std::size_t kMaxNameColumns = 160;  // of a name; --json has all of it

// Columns of a table of values: share that differs, max abs, RMS, relative norm, cosine, sign
// flips.
inline constexpr std::size_t kValueColumns = 6;
std::vector<std::string> ValueHeads();
std::vector<std::string> ValueCells(const ValueComparison& values);

// "1,203 of 16,777,216 values differ (0.00717 %), by up to 0.031; RMS 0.0012, relative norm 0.034,
// cosine 0.99942, 12 signs flip".
std::string HowFar(const ValueComparison& values);
// What numbers of a table do not say: other shapes, types, relations, where it differs, NaN.
std::vector<std::string> NotesOn(const TensorDiff& tensor);
// Of a tensor in any state, in one line.
std::string WhatOf(const TensorDiff& tensor);

// By digest: as a whole, its values were not at hand or are not numbers.
enum class HowCompared { kByValue, kByDigest, kByShape, kNone };
HowCompared ComparedHow(const TensorDiff& tensor);
std::string_view HowComparedName(HowCompared how);  // "by-value", "none"
// "285 tensors compared by value, 6 by digest, 1 not compared".
std::string ComparedText(const DiffReport& report);
// "GGUF v3, llama, 291 tensors, 6,738,415,616 parameters".
std::string SideText(const DiffSide& side);
// "x and 3 more: no architecture has it", a text a reason.
std::vector<std::string> LeftOutTexts(const DiffSide& side);

// Those in state kDifferent: values that are not numbers on one side only, then those that could
// not be laid side by side, then by relative norm.
std::vector<const TensorDiff*> WorstTensors(const DiffReport& report);

// A layer that differs, or several that are alike and do not.
struct LayerRow {
  enum class State { kDifferent, kNotCompared, kEqual };
  State state = State::kEqual;
  std::string name;  // "model.layers.0-16,18-31"
  std::uint64_t layers = 1;
  // Of each of the layers.
  std::uint64_t tensors = 0;
  std::uint64_t different = 0;
  std::uint64_t related = 0;  // equal, after relations
  std::uint64_t not_compared = 0;
  const ValueComparison* values = nullptr;  // of a layer that differs, if any were compared
};
// Those that differ, worst first; those not compared, wholly or in part; those that are equal.
std::vector<LayerRow> LayerRows(const DiffReport& report);
std::string_view LayerStateName(LayerRow::State state);  // "not-compared"
std::string LayerTensors(const LayerRow& row);           // "2 of 9", "9 tensors each"

// Relations with the same words, numbers of layers aside.
struct RelationRow {
  std::string text;  // "moved from model.layers.*.mlp.up_proj.weight"
  std::uint64_t tensors = 0;
  std::uint64_t different = 0;  // of these
  std::string example;          // name of the first tensor
};
std::vector<RelationRow> RelationRows(const DiffReport& report);  // most tensors first

// Tensors in this state that are in one model only.
std::vector<TensorPattern> PatternsIn(const DiffReport& report, TensorState state);

// Why tensors were not compared.
struct ReasonRow {
  std::string reason;
  std::vector<std::string> names;
};
std::vector<ReasonRow> NotComparedRows(const DiffReport& report);

// Those that change what the model does first.
std::vector<const FieldDiff*> FieldsByMeaning(const DiffReport& report);

// All tensors together.
struct RoundingRow {
  BlockRounding sum;
  std::uint64_t tensors = 0;
};
std::vector<RoundingRow> RoundingRows(const DiffReport& report);  // a row a type
std::string RoundingText(const BlockRounding& rounding);

struct UlpRow {
  Dtype unit;
  std::uint64_t tensors = 0;
  UlpHistogram sum;
};
std::vector<UlpRow> UlpRows(const DiffReport& report);  // a row a unit
std::string UlpText(const UlpHistogram& ulps);          // "81 % none, 16 % 1, 2.9 % 2-3"
std::string UlpBinText(std::size_t bin);                // "0", "1", "2-3", "4-7"

}  // namespace hallmark
