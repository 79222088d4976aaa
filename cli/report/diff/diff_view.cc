#include "cli/report/diff/diff_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>
#include <unordered_map>

#include "cli/report/text.h"
#include "src/base/text.h"
#include "src/model/architecture.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxRanges = 6;  // of layer numbers in one row
constexpr std::size_t kShownBins = 4;

bool OneSideNotFinite(const ValueComparison& values) {
  return values.nan_a != values.nan_b || values.infinite_a != values.infinite_b;
}

// What is no number is further away than every number.
double Orderly(double number) {
  return std::isnan(number) ? std::numeric_limits<double>::infinity() : number;
}

// Less is worse.
std::tuple<int, double, double> RankOf(const ValueComparison* values) {
  if (values == nullptr) return {1, 0, 0};
  return {OneSideNotFinite(*values) ? 0 : 2, -Orderly(values->RelativeNorm()),
          -Orderly(values->max_abs)};
}

std::string RangesText(std::vector<std::uint32_t> numbers) {
  std::ranges::sort(numbers);
  std::string text;
  std::size_t ranges = 0;
  for (std::size_t i = 0; i < numbers.size();) {
    const std::uint32_t first = numbers[i];
    std::uint32_t last = first;
    while (++i < numbers.size() && numbers[i] == last + 1) last = numbers[i];
    if (!text.empty()) text += ',';
    if (++ranges > kMaxRanges) return text + "…";
    text += first == last ? std::to_string(first) : fmt::format("{}-{}", first, last);
  }
  return text;
}

// "moved from model.layers.3.x" -> "moved from model.layers.*.x"; other numbers stay.
std::string WithoutNumbers(std::string_view text) {
  std::string out;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    const std::string_view word = text.substr(start, end - start);
    const bool is_name = std::ranges::any_of(
        word, [](char c) { return c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); });
    for (std::size_t at = 0; at <= word.size();) {
      const std::size_t dot = std::min(word.find('.', at), word.size());
      const std::string_view part = word.substr(at, dot - at);
      out += is_name && IsNumberComponent(part) ? std::string_view("*") : part;
      if (dot < word.size()) out += '.';
      at = dot + 1;
    }
    if (end < text.size()) out += ' ';
    start = end + 1;
  }
  return out;
}

std::string StretchText(const ValueComparison& values) {
  if (values.differing == 0 || values.differing == values.values) return {};
  if (values.differing == 1) return fmt::format("value {}", WithCommas(values.first_differing));
  const std::uint64_t span = values.last_differing - values.first_differing + 1;
  if (values.last_differing < values.first_differing || span > values.values / 2) return {};
  return fmt::format("values {} to {} only", WithCommas(values.first_differing),
                     WithCommas(values.last_differing));
}

std::string Joined(const std::vector<std::string>& texts) {
  return fmt::format("{}", fmt::join(texts, "; "));
}

std::string SideShape(const TensorDiff::Side& side) {
  return fmt::format("{} {}", DtypeName(side.dtype), ShapeText(side.shape));
}

}  // namespace

std::string NumberText(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "infinite" : "-infinite";
  return fmt::format("{:.3g}", number);
}

std::string ShareText(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  if (part == 0) return "0 %";
  if (part >= whole) return "100 %";
  const double percent = 100 * static_cast<double>(part) / static_cast<double>(whole);
  if (percent < 0.001) return "<0.001 %";
  if (percent >= 99.95) return ">99.9 %";
  return fmt::format("{:.3g} %", percent);
}

std::string CosineText(double cosine) {
  if (std::isnan(cosine)) return "NaN";
  const double gap = 1 - cosine;
  if (!(gap > 0)) return "1";
  if (gap > 1e-3) return fmt::format("{:.4f}", cosine);
  if (gap < 1e-10) return ">0.9999999999";
  return fmt::format("{:.{}f}", cosine, static_cast<int>(std::ceil(-std::log10(gap))) + 1);
}

std::string ShownText(std::string_view text, std::size_t columns) {
  std::string shown = EscapeForPeople(text);
  if (Columns(shown) <= columns) return shown;
  std::size_t cut = 0;
  for (std::size_t column = 0; cut < shown.size(); ++cut) {
    if ((static_cast<unsigned char>(shown[cut]) & 0xC0) == 0x80) continue;
    if (++column == columns) break;
  }
  return shown.substr(0, cut) + "…";
}

