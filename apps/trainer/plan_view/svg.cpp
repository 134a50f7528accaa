#include "trainer/plan_view/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "trainer/plan_view/table.h"
#include "trainer/text.h"

namespace fqt::trainer {
namespace {

constexpr std::string_view kInk = "#1f2933", kGrey = "#667080", kGrid = "#e3e7ec", kBits = "#4a7fb5",
                           kMetric = "#c2570c", kSpread = "#16324f";

constexpr double kLeft = 96, kRight = 24, kLegend = 44, kTitle = 46, kMetricHeight = 84, kBetween = 18,
                 kBitsHeight = 112, kPanelGap = 26, kLetter = 6, kSizes = 360;
constexpr double kPanel = kTitle + kMetricHeight + kBetween + kBitsHeight + kPanelGap;
constexpr double kNameAngle = 60;  ///< degrees; at this slope names 14 apart stay clear of each other

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '"')
      result += "&quot;";
    else if (static_cast<unsigned char>(c) >= ' ')
      result += c;
  }
  return result;
}

class Drawing {
 public:
  void line(double x1, double y1, double x2, double y2, std::string_view color, double width = 1) {
    body_ += fmt::format(
        "<line x1=\"{:.2f}\" y1=\"{:.2f}\" x2=\"{:.2f}\" y2=\"{:.2f}\" stroke=\"{}\" stroke-width=\"{}\"/>\n", x1, y1,
        x2, y2, color, width);
  }
  /// With a tip that a viewer shows under the pointer.
  void rect(double x, double y, double width, double height, std::string_view fill, const std::string& tip = "") {
    body_ += fmt::format("<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" fill=\"{}\"", x, y, width,
                         height, fill);
    body_ += tip.empty() ? "/>\n" : fmt::format("><title>{}</title></rect>\n", escaped(tip));
  }
  void dot(double x, double y, bool full = true) {
    body_ += fmt::format("<circle cx=\"{:.2f}\" cy=\"{:.2f}\" r=\"3\" fill=\"{}\" stroke=\"{}\"/>\n", x, y,
                         full ? kMetric : "#ffffff", kMetric);
  }
  void path(const std::vector<std::pair<double, double>>& points, std::string_view color) {
    body_ += "<polyline fill=\"none\" stroke-opacity=\"0.55\" stroke-width=\"1.5\" points=\"";
    for (const auto& [x, y] : points) body_ += fmt::format("{:.2f},{:.2f} ", x, y);
    body_ += fmt::format("\" stroke=\"{}\"/>\n", color);
  }
  void text(double x, double y, std::string_view text, std::string_view anchor, double size,
            std::string_view color = kInk, double angle = 0, bool bold = false) {
    body_ += fmt::format("<text x=\"{:.2f}\" y=\"{:.2f}\" text-anchor=\"{}\" font-size=\"{:.3g}\" fill=\"{}\"", x, y,
                         anchor, size, color);
    if (angle != 0) body_ += fmt::format(" transform=\"rotate({} {:.2f} {:.2f})\"", angle, x, y);
    if (bold) body_ += " font-weight=\"600\"";
    body_ += fmt::format(">{}</text>\n", escaped(text));
  }
  std::string svg(double width, double height, const std::string& title) const {
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} "
        "{1:.0f}\" "
        "font-family=\"system-ui, 'DejaVu Sans', Helvetica, Arial, sans-serif\">\n"
        "<title>{2}</title>\n"
        "<defs><pattern id=\"float\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
        "patternTransform=\"rotate(45)\"><rect width=\"6\" height=\"6\" fill=\"#f1f3f5\"/><rect width=\"2\" "
        "height=\"6\" "
        "fill=\"#d3d8de\"/></pattern></defs>\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{3}</svg>\n",
        width, height, escaped(title), body_);
  }

 private:
  std::string body_;
};

/// A vertical axis: values to heights, and the values that get a line.
class Axis {
 public:
  Axis(double low, double high, bool logarithmic) : low_(low), high_(high), logarithmic_(logarithmic) {}

  /// From 0 in even steps, the last one at or above `most`.
  static Axis up_to(double most) {
    const double step = step_to(most);
    return {0, std::max(std::ceil(most / step), 1.0) * step, false};
  }

