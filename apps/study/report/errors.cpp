#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "study/report/charts.h"
#include "study/report/probes.h"

namespace fqt::study {
namespace {

using trainer::Json;

constexpr size_t kMostSteps = 30;  ///< that are shown

/// The mean over the runs that have it.
std::optional<double> mean_of(const std::vector<Probes>& runs, const Probes::key_type& key) {
  std::vector<double> values;
  for (const Probes& run : runs)
    if (const auto found = run.find(key); found != run.end()) values.push_back(found->second);
  return values.empty() ? std::nullopt : std::optional(mean(values));
}

/// At most kMostSteps of them, evenly, the first and the last included.
std::vector<int64_t> thinned(const std::set<int64_t>& steps) {
  const std::vector<int64_t> all(steps.begin(), steps.end());
  if (all.size() <= kMostSteps) return all;
  std::vector<int64_t> kept;
  for (size_t i = 0; i < kMostSteps; ++i) kept.push_back(all[i * (all.size() - 1) / (kMostSteps - 1)]);
  return kept;
}

struct Worst {
  double sqnr = 0;
  std::string words;
};

}  // namespace

std::vector<Chart> error_charts(const Setup& setup) {
  std::vector<std::string> plans;
  std::vector<std::vector<Probes>> probes;
  std::set<int64_t> steps;
  for (const PlanRuns& plan : setup.plans) {
    std::vector<Probes> runs;
    for (const Outcome* run : plan.runs)
      if (Probes read = read_probes(run->directory); !read.empty()) runs.push_back(std::move(read));
    for (const Probes& run : runs)
      for (const auto& [key, sqnr] : run) steps.insert(std::get<0>(key));
    if (runs.empty()) continue;
    plans.push_back(plan.plan);
    probes.push_back(std::move(runs));
  }
  if (plans.empty()) return {};
  std::vector<std::string> layers;
  for (const SiteOutcome& site : setup.any().sites)
    if (std::ranges::any_of(setup.plans, [&](const PlanRuns& plan) {
          const auto& sites = plan.runs.front()->sites;
          const auto found = std::ranges::find(sites, site.site, &SiteOutcome::site);
          return found != sites.end() && found->bits;
        }))
      layers.push_back(site.site);

  const std::vector<int64_t> shown = thinned(steps);
  Json values = Json::array();
  std::optional<Worst> worst;
  for (size_t plan = 0; plan < plans.size(); ++plan)
    for (size_t operand = 0; operand < std::size(kOperands); ++operand)
      for (const std::string& layer : layers)
        for (const int64_t step : shown) {
          const std::optional<double> sqnr = mean_of(probes[plan], {step, layer, operand});
          values.push_back(sqnr ? rounded(*sqnr) : Json());
          if (sqnr && (!worst || *sqnr < worst->sqnr))
            worst = Worst{*sqnr, fmt::format("{} of {} under {} in step {}, {:.1f} dB", kOperands[operand], layer,
                                             plans[plan], step, *sqnr)};
        }
  if (!worst) return {};
  Chart chart;
  chart.id = chart_id(setup, "errors");
  chart.title = "Quantization error of each layer";
  chart.summary = fmt::format("Held worst: {}.", worst->words);
  chart.note = fmt::format(
      "Power of the operand over that of its rounding error, the mean over seeds, in {} of {} steps that were "
      "measured. "
      "6 dB are about a bit.",
      shown.size() == steps.size() ? "all" : fmt::format("{}", shown.size()), steps.size());
  chart.spec = "errors";
  chart.csv = "cells";
  chart.data = {{"cells", grid_data({{"plan", plans}, {"operand", kOperands}, {"layer", layers}, {"step", shown}},
                                    "sqnr", values)}};
  chart.choices = {{"Plan", "plan", plans}, {"Operand", "operand", {std::begin(kOperands), std::end(kOperands)}}};
  return {chart};
}

}  // namespace fqt::study