std::vector<std::string> ValueHeads() {
  return {"differing", "max abs", "RMS", "relative", "cosine", "sign flips"};
}

std::vector<std::string> ValueCells(const ValueComparison& values) {
  std::vector<std::string> cells = {ShareText(values.differing, values.values)};
  if (values.FinitePairs() == 0) {
    cells.resize(kValueColumns, "-");
    return cells;
  }
  cells.push_back(NumberText(values.max_abs));
  cells.push_back(NumberText(values.Rms()));
  cells.push_back(NumberText(values.RelativeNorm()));
  cells.push_back(CosineText(values.Cosine()));
  cells.push_back(WithCommas(values.sign_flips));
  return cells;
}

std::string HowFar(const ValueComparison& values) {
  if (values.differing == 0) return "no value differs";
  std::string text =
      values.differing == values.values
          ? fmt::format("all {} differ", Count(values.values, "value"))
          : fmt::format("{} of {} differ ({})", WithCommas(values.differing),
                        Count(values.values, "value"), ShareText(values.differing, values.values));
  if (values.FinitePairs() == 0) return text;
  if (values.max_abs > 0) text += fmt::format(", by up to {}", NumberText(values.max_abs));
  text += fmt::format("; RMS {}, relative norm {}, cosine {}", NumberText(values.Rms()),
                      NumberText(values.RelativeNorm()), CosineText(values.Cosine()));
  if (values.sign_flips > 0) {
    text += fmt::format(", {} {}", Count(values.sign_flips, "sign"),
                        values.sign_flips == 1 ? "flips" : "flip");
  }
  return text;
}

std::vector<std::string> NotesOn(const TensorDiff& tensor) {
  std::vector<std::string> notes;
  // Where they say nothing of it themselves.
  if (tensor.a && tensor.b && tensor.relations.empty() && tensor.reason.empty()) {
    if (tensor.a->shape != tensor.b->shape) {
      notes.push_back(fmt::format("{} in A, {} in B", SideShape(*tensor.a), SideShape(*tensor.b)));
    } else if (tensor.a->dtype != tensor.b->dtype) {
      notes.push_back(
          fmt::format("{} in A, {} in B", DtypeName(tensor.a->dtype), DtypeName(tensor.b->dtype)));
    }
  }
  notes.insert(notes.end(), tensor.relations.begin(), tensor.relations.end());
  if (tensor.values) {
    const ValueComparison& values = *tensor.values;
    if (std::string stretch = StretchText(values); !stretch.empty()) notes.push_back(stretch);
    const auto add = [&](std::string_view what, std::uint64_t in_a, std::uint64_t in_b) {
      if (in_a + in_b == 0) return;
      notes.push_back(
          fmt::format("{}: {} in A, {} in B", what, WithCommas(in_a), WithCommas(in_b)));
    };
    add("NaN", values.nan_a, values.nan_b);
    add("infinite", values.infinite_a, values.infinite_b);
  }
  if (tensor.rounding) notes.push_back(RoundingText(*tensor.rounding));
  if (tensor.ulps) {
    notes.push_back(
        fmt::format("steps of {}: {}", DtypeName(tensor.ulp_unit), UlpText(*tensor.ulps)));
  }
  if (!tensor.reason.empty()) notes.push_back(tensor.reason);
  return notes;
}

std::string WhatOf(const TensorDiff& tensor) {
  std::vector<std::string> parts;
  switch (tensor.state) {
    case TensorState::kOnlyInA:
      parts.push_back("only in A: " + SideShape(tensor.Any()));
      break;
    case TensorState::kOnlyInB:
      parts.push_back("only in B: " + SideShape(tensor.Any()));
      break;
    case TensorState::kEqual:
      parts.emplace_back("equal");
      break;
    case TensorState::kRelated:
      parts.emplace_back("equal after relations");
      break;
    case TensorState::kNotCompared:
      parts.emplace_back("not compared");
      break;
    case TensorState::kDifferent:
      if (tensor.values) {
        parts.push_back(HowFar(*tensor.values));
      } else if (ComparedHow(tensor) == HowCompared::kByDigest) {
        parts.emplace_back(tensor.reason.empty() ? "its digest differs" : "it differs");
      } else {
        parts.emplace_back("its shape differs");
      }
      break;
  }
  const std::vector<std::string> notes = NotesOn(tensor);
  parts.insert(parts.end(), notes.begin(), notes.end());
  return Joined(parts);
}

