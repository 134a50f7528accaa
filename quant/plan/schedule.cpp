#include "quant/plan/schedule.h"

#include <algorithm>
#include <cmath>

#include "engine/check.h"
#include "engine/find.h"
#include "engine/math.h"

namespace fqt::quant {
namespace {

int constant_bits(const BitScheduleOptions&, int planned, int64_t) { return planned; }

constexpr BitSchedule kSchedules[] = {
    {"constant", "the planned bits throughout", constant_bits},
    {"cyclic", "from low up to the planned bits along a cosine, again and again (Fu et al. 2021)", cyclic_bits},
    {"progressive", "from low to the planned bits, in a line", progressive_bits},
};

constexpr int64_t kCycles = 32;        ///< of a run
constexpr int64_t kShortestCycle = 8;  ///< by default

/// low + share of the way to planned.
int between(const BitScheduleOptions& options, int planned, double share) {
  const int low = std::min(static_cast<int>(options.low), planned);
  return static_cast<int>(std::nearbyint(low + (planned - low) * share));
}

}  // namespace

std::span<const BitSchedule> bit_schedules() { return kSchedules; }

const BitSchedule& find_bit_schedule(std::string_view name) { return find_row(kSchedules, name, "bits", "schedule"); }

void check_schedule(const BitScheduleOptions& options) {
  check(options.period != 1, "[bits] bits.period: a cycle of 1 step never leaves bits.low; give 2 or more, or 0");
}

int64_t cyclic_period(const BitScheduleOptions& options) {
  if (options.period > 0) return options.period;
  return std::min(std::max(options.total_steps / kCycles, kShortestCycle), std::max<int64_t>(options.total_steps, 1));
}

int cyclic_bits(const BitScheduleOptions& options, int planned, int64_t step) {
  const int64_t period = cyclic_period(options);
  const double turns = 0.5 * static_cast<double>(step % period) / static_cast<double>(period);
  return between(options, planned, 0.5 - 0.5 * math::cos_turns(turns));
}

int progressive_bits(const BitScheduleOptions& options, int planned, int64_t step) {
  const double rise = options.share * static_cast<double>(options.total_steps);
  return between(options, planned, static_cast<double>(step) >= rise ? 1.0 : static_cast<double>(step) / rise);
}

BitTable scheduled(const BitTable& planned, const BitScheduleOptions& options, int64_t step) {
  const BitSchedule& schedule = find_bit_schedule(options.name);
  BitTable table = planned;
  for (SiteBits& site : table)
    if (!site.is_float)
      for (ProductBits& product : site.products)
        product = {schedule.bits(options, product.lhs, step), schedule.bits(options, product.rhs, step)};
  return table;
}

}  // namespace fqt::quant
