#pragma once

#include <string>

#include "trainer/experiment.h"
#include "trainer/json.h"
#include "trainer/plan_view/plan_view.h"

namespace fqt::trainer {

/// Of one plan: model, recipe, batch, seed, schedule, plan, strategy, metric, sites and size. Of several: the first
/// five, and the others for each of "plans". `bits` of a site is null in float; the widths of its operands, as they run
/// under the recipe, are then 32.
Json plan_json(const PlanView& view);

/// Of an experiment's plan in short: "sites", each with its name, kind, bits and metrics, and "size".
Json plan_summary(const Experiment& experiment);

/// A header, and a row for each site and plan; `bits` of a site in float is empty.
std::string plan_csv(const PlanView& view);

}  // namespace fqt::trainer
