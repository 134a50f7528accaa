#include "trainer/probe_log.h"

#include <cmath>

namespace fqt::trainer {
namespace {

Json operand_json(const quant::OperandStatistics& operand) {
  if (operand.precision.is_float()) return {{"format", "fp32"}, {"low", operand.low}, {"high", operand.high}};
  Json json{{"format", operand.precision.format->name},
            {"bits", operand.precision.bits},
            {"rounding", quant::rounding_name(operand.precision.rounding)},
            {"low", operand.low},
            {"high", operand.high}};
  Json scales = Json::array(), zero_points = Json::array();
  for (const quant::Grid& grid : operand.grids) {
    scales.push_back(grid.scale);
    zero_points.push_back(grid.zero_point());
  }
  const bool one = operand.grids.size() == 1;
  json["scale"] = one ? scales.front() : scales;
  json["zero_point"] = one ? zero_points.front() : zero_points;
  json["clip_rate"] = operand.clip_rate;
  json["levels_used"] = operand.levels_used;
  json["sqnr_db"] = std::isfinite(operand.sqnr_db) ? Json(operand.sqnr_db) : Json(nullptr);  // null: nothing is lost
  json["histogram"] = operand.histogram;
  return json;
}

}  // namespace

void ProbeLog::observe(const quant::Observation& observation) {
  lines_.write({{"step", observation.step + 1},
                {"site", observation.site.name},
                {"product", quant::kProductNames[static_cast<size_t>(observation.product)]},
                {"terms", observation.terms},
                {"lhs", operand_json(observation.lhs)},
                {"rhs", operand_json(observation.rhs)},
                {"accumulator", observation.accumulator},
                {"largest_sum", observation.largest_sum},
                {"accumulator_peak", observation.accumulator_peak},
                {"overflows", observation.overflows}});
}

}  // namespace fqt::trainer
