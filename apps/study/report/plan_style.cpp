#include "study/report/plan_style.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "quant/plan/metric.h"

namespace fqt::study {
namespace {

using trainer::Json;

const Mark kMarks[] = {{{}, "circle"},
                       {{}, "triangle-up"},
                       {{6, 4}, "triangle-down"},
                       {{2, 3}, "diamond"},
                       {{10, 3, 2, 3}, "square"},
                       {{4, 2}, "cross"},
                       {{12, 4}, "triangle-right"},
                       {{8, 2, 2, 2, 2, 2}, "triangle-left"}};

constexpr std::string_view kColors[] = {"a", "f", "d", "p", "i", "u", "r", "float", "file"};

struct Kind {
  std::string_view strategy, color;
  size_t mark;
};
/// Where there is a metric, its colour goes over this one.
constexpr Kind kKinds[] = {{"fp32", "float", 4}, {"U", "u", 0}, {"C+", "a", 1}, {"C-", "a", 2}, {"R", "r", 3}};
constexpr Kind kFile{"", "file", 5};

std::string_view color_of(const quant::Metric& metric, std::string_view otherwise) {
  const std::string name(1, static_cast<char>(std::tolower(static_cast<unsigned char>(metric.name.front()))));
  const auto* color = std::ranges::find(kColors, std::string_view(name));
  return color == std::end(kColors) ? otherwise : *color;
}

PlanStyle wanted(const PlanRuns& plan) {
  if (!plan.parsed) return {kFile.color, &kMarks[kFile.mark]};
  const auto* kind = std::ranges::find(kKinds, plan.parsed->strategy->name, &Kind::strategy);
  const Kind& found = kind == std::end(kKinds) ? kFile : *kind;
  return {plan.parsed->metric ? color_of(*plan.parsed->metric, found.color) : found.color, &kMarks[found.mark]};
}

}  // namespace

std::vector<PlanStyle> plan_styles(std::span<const PlanRuns> plans) {
  std::vector<PlanStyle> styles;
  std::vector<size_t> without;
  for (size_t i = 0; i < plans.size(); ++i) {
    styles.push_back(wanted(plans[i]));
    if (std::ranges::find(styles.begin(), styles.end() - 1, styles.back()) == styles.end() - 1) continue;
    styles.back() = {"", nullptr};
    without.push_back(i);
  }
  for (const size_t i : without) {
    const auto colored = [&](std::string_view color) { return std::ranges::count(styles, color, &PlanStyle::color); };
    const auto marked = [&](const Mark& mark) { return std::ranges::count(styles, &mark, &PlanStyle::mark); };
    styles[i] = {*std::ranges::min_element(kColors, {}, colored), &*std::ranges::min_element(kMarks, {}, marked)};
  }
  return styles;
}

Json series_data(std::span<const PlanRuns> plans) {
  Json series{{"plan", Json::array()}, {"color", Json::array()}, {"dash", Json::array()}, {"shape", Json::array()}};
  const std::vector<PlanStyle> styles = plan_styles(plans);
  for (size_t i = 0; i < plans.size(); ++i) {
    series["plan"].push_back(plans[i].plan);
    series["color"].push_back(styles[i].color);
    series["dash"].push_back(styles[i].mark->dash);
    series["shape"].push_back(styles[i].mark->shape);
  }
  return series;
}

}  // namespace fqt::study
