#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/zoo.h"
#include "quant/plan/plan.h"
#include "quant/plan/size.h"
#include "trainer/config.h"
#include "trainer/json.h"

namespace fqt::trainer {

/// One plan of a model, worked out.
struct PlannedModel {
  std::string text;                 ///< as given: "A:C-:4-8", or the path of a file
  std::optional<quant::Plan> plan;  ///< none of a file
  quant::BitTable bits;             ///< as planned
  quant::PrecisionTable precision;  ///< as a step runs, under the recipe
  quant::PlanSize size;

  /// The planned bits of X in the forward product; none in float.
  std::optional<int> site_bits(size_t site) const;
  /// The metric it chooses by, else accumulation.
  const quant::Metric& metric() const;
};

/// A model's plans side by side: what `fqt plan` shows.
struct PlanView {
  std::string model, recipe;
  std::string schedule;  ///< of the bits over a run, in words
  Json schedule_keys;    ///< the same for programs
  int64_t batch = 0, seed = 0;
  std::vector<quant::SiteShape> sites;
  std::vector<PlannedModel> plans;

  /// Whether bits change over a run.
  bool follows_schedule() const { return schedule_keys["name"] != "constant"; }
  /// Least and greatest width that a site's products run on; 32 in float.
  std::pair<int, int> running_bits(const PlannedModel& plan, size_t site) const;
  /// A metric of a site's forward product; depth counts as `plan` has it.
  double metric(const quant::Metric& metric, const PlannedModel& plan, size_t site) const;
};

/// The plans of configurations that differ in nothing else, at least one. Nothing is computed but shapes. Errors as
/// models::build_model, quant::parse_plan and read_plan_file.
PlanView view_plans(const std::vector<Config>& configs, const models::ModelOptions& options);

/// The plan of one configuration, for sites that are known.
PlanView view_plan(const Config& config, std::vector<quant::SiteShape> sites);

/// What a plan does, in a line: "bits fall with accumulation (terms of each sum), mapping linear".
std::string meaning(const PlannedModel& plan);

}  // namespace fqt::trainer