  /// Round values around all of `values`: powers of ten, or as up_to.
  static Axis around(const std::vector<double>& values, bool logarithmic) {
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    if (!logarithmic) return up_to(*most);
    const double low = std::floor(std::log10(*least) + 1e-9), high = std::ceil(std::log10(*most) - 1e-9);
    return {std::pow(10.0, low), std::pow(10.0, std::max(high, low + 1)), true};
  }

  /// From 0 below to 1 above.
  double share(double value) const {
    if (logarithmic_) return std::log10(value / low_) / std::log10(high_ / low_);
    return (value - low_) / (high_ - low_);
  }

  std::vector<double> ticks() const {
    std::vector<double> ticks;
    const double step = step_to(high_);
    for (double tick = low_; tick <= high_ * (1 + 1e-9); logarithmic_ ? tick *= 10 : tick += step)
      ticks.push_back(tick);
    return ticks;
  }

 private:
  static double step_to(double most) { return std::max(1.0, std::ceil(most / 8)); }

  double low_, high_;
  bool logarithmic_;
};

class Picture {
 public:
  explicit Picture(const PlanView& view) : view_(view) {
    const auto sites = static_cast<double>(view.sites.size());
    pitch_ = std::clamp(880 / sites, 14.0, 60.0);
    plot_ = std::max(pitch_ * sites, 560.0);
    for (const PlannedModel& plan : view.plans)
      for (size_t site = 0; site < view.sites.size(); ++site)
        if (plan.site_bits(site)) most_bits_ = std::max(most_bits_, view_.running_bits(plan, site).second);
  }

  std::string svg() {
    legend();
    for (const PlannedModel& plan : view_.plans) {
      panel(plan);
      top_ += kPanel;
    }
    const double names = site_names();
    return drawing_.svg(kLeft + plot_ + kRight, top_ - kPanelGap + names,
                        fmt::format("{}: bits by layer", view_.model));
  }

 private:
  double centre(size_t site) const { return kLeft + (static_cast<double>(site) + 0.5) * pitch_; }
  double bar_width() const { return pitch_ * 0.72; }

  bool any_spread() const {
    for (const PlannedModel& plan : view_.plans)
      for (size_t site = 0; site < view_.sites.size(); ++site)
        if (spread(plan, site)) return true;
    return false;
  }

  bool spread(const PlannedModel& plan, size_t site) const {
    const auto [least, most] = view_.running_bits(plan, site);
    return plan.site_bits(site) && least != most;
  }

  void legend() {
    drawing_.text(16, 26, fmt::format("{}: bits by layer", view_.model), "start", 16, kInk, 0, true);
    double x = kLeft + plot_;  // entries stand to the right, the last one first
    const auto entry = [&](std::string_view label, auto symbol) {
      x -= static_cast<double>(label.size()) * kLetter + 6;
      drawing_.text(x, 25, label, "start", 11, kGrey);
      x -= 18;
      symbol(x, 15.0);
      x -= 14;
    };
    entry("float32", [&](double at, double y) { drawing_.rect(at, y, 12, 12, "url(#float)"); });
    if (any_spread()) entry("least to most of all operands", [&](double at, double y) { whisker(at + 6, y, y + 12); });
    entry("bits", [&](double at, double y) { drawing_.rect(at, y, 12, 12, kBits); });
    entry("metric", [&](double at, double y) { drawing_.dot(at + 6, y + 6); });
    top_ = kLegend;
  }

  void whisker(double x, double upper, double lower) {
    drawing_.line(x, upper, x, lower, kSpread, 1.5);
    drawing_.line(x - 3, upper, x + 3, upper, kSpread, 1.5);
    drawing_.line(x - 3, lower, x + 3, lower, kSpread, 1.5);
  }

  /// Lines at the axis's ticks, with their values, and its title.
  void axis(const Axis& axis, double top, double height, const std::string& title) {
    for (const double tick : axis.ticks()) {
      const double y = top + height * (1 - axis.share(tick));
      drawing_.line(kLeft, y, kLeft + plot_, y, kGrid);
      drawing_.text(kLeft - 8, y + 3.5,
                    tick < 1 && tick > 0 ? fmt::format("{:.3g}", tick) : grouped(std::llround(tick)), "end", 10, kGrey);
    }
    drawing_.text(kLeft - 58, top + height / 2, title, "middle", 10, kGrey, -90);
  }