HowCompared ComparedHow(const TensorDiff& tensor) {
  if (tensor.values) return HowCompared::kByValue;
  if (tensor.state == TensorState::kNotCompared || !tensor.a || !tensor.b)
    return HowCompared::kNone;
  const bool other_shape = tensor.a->shape != tensor.b->shape;
  return tensor.state == TensorState::kDifferent && other_shape ? HowCompared::kByShape
                                                                : HowCompared::kByDigest;
}

std::string_view HowComparedName(HowCompared how) {
  switch (how) {
    case HowCompared::kByValue:
      return "by-value";
    case HowCompared::kByDigest:
      return "by-digest";
    case HowCompared::kByShape:
      return "by-shape";
    case HowCompared::kNone:
      return "none";
  }
  return "none";
}

std::string ComparedText(const DiffReport& report) {
  std::uint64_t by_value = 0;
  std::uint64_t by_digest = 0;
  std::uint64_t by_shape = 0;
  for (const TensorDiff& tensor : report.tensors) {
    const HowCompared how = ComparedHow(tensor);
    by_value += how == HowCompared::kByValue ? 1 : 0;
    by_digest += how == HowCompared::kByDigest ? 1 : 0;
    by_shape += how == HowCompared::kByShape ? 1 : 0;
  }
  const bool digests = report.a.by_digests_only || report.b.by_digests_only;
  std::string text = fmt::format("{} compared by value", Count(by_value, "tensor"));
  if (by_digest > 0) {
    text += fmt::format(", {} {}", WithCommas(by_digest), digests ? "by digest" : "byte for byte");
  }
  if (by_shape > 0) text += fmt::format(", {} by shape alone", WithCommas(by_shape));
  text += fmt::format(", {} not compared", WithCommas(report.CountOf(TensorState::kNotCompared)));
  const std::uint64_t alone =
      report.CountOf(TensorState::kOnlyInA) + report.CountOf(TensorState::kOnlyInB);
  if (alone > 0) text += fmt::format(", {} in one model only", WithCommas(alone));
  return text;
}

std::string SideText(const DiffSide& side) {
  std::vector<std::string> parts;
  if (!side.format.empty()) parts.push_back(side.format);
  if (!side.architecture.empty()) parts.push_back(side.architecture);
  parts.push_back(Count(side.tensors, "tensor"));
  if (side.parameters > 0) parts.push_back(Count(side.parameters, "parameter"));
  if (side.by_digests_only) parts.emplace_back("known by digests only");
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::vector<std::string> LeftOutTexts(const DiffSide& side) {
  std::map<std::string, std::vector<std::string_view>> by_reason;
  for (const LeftOut& item : side.left_out) by_reason[item.reason].push_back(item.stored_name);
  std::vector<std::string> texts;
  for (const auto& [reason, names] : by_reason) {
    texts.push_back(fmt::format(
        "{}{}: {}", names.front(),
        names.size() > 1 ? fmt::format(" and {} more", WithCommas(names.size() - 1)) : "", reason));
  }
  return texts;
}

std::vector<const TensorDiff*> WorstTensors(const DiffReport& report) {
  using Ranked = std::pair<std::tuple<int, double, double>, const TensorDiff*>;
  std::vector<Ranked> ranked;
  for (const TensorDiff& tensor : report.tensors) {
    if (tensor.state != TensorState::kDifferent) continue;
    ranked.emplace_back(RankOf(tensor.values ? &*tensor.values : nullptr), &tensor);
  }
  std::ranges::stable_sort(ranked, {}, &Ranked::first);
  std::vector<const TensorDiff*> tensors;
  tensors.reserve(ranked.size());
  for (const Ranked& item : ranked) tensors.push_back(item.second);
  return tensors;
}

std::vector<LayerRow> LayerRows(const DiffReport& report) {
  std::unordered_map<std::string_view, std::uint64_t> related;
  for (const TensorDiff& tensor : report.tensors) {
    if (tensor.state == TensorState::kRelated) ++related[tensor.group];
  }
  std::vector<LayerRow> different;
  std::vector<LayerRow> rest;
  // Those alike share a row: what they have in common, their numbers.
  using Likeness =
      std::tuple<std::string_view, LayerRow::State, std::uint64_t, std::uint64_t, std::uint64_t>;
  std::map<Likeness, std::size_t> index;
  std::vector<std::vector<std::uint32_t>> numbers;
  for (const GroupDiff& group : report.groups) {
    LayerRow row;
    row.name = group.key;
    row.tensors = group.tensors;
    row.different = group.different;
    const auto found = related.find(group.key);
    row.related = found == related.end() ? 0 : found->second;
    const std::uint64_t settled = std::min(group.equal + group.different, group.tensors);
    row.not_compared = group.tensors - settled;
    if (group.different > 0) {
      row.state = LayerRow::State::kDifferent;
      if (group.values.values > 0) row.values = &group.values;
      different.push_back(std::move(row));
      continue;
    }
    row.state = row.not_compared > 0 ? LayerRow::State::kNotCompared : LayerRow::State::kEqual;
    const std::string_view key = group.key;
    const std::size_t dot = key.rfind('.');
    const bool numbered = dot != std::string_view::npos && IsNumberComponent(key.substr(dot + 1));
    const Likeness likeness(numbered ? key.substr(0, dot + 1) : key, row.state, row.tensors,
                            row.related, row.not_compared);
    const auto [place, is_new] = index.try_emplace(likeness, rest.size());
    if (is_new || !numbered) {
      rest.push_back(std::move(row));
      numbers.emplace_back();
    } else {
      ++rest[place->second].layers;
    }
    if (numbered) {
      const std::uint64_t number = ParseDecimal(key.substr(dot + 1)).value_or(0);
      numbers[place->second].push_back(static_cast<std::uint32_t>(number));
    }
  }
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i].layers == 1) continue;
    rest[i].name.resize(rest[i].name.rfind('.') + 1);
    rest[i].name += RangesText(std::move(numbers[i]));
  }
  // Layers that merely lack tensors come after those whose values differ.
  std::ranges::stable_sort(different, {}, [](const LayerRow& row) {
    return row.values == nullptr ? std::tuple(3, 0.0, 0.0) : RankOf(row.values);
  });
  std::ranges::stable_sort(rest, {}, &LayerRow::state);
  different.insert(different.end(), rest.begin(), rest.end());
  return different;
}

