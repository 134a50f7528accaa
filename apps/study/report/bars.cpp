#include <fmt/format.h>

#include <algorithm>

#include "study/report/charts.h"
#include "study/report/html.h"
#include "study/report/plan_style.h"

namespace fqt::study {
namespace {

using trainer::Json;

/// The end of a run against what it costs.
double weights_mb(const Outcome& run) { return run.size.weights_mb; }
double giga_bitops(const Outcome& run) { return run.size.bitops / 1e9; }

/// "A:C-:4-8: 71.20 % (sd 0.31, 5 seeds)"
std::string label_of(const Setup& setup, const PlanRuns& plan) {
  const std::vector<double> figures = plan.figures();
  const std::string spread =
      figures.size() > 1 ? fmt::format("sd {:.2f}, {} seeds", sample_deviation(figures), figures.size()) : "1 seed";
  return fmt::format("{}: {} ({})", plan.plan, with_unit(setup.measure, mean(figures)), spread);
}

/// The data set `rows`: a row for each plan of which a run finished. `size` may be null.
Json rows_of(const Setup& setup, double (*size)(const Outcome&)) {
  Json plan = Json::array(), sizes = plan, middle = plan, sd = plan, seeds = plan, label = plan;
  for (const PlanRuns& runs : setup.plans) {
    const std::vector<double> figures = runs.figures();
    if (figures.empty()) continue;
    plan.push_back(runs.plan);
    middle.push_back(rounded(mean(figures)));
    sd.push_back(figures.size() < 2 ? Json() : rounded(sample_deviation(figures)));
    seeds.push_back(figures.size());
    label.push_back(label_of(setup, runs));
    if (!size) continue;
    std::vector<double> of_seeds;  // those of R differ
    for (const Outcome* run : runs.finished()) of_seeds.push_back(size(*run));
    sizes.push_back(rounded(mean(of_seeds)));
  }
  Json rows{{"plan", plan}};
  if (size) rows["size"] = sizes;
  rows.update({{"mean", middle}, {"sd", sd}, {"seeds", seeds}, {"label", label}});
  return rows;
}

Json seeds_of(const Setup& setup) {
  TextColumn plan;
  Json seed = Json::array(), value = seed;
  for (const PlanRuns& runs : setup.plans)
    for (const Outcome* run : runs.finished()) {
      plan.add(runs.plan);
      seed.push_back(run->seed);
      value.push_back(rounded(run->final->value));
    }
  return {{"plan", plan.json()}, {"seed", seed}, {"value", value}};
}

/// "U:6: 71.20 % (sd 0.31, 5 seeds); A:C+:4-8: ..."
std::string words_of(const Json& rows) {
  std::string words;
  for (const Json& label : rows["label"]) words += (words.empty() ? "" : "; ") + label.get<std::string>();
  return words + ".";
}

bool any_finished(const Setup& setup) {
  return std::ranges::any_of(setup.plans, [](const PlanRuns& plan) { return !plan.finished().empty(); });
}

std::string capitalized(std::string_view text) {
  std::string result(text);
  if (!result.empty() && result[0] >= 'a' && result[0] <= 'z') result[0] = static_cast<char>(result[0] - 'a' + 'A');
  return result;
}

}  // namespace

std::vector<Chart> bar_charts(const Setup& setup) {
  if (!any_finished(setup)) return {};
  std::vector<Chart> charts;
  const Json rows = rows_of(setup, nullptr), seeds = seeds_of(setup);
  const std::string name = capitalized(setup.measure.name);
  const auto chart = [&](const char* what, std::string title, const char* csv, bool zero, std::string note) {
    Chart& added = charts.emplace_back();
    added.id = chart_id(setup, what);
    added.title = std::move(title);
    added.summary = words_of(rows);
    added.note = std::move(note);
    added.spec = "bars";
    added.csv = csv;
    added.data = {{"series", series_data(setup.plans)}, {"rows", rows}, {"seeds", seeds}};
    added.signals = {{"x_title", setup.measure.title}, {"zero", zero}};
  };
  chart("bars", name + " of each plan", "rows", true,
        "Bars are means over seeds, lines reach one standard deviation to either side.");
  chart("seeds", name + " close up", "seeds", false,
        "Marks are means, lines one standard deviation, dots single seeds. The axis does not begin at zero.");
  charts.back().summary = "The same figures on an axis of their range, and every seed.";
  return charts;
}

std::vector<Chart> size_charts(const Setup& setup) {
  if (!any_finished(setup)) return {};
  std::vector<Chart> charts;
  const auto chart = [&](const char* what, const std::string& size, double (*size_of)(const Outcome&)) {
    const Json rows = rows_of(setup, size_of);
    Chart& added = charts.emplace_back();
    added.id = chart_id(setup, what);
    added.title = capitalized(setup.measure.name) + " against " + size.substr(0, size.find(','));
    std::string words;
    for (size_t i = 0; i < rows["plan"].size(); ++i)
      words += fmt::format("{}{}: {:.4g}, {}", i == 0 ? "" : "; ", rows["plan"][i].get<std::string>(),
                           rows["size"][i].get<double>(), with_unit(setup.measure, rows["mean"][i].get<double>()));
    added.summary = words + ".";
    added.note = "At the planned bits; lines are one standard deviation over seeds.";
    added.spec = "sizes";
    added.csv = "rows";
    added.data = {{"series", series_data(setup.plans)}, {"rows", rows}};
    added.signals = {{"x_title", size}, {"y_title", setup.measure.title}};
  };
  chart("weights", "size of the weights, MB", weights_mb);
  chart("bitops", "BitOPs of a step, 10^9", giga_bitops);
  return charts;
}

std::string chart_id(const Setup& setup, const std::string& what) { return slug(setup.title()) + "-" + what; }

}  // namespace fqt::study
