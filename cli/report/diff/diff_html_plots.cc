// Plots as inline SVG. All they show stands in the tables too, so they are one image each to those
// who cannot see them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "cli/report/diff/diff_html_parts.h"
#include "cli/report/html.h"
#include "cli/report/text.h"

namespace hallmark {
namespace {

// The drawing, in its own units; text in it is 12 high.
constexpr double kWidth = 420;
constexpr double kHeight = 230;
constexpr double kLeft = 46;
constexpr double kRight = 8;
constexpr double kTop = 10;
constexpr double kBottom = 40;
constexpr double kBase = kHeight - kBottom;
constexpr double kInner = kWidth - kLeft - kRight;
constexpr std::size_t kMaxTitled = 2000;  // points with a title of their own

std::string Figure(std::string_view caption, std::string_view summary, const std::string& drawing) {
  return fmt::format(
      R"(<figure><figcaption>{}</figcaption><svg class="plot" role="img" aria-label="{}" )"
      R"(viewBox="0 0 {} {}">{}</svg></figure>)",
      caption, summary, kWidth, kHeight, drawing);
}

std::string GridLine(double y, std::string_view label, std::string_view css = "grid") {
  return fmt::format(R"(<path class="{}" d="M{:g} {:.1f}H{:g}"/><text x="{:g}" y="{:.1f}" )"
                     R"(text-anchor="end">{}</text>)",
                     css, kLeft, y, kWidth - kRight, kLeft - 6, y + 4, label);
}

// Short: it stands beside an axis.
std::string Decade(double power) {
  if (power < -3 || power > 3) return fmt::format("1e{:.0f}", power);
  return ShownNumber(std::pow(10.0, power));
}

std::string AxisTitle(std::string_view text) {
  return fmt::format(R"(<text class="title" x="{:g}" y="{:g}" text-anchor="middle">{}</text>)",
                     kLeft + kInner / 2, kHeight - 6, text);
}

struct Point {
  const GroupDiff* group;
  double value;  // may be 0 or infinite
};

// A value for each layer on a scale of decades; zeros on a line of their own below it.
std::string Profile(const std::vector<Point>& points, std::string_view caption,
                    std::string_view what) {
  double least = INFINITY;
  double most = 0;
  bool has_zero = false;
  bool has_infinite = false;
  const Point* worst = nullptr;
  for (const Point& point : points) {
    if (point.value <= 0) {
      has_zero = true;
    } else if (std::isfinite(point.value)) {
      least = std::min(least, point.value);
      most = std::max(most, point.value);
    } else {
      has_infinite = true;
    }
    if (!worst || point.value > worst->value) worst = &point;
  }
  if (!worst || worst->value <= 0) return "";
  if (most == 0) least = most = 1;  // all are infinite
  const double low = std::floor(std::log10(least));
  const double high = std::max(std::ceil(std::log10(most)), low + 1);
  const double bottom = has_zero ? kBase - 22 : kBase;
  const double top = has_infinite ? kTop + 20 : kTop;
  const auto y_of = [&](double value) {
    if (value <= 0) return kBase;
    if (!std::isfinite(value)) return kTop;
    return bottom - (std::log10(value) - low) / (high - low) * (bottom - top);
  };
  const auto count = static_cast<double>(points.size());
  const auto x_of = [&](std::size_t i) {
    return kLeft + (static_cast<double>(i) + 0.5) / count * kInner;
  };

  std::string drawing;
  const int decades = static_cast<int>(high - low);
  const int step = std::max(1, (decades + 5) / 6);
  for (int i = 0; i <= decades; i += step) {
    drawing += GridLine(y_of(std::pow(10, low + i)), Decade(low + i));
  }
  if (has_zero) drawing += GridLine(kBase, "0", "grid zero");
  if (has_infinite) drawing += GridLine(kTop, "∞", "grid zero");

  // A stem for each layer: a line between them would say that they flow into each other.
  std::string stems;
  for (std::size_t i = 0; i < points.size(); ++i) {
    stems += fmt::format("M{:.1f} {:g}V{:.1f}", x_of(i), kBase, y_of(points[i].value));
  }
  drawing += fmt::format(R"(<path class="stem" d="{}"/>)", stems);
  const double radius = std::clamp(kInner / count / 3, 1.2, 3.5);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::string title =
        points.size() > kMaxTitled
            ? ""
            : fmt::format("<title>{}: {}</title>", HtmlFromFile(points[i].group->key, 80),
                          ShownNumber(points[i].value));
    drawing += fmt::format(R"(<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{:.1f}">{}</circle>)",
                           points[i].value > 0 ? "point" : "point none", x_of(i),
                           y_of(points[i].value), radius, title);
  }
  // Which layer it is, at both ends and where the numbers begin again.
  const auto mark = [&](std::size_t i, std::string_view anchor) {
    const std::string_view key = points[i].group->key;
    drawing += fmt::format(R"(<text x="{:.1f}" y="{:g}" text-anchor="{}">{}</text>)",
                           anchor == "start" ? kLeft : kWidth - kRight, kBase + 16, anchor,
                           HtmlFromFile(key, 24));
  };
  mark(0, "start");
  if (points.size() > 1) mark(points.size() - 1, "end");
  drawing += AxisTitle("layers in order");
  return Figure(caption,
                fmt::format("{} by layer, {} layers; largest {} in {}. The table of layers has "
                            "the numbers.",
                            what, points.size(), ShownNumber(worst->value),
                            HtmlFromFile(worst->group->key, 80)),
                drawing);
}

