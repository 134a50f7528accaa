#include "quant/plan/schedule.h"

#include <algorithm>
#include <cmath>

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

/// low + share of the way to planned.
int between(const BitScheduleOptions& options, int planned, double share) {
  const int low = std::min(static_cast<int>(options.low), planned);
  return static_cast<int>(std::nearbyint(low + (planned - low) * share));
}

}  // namespace

std::span<const BitSchedule> bit_schedules() { return kSchedules; }

const BitSchedule& find_bit_schedule(std::string_view name) { return find_row(kSchedules, name, "bits", "schedule"); }

int cyclic_bits(const BitScheduleOptions& options, int planned, int64_t step) {
  const int64_t period = options.period > 0 ? options.period : std::max<int64_t>(options.total_steps / 32, 1);
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
