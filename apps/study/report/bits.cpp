#include <fmt/format.h>

#include <algorithm>

#include "study/report/charts.h"

namespace fqt::study {

using trainer::Json;

std::vector<Chart> bit_charts(const Setup& setup) {
  const std::vector<SiteOutcome>& sites = setup.any().sites;
  Json plans = Json::array(), layers = Json::array(), bits = Json::array();
  for (const PlanRuns& plan : setup.plans) {
    const Outcome& run = *plan.runs.front();
    const bool drawn = plan.parsed && plan.parsed->strategy->takes_range && !plan.parsed->metric;
    plans.push_back(drawn ? fmt::format("{} (seed {})", plan.plan, run.seed) : plan.plan);
  }
  for (const SiteOutcome& site : sites) layers.push_back(site.site);
  std::string words;
  for (const PlanRuns& plan : setup.plans) {
    int least = 99, most = 0;
    for (const SiteOutcome& site : plan.runs.front()->sites) {
      bits.push_back(site.bits ? Json(*site.bits) : Json());
      least = std::min(least, site.bits.value_or(least));
      most = std::max(most, site.bits.value_or(most));
    }
    words += words.empty() ? "" : "; ";
    words += plan.plan + (most == 0       ? " in float32"
                          : least == most ? fmt::format(" {}", most)
                                          : fmt::format(" from {} to {}", least, most));
  }
  if (bits.empty() || bits.size() != plans.size() * layers.size()) return {};
  Chart chart;
  chart.id = chart_id(setup, "bits");
  chart.title = "Bits of each layer";
  chart.summary = fmt::format("{} layers, {} plans: {}.", layers.size(), plans.size(), words);
  chart.note = "Planned bits of a layer's input in the forward product; layers in the order they are first called.";
  chart.spec = "bits";
  chart.csv = "cells";
  chart.data = {{"cells", grid_data({{"plan", plans}, {"layer", layers}}, "bits", bits)}};
  return {chart};
}

}  // namespace fqt::study