struct Bar {
  std::uint64_t count;
  std::string css, label, title;  // no label: none under this bar
};

// Counts; `log`: on a scale of decades, so that few stay visible beside many.
std::string Bars(const std::vector<Bar>& bars, bool log, std::string_view caption,
                 std::string_view axis, std::string_view summary) {
  std::uint64_t most = 1;
  for (const Bar& bar : bars) most = std::max(most, bar.count);
  std::string drawing;
  std::vector<double> ticks;
  double full = static_cast<double>(most);
  if (log) {
    full = std::max(1.0, std::ceil(std::log10(static_cast<double>(most) + 1)));
    const double step = std::max(1.0, std::ceil(full / 5));
    for (double tick = 0; tick <= full; tick += step) ticks.push_back(tick);
  } else {
    double step = std::pow(10, std::floor(std::log10(full)));
    if (full / step < 2)
      step /= 5;
    else if (full / step < 5)
      step /= 2;
    step = std::max(step, 1.0);
    full = std::ceil(full / step) * step;
    for (double tick = 0; tick <= full; tick += step) ticks.push_back(tick);
  }
  // Of decades, one count is a tenth of the first: it must not vanish.
  const auto height_of = [&](std::uint64_t count) {
    if (count == 0) return 0.0;
    const auto value = static_cast<double>(count);
    const double part = log ? (std::log10(value) + 0.15) / (full + 0.15) : value / full;
    return std::max(part * (kBase - kTop), 2.0);
  };
  for (const double tick : ticks) {
    const double part = log ? (tick + 0.15) / (full + 0.15) : tick / full;
    const std::string label = log ? Decade(tick) : WithCommas(static_cast<std::uint64_t>(tick));
    drawing += GridLine(kBase - part * (kBase - kTop), label);
  }
  const double slot = kInner / static_cast<double>(bars.size());
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const double x = kLeft + static_cast<double>(i) * slot;
    const double height = height_of(bars[i].count);
    if (height > 0) {
      drawing += fmt::format(
          R"(<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">)"
          R"(<title>{}</title></rect>)",
          bars[i].css, x + 0.5, kBase - height, std::max(slot - 1, 1.0), height, bars[i].title);
    }
    if (!bars[i].label.empty()) {
      drawing += fmt::format(R"(<text x="{:.1f}" y="{:g}" text-anchor="middle">{}</text>)",
                             x + slot / 2, kBase + 16, bars[i].label);
    }
  }
  drawing +=
      fmt::format(R"(<path class="base" d="M{:g} {:g}H{:g}"/>)", kLeft, kBase, kWidth - kRight);
  drawing += AxisTitle(axis);
  return Figure(caption, summary, drawing);
}