std::string_view LayerStateName(LayerRow::State state) {
  switch (state) {
    case LayerRow::State::kDifferent:
      return "different";
    case LayerRow::State::kNotCompared:
      return "not-compared";
    case LayerRow::State::kEqual:
      return "equal";
  }
  return "not-compared";
}

std::string LayerTensors(const LayerRow& row) {
  const std::string_view each = row.layers > 1 ? " each" : "";
  std::string text;
  switch (row.state) {
    case LayerRow::State::kDifferent:
      text = fmt::format("{} of {}", WithCommas(row.different), WithCommas(row.tensors));
      if (row.not_compared == 0) return text;
      return text + fmt::format(", {} not compared", WithCommas(row.not_compared));
    case LayerRow::State::kNotCompared:
      return row.not_compared == row.tensors
                 ? Count(row.tensors, "tensor") + std::string(each)
                 : fmt::format("{} of {}{}, the others equal", WithCommas(row.not_compared),
                               Count(row.tensors, "tensor"), each);
    case LayerRow::State::kEqual:
      text = Count(row.tensors, "tensor") + std::string(each);
      if (row.related == 0) return text;
      if (row.related == row.tensors) return text + ", after relations";
      return text + fmt::format(", {} of them after relations", WithCommas(row.related));
  }
  return text;
}

std::vector<RelationRow> RelationRows(const DiffReport& report) {
  std::unordered_map<std::string, std::size_t> index;
  std::vector<RelationRow> rows;
  for (const TensorDiff& tensor : report.tensors) {
    for (const std::string& relation : tensor.relations) {
      const std::string folded = WithoutNumbers(relation);
      const auto [place, is_new] = index.try_emplace(folded, rows.size());
      if (is_new) rows.push_back({relation, 0, 0, std::string(tensor.Name())});
      RelationRow& row = rows[place->second];
      if (row.text != relation) row.text = folded;
      ++row.tensors;
      row.different += tensor.state == TensorState::kDifferent ? 1 : 0;
    }
  }
  std::ranges::stable_sort(rows, std::ranges::greater(), &RelationRow::tensors);
  return rows;
}

