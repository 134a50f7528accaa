#include "trainer/bit_schedule.h"

#include <fmt/format.h>

#include "trainer/text.h"

namespace fqt::trainer {
namespace {

bool knows_period(const Config& config) { return config.bits.period > 0 || config.train.steps > 0; }

}  // namespace

quant::BitScheduleOptions bit_schedule(const Config& config) {
  const BitOptions& bits = config.bits;
  const quant::BitScheduleOptions options{bits.schedule, bits.low, bits.period, bits.share, config.train.steps};
  quant::check_schedule(options);
  return options;
}

std::string describe_schedule(const Config& config) {
  const quant::BitScheduleOptions options = bit_schedule(config);
  if (options.name == "constant") return "constant";
  const std::string rise = fmt::format("{}: from {} bits up to the planned ones", options.name, options.low);
  if (options.name == "progressive") return fmt::format("{} in {:.6g} of the run", rise, options.share);
  if (!knows_period(config)) return rise + ", again every 32nd of the run";
  const int64_t period = quant::cyclic_period(options);
  return fmt::format("{}, again every {}", rise, period == 1 ? "step" : grouped(period) + " steps");
}

Json schedule_json(const Config& config) {
  const quant::BitScheduleOptions options = bit_schedule(config);
  Json json{{"name", options.name}};
  if (options.name == "constant") return json;
  json["low"] = options.low;
  if (options.name == "cyclic") json["period"] = knows_period(config) ? Json(quant::cyclic_period(options)) : Json();
  if (options.name == "progressive") json["share"] = options.share;
  return json;
}

}  // namespace fqt::trainer
