#include "trainer/plan_view/plan_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/trace.h"
#include "trainer/bit_schedule.h"
#include "trainer/experiment.h"
#include "trainer/plan_file.h"
#include "trainer/recipes.h"

namespace fqt::trainer {
namespace {

PlannedModel planned(const Config& config, std::span<const quant::SiteShape> sites) {
  PlannedModel plan;
  plan.text = config.plan;
  if (!is_plan_file(config.plan)) plan.plan = quant::parse_plan(config.plan);
  plan.bits = plan_bits(config, sites);
  plan.precision = quant::make_precision_table(plan.bits, config.quant);
  plan.size = quant::plan_size(sites, plan.precision, config.train.batch);
  return plan;
}

}  // namespace

std::optional<int> PlannedModel::site_bits(size_t site) const {
  if (bits[site].is_float) return std::nullopt;
  return bits[site].products[quant::ProductKind::forward].lhs;
}

const quant::Metric& PlannedModel::metric() const {
  return plan && plan->metric ? *plan->metric : quant::metrics().front();
}

std::pair<int, int> PlanView::running_bits(const PlannedModel& plan, size_t site) const {
  const quant::Precision& row = plan.precision.at(sites[site].name);
  int least = row.products[quant::ProductKind::forward].lhs.bits, most = least;
  for (const quant::ProductKind kind : quant::kProducts) {
    if (!sites[site].computes(kind)) continue;
    const quant::ProductPrecision& product = row.products[kind];
    least = std::min({least, product.lhs.bits, product.rhs.bits});
    most = std::max({most, product.lhs.bits, product.rhs.bits});
  }
  return {least, most};
}

double PlanView::metric(const quant::Metric& metric, const PlannedModel& plan, size_t site) const {
  return metric.value({sites[site], quant::ProductKind::forward, batch, plan.plan && plan.plan->depth_layer});
}

PlanView view_plans(const std::vector<Config>& configs, const models::ModelOptions& options) {
  const Config& first = configs.front();
  PlanView view = view_plan(first, models::trace_sites(*models::build_model(first.model, options), options,
                                                       models::find_model_kind(first.model).input));
  for (size_t i = 1; i < configs.size(); ++i) view.plans.push_back(planned(configs[i], view.sites));
  return view;
}

PlanView view_plan(const Config& config, std::vector<quant::SiteShape> sites) {
  PlannedModel plan = planned(config, sites);
  return {config.model, describe_recipe(config), describe_schedule(config), schedule_json(config), config.train.batch,
          config.seed,  std::move(sites),        {std::move(plan)}};
}

std::string meaning(const PlannedModel& planned) {
  if (!planned.plan) return "bits from the rules of a file";
  const quant::Plan& plan = *planned.plan;
  std::string text(plan.strategy->description);
  if (plan.metric) text += fmt::format(" {} ({})", plan.metric->title, quant::describe(*plan.metric, plan.depth_layer));
  if (plan.mapping != &quant::mappings().front()) text += fmt::format(", mapping {}", plan.mapping->name);
  if (plan.per_product) text += ", each product apart";
  for (const auto& [operand, offset] :
       {std::pair("X", plan.lhs_offset), {"W", plan.rhs_offset}, {"dY", plan.grad_offset}})
    if (offset != 0) text += fmt::format(", {} {:+}", operand, offset);
  return text;
}

}  // namespace fqt::trainer
