#include <cmath>

#include "trainer/bit_schedule.h"
#include "trainer/exact.h"
#include "trainer/explain/explain.h"
#include "trainer/recipes.h"

namespace fqt::trainer {
namespace {

Json operand_json(std::string_view name, const OperandWalk& walk) {
  const quant::OperandStatistics& statistics = *walk.statistics;
  Json json{{"name", name}, {"shape", walk.shape}, {"low", exact(statistics.low)}, {"high", exact(statistics.high)}};
  if (walk.precision().is_float()) {
    json["format"] = "fp32";
    return json;
  }
  json["format"] = walk.precision().format->name;
  json["bits"] = walk.precision().bits;
  json["rounding"] = quant::rounding_name(walk.precision().rounding);
  json["range"] = walk.precision().range->name;
  json["per_channel"] = statistics.grids.size() > 1;
  Json scale = Json::array(), zero_point = Json::array(), samples = Json::array();
  for (const quant::Grid& grid : statistics.grids) {
    scale.push_back(exact(grid.scale));
    zero_point.push_back(grid.zero_point());
  }
  json["scale"] = scale;
  json["zero_point"] = zero_point;
  json["clip_rate"] = statistics.clip_rate;
  json["levels_used"] = statistics.levels_used;
  json["sqnr_db"] = std::isfinite(statistics.sqnr_db) ? Json(statistics.sqnr_db) : Json();
  json["reused"] = walk.reused;
  for (const OperandSample& sample : walk.samples)
    samples.push_back({{"value", exact(sample.value)},
                       {"channel", sample.channel},
                       {"code", sample.code},
                       {"decoded", sample.decoded}});
  json["samples"] = samples;
  return json;
}

Json element_json(const ElementWalk& element, bool is_float) {
  Json json{{"which", element.which}, {"index", element.index}, {"float64", element.exact}};
  if (is_float) {
    json["float32"] = exact(element.computed);
    json["errors"] = {{"float32", element.computed - element.exact}};
    return json;
  }
  json["decoded"] = element.decoded;
  json["integers"] = exact(element.computed);
  json["sum"] = element.sum;
  json["held_sum"] = element.held_sum;
  json["lhs_scale"] = exact(element.lhs_scale);
  json["rhs_scale"] = exact(element.rhs_scale);
  json["lhs_zero_point"] = element.lhs_zero_point;
  json["rhs_zero_point"] = element.rhs_zero_point;
  json["errors"] = {{"decoded", element.decoded - element.exact},
                    {"integers", element.computed - element.exact},
                    {"integers_to_decoded", element.computed - element.decoded}};
  return json;
}

Json product_json(const ProductWalk& walk) {
  const ProductSymbols& names = walk.names;
  Json elements = Json::array(), codes = Json::array();
  for (const ElementWalk& element : walk.elements) elements.push_back(element_json(element, walk.is_float()));
  Json json{{"product", quant::kProductNames[static_cast<size_t>(walk.kind)]},
            {"formula", names.formula},
            {"m", walk.shape.m},
            {"n", walk.shape.n},
            {"terms", walk.shape.terms},
            {"most_terms", walk.most_terms},
            {"result_shape", walk.result_shape},
            {"accumulator", walk.accumulator},
            {"largest_sum", walk.largest_sum},
            {"accumulator_peak", walk.accumulator_peak},
            {"overflows", walk.overflows},
            {"lhs", operand_json(names.lhs, walk.lhs)},
            {"rhs", operand_json(names.rhs, walk.rhs)},
            {"elements", elements}};
  for (const CodePair& pair : walk.codes) codes.push_back({pair.lhs, pair.rhs});
  if (!walk.codes.empty()) json["codes"] = {{"element", walk.spelled_out}, {"pairs", codes}};
  return json;
}

}  // namespace

Json site_json(const Experiment& experiment, const SiteWalk& walk) {
  const Config& config = experiment.config;
  Json products = Json::array();
  for (const ProductWalk& product : walk.products) products.push_back(product_json(product));
  return {{"model", config.model},
          {"data", experiment.data_name()},
          {"plan", config.plan},
          {"recipe", describe_recipe(config)},
          {"seed", config.seed},
          {"batch", config.train.batch},
          {"site", walk.site.name},
          {"kind", walk.site.kind},
          {"layer", describe_layer(walk.site)},
          {"schedule", schedule_json(config)},
          {"step", walk.step.step},
          {"steps", config.train.steps},
          {"loss", walk.step.loss},
          {"products", products}};
}

}  // namespace fqt::trainer
