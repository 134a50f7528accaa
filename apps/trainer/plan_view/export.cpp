#include "trainer/plan_view/export.h"

#include <fmt/format.h>

#include <cmath>

#include "trainer/text.h"

namespace fqt::trainer {
namespace {

using quant::kProductNames;
using quant::kProducts;
using quant::ProductKind;

/// 27 rather than 27.0.
Json number(double value) {
  if (value == std::floor(value) && std::abs(value) < 0x1p53) return static_cast<int64_t>(value);
  return value;
}

Json site_summary(const PlanView& view, const PlannedModel& plan, size_t index) {
  const quant::SiteShape& site = view.sites[index];
  const std::optional<int> bits = plan.site_bits(index);
  Json json{{"site", site.name}, {"kind", site.kind}, {"bits", bits ? Json(*bits) : Json()}};
  for (const quant::Metric& metric : quant::metrics())
    json[std::string(metric.name)] = number(view.metric(metric, plan, index));
  return json;
}

Json site_json(const PlanView& view, const PlannedModel& plan, size_t index) {
  const quant::SiteShape& site = view.sites[index];
  Json json = site_summary(view, plan, index);
  json["groups"] = site.geometry.groups;
  json["calls"] = site.calls;
  const quant::Precision& precision = plan.precision.at(site.name);
  for (const ProductKind kind : kProducts) {
    const quant::ProductShape shape = site.product(kind, view.batch);
    json["products"][std::string(kProductNames[static_cast<size_t>(kind)])] = {
        {"M", shape.m},
        {"N", shape.n},
        {"K", shape.terms},
        {"macs", site.computes(kind) ? shape.multiplies : 0},
        {"lhs_bits", precision.products[kind].lhs.bits},
        {"rhs_bits", precision.products[kind].rhs.bits},
        {"A", shape.terms},
        {"lhs_uses", number(shape.lhs_uses)},
        {"rhs_uses", number(shape.rhs_uses)},
        {"computed", site.computes(kind)}};
  }
  return json;
}

Json size_json(const quant::PlanSize& size) {
  const auto mean = [](double bits) { return bits > 0 ? Json(bits) : Json(); };
  return {{"weights_mb", quant::megabytes(size.weights)},
          {"activations_mb", quant::megabytes(size.activations)},
          {"gradients_mb", quant::megabytes(size.gradients)},
          {"weights_mbit", quant::megabits(size.weights)},
          {"activations_mbit", quant::megabits(size.activations)},
          {"gradients_mbit", quant::megabits(size.gradients)},
          {"macs", number(size.multiplies)},
          {"bitops", number(size.bit_operations)},
          {"mean_bits", mean(size.mean_bits)},
          {"weighted_bits", mean(size.weighted_bits)}};
}

void add_plan(Json& json, const PlanView& view, const PlannedModel& plan) {
  json["plan"] = plan.text;
  json["strategy"] = plan.plan ? Json(plan.plan->strategy->name) : Json("file");
  json["metric"] = plan.plan && plan.plan->metric ? Json(plan.plan->metric->name) : Json();
  json["sites"] = Json::array();
  for (size_t site = 0; site < view.sites.size(); ++site) json["sites"].push_back(site_json(view, plan, site));
  json["size"] = size_json(plan.size);
}

}  // namespace

Json plan_json(const PlanView& view) {
  Json json{{"model", view.model},
            {"recipe", view.recipe},
            {"batch", view.batch},
            {"seed", view.seed},
            {"schedule", view.schedule_keys}};
  if (view.plans.size() == 1) {
    add_plan(json, view, view.plans.front());
    return json;
  }
  json["plans"] = Json::array();
  for (const PlannedModel& plan : view.plans) add_plan(json["plans"].emplace_back(), view, plan);
  return json;
}

Json plan_summary(const Experiment& experiment) {
  const PlanView view = view_plan(experiment.config, experiment.sites);
  const PlannedModel& plan = view.plans.front();
  Json json{{"sites", Json::array()}, {"size", size_json(plan.size)}};
  for (size_t site = 0; site < view.sites.size(); ++site) json["sites"].push_back(site_summary(view, plan, site));
  return json;
}

std::string plan_csv(const PlanView& view) {
  std::string csv = "model,plan,site,kind,bits";
  for (const quant::Metric& metric : quant::metrics()) csv += fmt::format(",{}", metric.name);
  for (const std::string_view product : kProductNames)
    for (const char* column : {"M", "N", "K", "lhs_bits", "rhs_bits"}) csv += fmt::format(",{}_{}", product, column);
  for (const std::string_view product : kProductNames)
    for (const char* column : {"A", "lhs_uses", "rhs_uses", "computed"}) csv += fmt::format(",{}_{}", product, column);
  csv += "\n";
  for (const PlannedModel& plan : view.plans)
    for (size_t i = 0; i < view.sites.size(); ++i) {
      const quant::SiteShape& site = view.sites[i];
      const std::optional<int> bits = plan.site_bits(i);
      csv += fmt::format("{},{},{},{},{}", csv_field(view.model), csv_field(plan.text), csv_field(site.name),
                         csv_field(site.kind), bits ? fmt::format("{}", *bits) : "");
      for (const quant::Metric& metric : quant::metrics()) csv += fmt::format(",{}", view.metric(metric, plan, i));
      const quant::Precision& precision = plan.precision.at(site.name);
      for (const ProductKind kind : kProducts) {
        const quant::ProductShape shape = site.product(kind, view.batch);
        csv += fmt::format(",{},{},{},{},{}", shape.m, shape.n, shape.terms, precision.products[kind].lhs.bits,
                           precision.products[kind].rhs.bits);
      }
      for (const ProductKind kind : kProducts) {
        const quant::ProductShape shape = site.product(kind, view.batch);
        csv += fmt::format(",{},{},{},{}", shape.terms, shape.lhs_uses, shape.rhs_uses, site.computes(kind) ? 1 : 0);
      }
      csv += "\n";
    }
  return csv;
}

}  // namespace fqt::trainer