std::vector<TensorPattern> PatternsIn(const DiffReport& report, TensorState state) {
  std::vector<TensorInfo> infos;
  for (const TensorDiff& tensor : report.tensors) {
    if (tensor.state != state) continue;
    const TensorDiff::Side& side = tensor.Any();
    infos.push_back({.name = side.name,
                     .dtype = side.dtype,
                     .shape = side.shape,
                     .payload_bytes = PayloadBytes(side.dtype, side.shape).value_or(0)});
  }
  std::vector<const TensorInfo*> pointers;
  pointers.reserve(infos.size());
  for (const TensorInfo& info : infos) pointers.push_back(&info);
  return FoldTensors(pointers);
}

std::vector<ReasonRow> NotComparedRows(const DiffReport& report) {
  std::vector<ReasonRow> rows;
  std::unordered_map<std::string_view, std::size_t> index;
  for (const TensorDiff& tensor : report.tensors) {
    if (tensor.state != TensorState::kNotCompared) continue;
    const auto [place, is_new] = index.try_emplace(tensor.reason, rows.size());
    if (is_new) rows.push_back({tensor.reason, {}});
    rows[place->second].names.emplace_back(tensor.Name());
  }
  return rows;
}

std::vector<const FieldDiff*> FieldsByMeaning(const DiffReport& report) {
  std::vector<const FieldDiff*> fields;
  for (const FieldDiff& field : report.fields) fields.push_back(&field);
  std::ranges::stable_partition(fields, &FieldDiff::has_meaning);
  return fields;
}

std::vector<RoundingRow> RoundingRows(const DiffReport& report) {
  std::map<Dtype, RoundingRow> rows;
  for (const TensorDiff& tensor : report.tensors) {
    if (!tensor.rounding) continue;
    RoundingRow& row = rows[tensor.rounding->type];
    row.sum.type = tensor.rounding->type;
    row.sum.Append(*tensor.rounding);
    ++row.tensors;
  }
  std::vector<RoundingRow> result;
  for (const auto& [type, row] : rows) result.push_back(row);
  return result;
}

std::string RoundingText(const BlockRounding& rounding) {
  const std::string blocks =
      fmt::format("{} of {}", Count(rounding.blocks, "block"), DtypeName(rounding.type));
  const std::string worst = NumberText(Orderly(rounding.worst_steps));
  if (rounding.within >= rounding.blocks) {
    return fmt::format("{}, all of which can be honest roundings, values at most {} steps off",
                       blocks, worst);
  }
  return fmt::format("{}, {} of which are no honest rounding, values up to {} steps off", blocks,
                     WithCommas(rounding.blocks - rounding.within), worst);
}

std::vector<UlpRow> UlpRows(const DiffReport& report) {
  std::map<Dtype, UlpRow> rows;
  for (const TensorDiff& tensor : report.tensors) {
    if (!tensor.ulps) continue;
    UlpRow& row = rows[tensor.ulp_unit];
    row.unit = tensor.ulp_unit;
    ++row.tensors;
    row.sum.Append(*tensor.ulps);
  }
  std::vector<UlpRow> result;
  for (const auto& [unit, row] : rows) result.push_back(row);
  return result;
}

std::string UlpBinText(std::size_t bin) {
  if (bin <= 1) return std::to_string(bin);
  if (bin >= 65) return "2^64 and more";
  if (bin >= 20) return fmt::format("2^{} to 2^{}-1", bin - 1, bin);
  const std::uint64_t first = std::uint64_t{1} << (bin - 1);
  return fmt::format("{}-{}", first, 2 * first - 1);
}

std::string UlpText(const UlpHistogram& ulps) {
  std::uint64_t all = 0;
  for (const std::uint64_t count : ulps.bins) all += count;
  if (all == 0) return "none counted";
  std::string text;
  std::size_t shown = 0;
  for (std::size_t bin = 0; bin < ulps.bins.size(); ++bin) {
    if (ulps.bins[bin] == 0) continue;
    if (!text.empty()) text += ", ";
    if (shown++ == kShownBins) {
      std::size_t last = ulps.bins.size() - 1;
      while (ulps.bins[last] == 0) --last;
      return text + "the rest up to " + UlpBinText(last);
    }
    text +=
        fmt::format("{} {}", ShareText(ulps.bins[bin], all), bin == 0 ? "none" : UlpBinText(bin));
  }
  return text;
}

}  // namespace hallmark