  void panel(const PlannedModel& plan) {
    const auto room = static_cast<size_t>((plot_ - kSizes) / 8);
    drawing_.text(kLeft, top_ + 14, shorten(plan.text, room), "start", 13, kInk, 0, true);
    const std::string schedule = view_.follows_schedule() ? fmt::format("; schedule {}", view_.schedule) : "";
    drawing_.text(kLeft, top_ + 31, meaning(plan) + schedule, "start", 11, kGrey);
    drawing_.text(
        kLeft + plot_, top_ + 14,
        fmt::format("weights {} MB, activations {} MB, gradients {} MB", rounded(quant::megabytes(plan.size.weights)),
                    rounded(quant::megabytes(plan.size.activations)), rounded(quant::megabytes(plan.size.gradients))),
        "end", 11, kGrey);
    metric(plan, top_ + kTitle);
    bits(plan, top_ + kTitle + kMetricHeight + kBetween);
  }

  void metric(const PlannedModel& plan, double top) {
    const quant::Metric& metric = plan.metric();
    std::vector<double> values;
    for (size_t site = 0; site < view_.sites.size(); ++site) values.push_back(view_.metric(metric, plan, site));
    const bool logarithmic = metric.name != "D";
    const Axis scale = Axis::around(values, logarithmic);
    axis(scale, top, kMetricHeight, fmt::format("{}{}", metric.name, logarithmic ? ", log" : ""));
    std::vector<std::pair<double, double>> points;
    for (size_t site = 0; site < values.size(); ++site)
      points.emplace_back(centre(site), top + kMetricHeight * (1 - scale.share(values[site])));
    drawing_.path(points, kMetric);
    for (size_t site = 0; site < points.size(); ++site)
      drawing_.dot(points[site].first, points[site].second, plan.site_bits(site).has_value());
  }

  void bits(const PlannedModel& plan, double top) {
    const Axis scale = Axis::up_to(most_bits_);
    axis(scale, top, kBitsHeight, "bits");
    const double base = top + kBitsHeight;
    const auto height = [&](int bits) { return kBitsHeight * scale.share(bits); };
    for (size_t site = 0; site < view_.sites.size(); ++site) {
      const std::optional<int> planned = plan.site_bits(site);
      const double x = centre(site), bar = bar_width(), tall = planned ? height(*planned) : kBitsHeight;
      const std::string tip = fmt::format("{}: {}", view_.sites[site].name,
                                          planned ? fmt::format("{} bits", *planned) : std::string("float32"));
      drawing_.rect(x - bar / 2, base - tall, bar, tall, planned ? kBits : "url(#float)", tip);
      if (planned) {
        const std::string number = fmt::format("{}", *planned);
        const double fitting = bar / (0.66 * static_cast<double>(number.size()));
        drawing_.text(x, base - 6, number, "middle", std::min(10.0, fitting), "#ffffff");
      }
      if (spread(plan, site))
        whisker(x, base - height(view_.running_bits(plan, site).second),
                base - height(view_.running_bits(plan, site).first));
    }
    drawing_.line(kLeft, base, kLeft + plot_, base, kGrey);
  }

  /// Below the last panel; the height they take.
  double site_names() {
    const double top = top_ - kPanelGap + 10;
    size_t longest = 0;
    for (size_t site = 0; site < view_.sites.size(); ++site) {
      const std::string& name = view_.sites[site].name;
      drawing_.text(centre(site) + 4, top, name, "end", 10, kInk, -kNameAngle);
      longest = std::max(longest, name.size());
    }
    return 24 + static_cast<double>(longest) * kLetter * 0.87;  // the sine of the angle
  }

  const PlanView& view_;
  Drawing drawing_;
  double pitch_, plot_, top_ = 0;
  int most_bits_ = 8;
};

}  // namespace

std::string plan_svg(const PlanView& view) { return Picture(view).svg(); }

}  // namespace fqt::trainer
