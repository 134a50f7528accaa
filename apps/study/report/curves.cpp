#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "study/report/charts.h"
#include "study/report/html.h"
#include "study/report/plan_style.h"

namespace fqt::study {
namespace {

using trainer::Json;

constexpr int64_t kMostPoints = 100;  ///< of a line
constexpr int64_t kWindows = 20;      ///< a point is the mean over a 20th of the run

struct Point {
  int64_t step;
  double value;
};
using Line = std::vector<Point>;  ///< of one run

/// Values of several runs, or of several steps.
struct Band {
  double sum = 0, low = std::numeric_limits<double>::infinity(), high = -low;
  int64_t count = 0;

  void add(double value) {
    sum += value;
    low = std::min(low, value);
    high = std::max(high, value);
    ++count;
  }
  double mean() const { return sum / static_cast<double>(count); }
};

bool is_drawn(const Outcome& run) { return run.status != Status::diverged && run.status != Status::failed; }

int64_t smoothing_window(int64_t steps) { return std::max<int64_t>(1, (steps + kWindows - 1) / kWindows); }

/// The losses at 100 steps or fewer and at the end, each the mean of those of the window that ends there. The steps are
/// the same for each run of a setup, however far it is.
Line smoothed_losses(const Outcome& run) {
  const int64_t stride = std::max<int64_t>(1, (run.steps + kMostPoints - 1) / kMostPoints);
  const int64_t window = smoothing_window(run.steps);
  Line line;
  for (const LossPoint& at : run.losses) {
    if (at.step % stride != 0 && at.step != run.steps) continue;
    Band smoothed;
    for (const LossPoint* point = &at; point->step > at.step - window; --point) {
      if (std::isfinite(point->loss)) smoothed.add(point->loss);
      if (point == run.losses.data()) break;
    }
    if (smoothed.count > 0) line.push_back({at.step, smoothed.mean()});
  }
  return line;
}

/// Evaluations of one split: of images the test set, of text the validation text while there is any.
Line evaluations(const Outcome& run) {
  const bool valid = std::ranges::any_of(run.evaluations, &EvaluationPoint::valid);
  Line line;
  for (const EvaluationPoint& point : run.evaluations)
    if (const auto value = point.accuracy ? point.accuracy : point.perplexity; value && point.valid == valid)
      line.push_back({point.step, *value});
  return line;
}

/// The lines of each plan, joined over its seeds.
struct Curves {
  std::vector<std::map<int64_t, Band>> plans;

  Curves(const Setup& setup, Line (*line_of)(const Outcome&)) : plans(setup.plans.size()) {
    for (size_t i = 0; i < plans.size(); ++i)
      for (const Outcome* run : setup.plans[i].runs)
        if (is_drawn(*run))
          for (const Point& point : line_of(*run)) plans[i][point.step].add(point.value);
  }

  size_t steps() const {
    std::set<int64_t> steps;
    for (const auto& bands : plans)
      for (const auto& [step, band] : bands) steps.insert(step);
    return steps.size();
  }

  Json data(const Setup& setup) const {
    TextColumn plan;
    Json step = Json::array(), mean = step, low = step, high = step, runs = step;
    for (size_t i = 0; i < plans.size(); ++i)
      for (const auto& [at, band] : plans[i]) {
        plan.add(setup.plans[i].plan);
        step.push_back(at);
        mean.push_back(rounded(band.mean()));
        low.push_back(rounded(band.low));
        high.push_back(rounded(band.high));
        runs.push_back(band.count);
      }
    return {{"plan", plan.json()}, {"step", step}, {"mean", mean}, {"low", low}, {"high", high}, {"seeds", runs}};
  }

  /// "At the end: 0.41 (U:6), 0.52 (A:C+:4-8)."
  std::string ends(const Setup& setup, int decimals) const {
    std::string text;
    for (size_t i = 0; i < plans.size(); ++i)
      if (!plans[i].empty())
        text += fmt::format("{}{:.{}f} ({})", text.empty() ? "At the last step: " : ", ",
                            plans[i].rbegin()->second.mean(), decimals, setup.plans[i].plan);
    return text + ".";
  }
};

}  // namespace

std::vector<Chart> curve_charts(const Setup& setup) {
  std::vector<Chart> charts;
  const auto chart = [&](const Curves& curves, const char* what, std::string title, std::string y, int decimals) {
    Chart& added = charts.emplace_back();
    added.id = chart_id(setup, what);
    added.title = std::move(title);
    added.summary = curves.ends(setup, decimals);
    added.spec = "curves";
    added.csv = "points";
    added.data = {{"series", series_data(setup.plans)}, {"points", curves.data(setup)}};
    added.signals = {{"y_title", std::move(y)}};
    added.note = "Lines are means over seeds, bands reach from the lowest seed to the highest.";
  };
  if (const Curves losses(setup, smoothed_losses); losses.steps() > 0) {
    chart(losses, "loss", "Training loss", "training loss, nats", 4);
    const int64_t window = smoothing_window(setup.any().steps);
    if (window > 1) charts.back().note += fmt::format(" Each point is the mean loss of the {} steps up to it.", window);
  }
  if (const Curves tests(setup, evaluations); tests.steps() > 1) {
    const bool text = !setup.measure.higher_is_better;
    const std::string name = text ? "validation perplexity" : "test accuracy";
    chart(tests, "evaluations", text ? "Validation perplexity on the way" : "Test accuracy on the way",
          text ? name : name + ", %", 2);
    charts.back().signals["marks"] = 1;
  }
  return charts;
}

}  // namespace fqt::study
