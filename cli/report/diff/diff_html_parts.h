// The parts of the page that diff_html.cc puts together, and what they share: how numbers are
// written, how states look.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "verify/diff/diff_report.h"

namespace hallmark {

// The heat map, one cell a tensor: kinds of tensor by layers. Markup.
std::string DiffHtmlMap(const DiffReport& report);
// The same by layer and as histograms. Markup; empty where nothing was compared by value.
std::string DiffHtmlPlots(const DiffReport& report);
// What the script makes the table of tensors from. JSON.
std::string DiffHtmlData(const DiffReport& report);

extern const std::string_view kDiffHtmlStyle;
extern const std::string_view kDiffHtmlScript;

// Three digits: "0", "0.0123", "1.23e-7", "infinite", "NaN".
std::string ShownNumber(double value);
// "0.98", or "1 - 3.1e-5" where it is close to 1.
std::string ShownCosine(double value);
// "12.3%", "under 0.001%"; "" of nothing.
std::string ShownShare(std::uint64_t part, std::uint64_t whole);

// Relative norms fall into half decades: class 0 is below 10^-5, class 11 is 1 and more.
inline constexpr int kHeatClasses = 12;
int HeatClass(double relative_norm);

std::string_view StateLabel(TensorState state);  // "only in A"
std::string_view StateClass(TensorState state);  // of the style sheet: "only-a"

// Where a mark stands, in units of an SVG drawing.
struct Box {
  double x, y, width, height;
};
// The mark of one state, told from the others by shape as well as by colour. `heat`: the class of a
// difference that was measured, or -1.
std::string StateMark(TensorState state, int heat, const Box& box);
// The corner that says that NaN or infinite values were met.
std::string NotFiniteMark(const Box& box);

}  // namespace hallmark