std::string NormHistogram(const DiffReport& report) {
  std::array<std::uint64_t, kHeatClasses> counts{};
  std::uint64_t total = 0;
  for (const TensorDiff& tensor : report.tensors) {
    if (tensor.state != TensorState::kDifferent || !tensor.values) continue;
    ++counts[static_cast<std::size_t>(HeatClass(tensor.values->RelativeNorm()))];
    ++total;
  }
  if (total == 0) return "";
  std::vector<Bar> bars;
  std::size_t fullest = 0;
  const auto range = [](std::size_t i) {
    if (i == 0) return std::string("under 1e-5");
    if (i + 1 == kHeatClasses) return std::string("1 and more");
    return fmt::format("{} to {}", ShownNumber(std::pow(10, -5 + (static_cast<double>(i) - 1) / 2)),
                       ShownNumber(std::pow(10, -5 + static_cast<double>(i) / 2)));
  };
  for (std::size_t i = 0; i < kHeatClasses; ++i) {
    if (counts[i] > counts[fullest]) fullest = i;
    std::string label;
    if (i == 0) label = "&lt;1e-5";
    if (i == 3 || i == 5 || i == 7 || i == 9) label = fmt::format("1e-{}", 5 - (i - 1) / 2);
    if (i + 1 == kHeatClasses) label = "≥1";
    bars.push_back({counts[i], fmt::format("h{}", i), label,
                    fmt::format("{}: {}", range(i), Count(counts[i], "tensor"))});
  }
  return Bars(
      bars, false, "Tensors that differ, by relative norm", "relative norm, from",
      fmt::format("Histogram of {} by relative norm; most, {}, lie at {}.",
                  Count(total, "differing tensor"), WithCommas(counts[fullest]), range(fullest)));
}

// "2^(k-1) to 2^k - 1" steps.
std::string StepsText(std::size_t bin) {
  if (bin == 0) return "equal";
  if (bin == 1) return "1 step";
  if (bin > 20) return fmt::format("2^{} steps and more, under 2^{}", bin - 1, bin);
  return fmt::format("{} to {} steps", WithCommas(std::uint64_t{1} << (bin - 1)),
                     WithCommas((std::uint64_t{1} << bin) - 1));
}

std::string UlpPlots(const DiffReport& report) {
  std::vector<std::pair<Dtype, UlpHistogram>> units;
  for (const TensorDiff& tensor : report.tensors) {
    if (!tensor.ulps) continue;
    auto found = std::ranges::find(units, tensor.ulp_unit, &std::pair<Dtype, UlpHistogram>::first);
    if (found == units.end()) found = units.insert(units.end(), {tensor.ulp_unit, {}});
    for (std::size_t i = 0; i < found->second.bins.size(); ++i) {
      found->second.bins[i] += tensor.ulps->bins[i];
    }
  }
  std::string out;
  for (const auto& [unit, histogram] : units) {
    std::size_t used = 8;
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < histogram.bins.size(); ++i) {
      total += histogram.bins[i];
      if (histogram.bins[i] > 0) used = std::max(used, i + 1);
    }
    if (total == 0) continue;
    std::vector<Bar> bars;
    const std::size_t labels = used > 16 ? 4 : 2;
    for (std::size_t i = 0; i < used; ++i) {
      std::string label;
      if (i == 0) label = "=";
      if (i > 0 && (i - 1) % labels == 0) {
        label = i < 11 ? WithCommas(std::uint64_t{1} << (i - 1)) : fmt::format("2^{}", i - 1);
      }
      bars.push_back({histogram.bins[i], i == 0 ? "bar none" : "bar", label,
                      fmt::format("{}: {} ({})", StepsText(i), Count(histogram.bins[i], "value"),
                                  ShownShare(histogram.bins[i], total))});
    }
    const std::string_view name = DtypeName(unit);
    out += Bars(bars, true, fmt::format("Values by distance in steps of {}", name),
                fmt::format("steps of {}, from", name),
                fmt::format("Histogram of {} by distance in steps of {}; {} are equal.",
                            Count(total, "value"), name, ShownShare(histogram.bins[0], total)));
  }
  return out;
}

}  // namespace

std::string DiffHtmlPlots(const DiffReport& report) {
  std::vector<Point> norms;
  std::vector<Point> angles;
  for (const GroupDiff& group : report.groups) {
    if (group.values.FinitePairs() == 0) continue;
    norms.push_back({&group, group.values.RelativeNorm()});
    // Where nothing differs, the rest is rounding of the sums.
    angles.push_back({&group, group.values.differing == 0 ? 0 : 1 - group.values.Cosine()});
  }
  std::string out = Profile(norms, "Relative norm by layer", "Relative norm");
  out += Profile(angles, "1 - cosine by layer", "One minus the cosine");
  out += NormHistogram(report);
  out += UlpPlots(report);
  return out.empty() ? "" : fmt::format(R"(<div class="plots">{}</div>)", out);
}

}  // namespace hallmark
