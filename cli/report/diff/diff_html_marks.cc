#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/report/diff/diff_html_parts.h"

namespace hallmark {
namespace {

// Exponents without leading zeros: "1.23e-7".
std::string WithPower(double value) {
  std::string text = fmt::format("{:.2e}", value);
  const std::size_t sign = text.find('e') + 1;
  const std::size_t digits = text.find_first_not_of('0', sign + 1);
  text.erase(sign + 1, digits == std::string::npos ? 1 : digits - sign - 1);
  if (text[sign] == '+') text.erase(sign, 1);
  return text;
}

std::string Square(std::string_view css, const Box& box) {
  return fmt::format(R"(<path class="{}" d="M{:g} {:g}h{:g}v{:g}h-{:g}z"/>)", css, box.x, box.y,
                     box.width, box.height, box.width);
}

}  // namespace

std::string ShownNumber(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "infinite" : "-infinite";
  if (value == 0) return "0";
  const double size = std::abs(value);
  if (size < 1e-3 || size >= 99999.5) return WithPower(value);
  return size >= 100 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}

std::string ShownCosine(double value) {
  const double rest = 1 - value;
  if (!(rest > 0 && rest < 1e-3)) return ShownNumber(value);
  return "1 - " + ShownNumber(rest);
}

std::string ShownShare(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "";
  if (part == 0) return "0%";
  if (part >= whole) return "100%";
  const double share = 100 * static_cast<double>(part) / static_cast<double>(whole);
  if (share < 0.001) return "under 0.001%";
  if (share > 99.9) return "over 99.9%";
  return fmt::format("{:.3g}%", share);
}

int HeatClass(double relative_norm) {
  if (!(relative_norm > 0)) return 0;
  if (relative_norm >= 1) return kHeatClasses - 1;
  const double half_decades = std::floor(2 * std::log10(relative_norm) + 10) + 1;
  return static_cast<int>(std::clamp<double>(half_decades, 0, kHeatClasses - 2));
}

std::string_view StateLabel(TensorState state) {
  switch (state) {
    case TensorState::kEqual:
      return "equal";
    case TensorState::kRelated:
      return "equal after relations";
    case TensorState::kDifferent:
      return "different";
    case TensorState::kOnlyInA:
      return "only in A";
    case TensorState::kOnlyInB:
      return "only in B";
    case TensorState::kNotCompared:
      return "not compared";
  }
  return "not compared";
}

std::string_view StateClass(TensorState state) {
  switch (state) {
    case TensorState::kEqual:
      return "equal";
    case TensorState::kRelated:
      return "related";
    case TensorState::kDifferent:
      return "different";
    case TensorState::kOnlyInA:
      return "only-a";
    case TensorState::kOnlyInB:
      return "only-b";
    case TensorState::kNotCompared:
      return "unknown";
  }
  return "unknown";
}

std::string StateMark(TensorState state, int heat, const Box& box) {
  const auto [x, y, width, height] = box;
  const double middle_x = x + width / 2;
  const double middle_y = y + height / 2;
  const double reach = std::floor(std::min(width, height) / 2) - 1;
  switch (state) {
    case TensorState::kEqual:  // a dot
      return Square("blank", box) + fmt::format(R"(<path class="dot" d="M{:g} {:g}h3v2h-3z"/>)",
                                                middle_x - 1.5, middle_y - 1);
    case TensorState::kRelated:  // a hollow diamond
      return Square("blank", box) +
             fmt::format(
                 R"(<path class="diamond" d="M{:g} {:g}l{:g} {:g}l-{:g} {:g}l-{:g} -{:g}z"/>)",
                 middle_x, middle_y - reach, reach, reach, reach, reach, reach, reach);
    case TensorState::kDifferent:
      if (heat >= 0) return Square(fmt::format("h{}", heat), box);
      return Square("cross", box) +  // nobody knows by how much
             fmt::format(
                 R"(<path class="ink" d="M{0:g} {1:g}l{2:g} {2:g}m-{2:g} 0l{2:g} -{2:g}"/>)",
                 middle_x - reach + 1, middle_y - reach + 1, 2 * reach - 2);
    case TensorState::kOnlyInA:  // the left half
      return Square("blank", box) +
             fmt::format(R"(<path class="half" d="M{:g} {:g}v{:g}l{:g} -{:g}z"/>)", x, y, height,
                         width, height);
    case TensorState::kOnlyInB:  // the right half
      return Square("blank", box) +
             fmt::format(R"(<path class="half" d="M{:g} {:g}v{:g}h-{:g}z"/>)", x + width, y, height,
                         width);
    case TensorState::kNotCompared:  // hatched
      return Square("hatched", box);
  }
  return "";
}

std::string NotFiniteMark(const Box& box) {
  return fmt::format(R"(<path class="corner" d="M{:g} {:g}h8v8z"/>)", box.x + box.width - 8, box.y);
}

}  // namespace hallmark
