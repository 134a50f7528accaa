#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "quant/site_bits.h"

namespace fqt::quant {

struct BitScheduleOptions {
  std::string name = "constant";
  int64_t low = 3;          ///< where cyclic and progressive start; a site planned below it stays at its own bits
  int64_t period = 0;       ///< of cyclic, in steps, at least 2; 0: cyclic_period() chooses
  double share = 0.5;       ///< of the run after which progressive has arrived at the planned bits
  int64_t total_steps = 1;  ///< of the run
};

/// Error(usage) naming bits.period where it is 1: such a cycle would stay at `low`.
void check_schedule(const BitScheduleOptions& options);

/// How planned bits change over a run. A schedule edits the table of bits between steps and nothing else; evaluation
/// runs on the planned bits.
struct BitSchedule {
  std::string_view name;
  std::string_view description;
  /// Bits of an operand that is planned at `planned` bits, in a step counted from 0.
  int (*bits)(const BitScheduleOptions& options, int planned, int64_t step);
};

/// constant, cyclic, progressive.
std::span<const BitSchedule> bit_schedules();
/// Error(usage) naming the known ones.
const BitSchedule& find_bit_schedule(std::string_view name);

/// The table of one step.
BitTable scheduled(const BitTable& planned, const BitScheduleOptions& options, int64_t step);

/// Steps of a cycle: as given, else a 32nd of the run, but at least 8, in which all but 4 % of the way from low to the
/// planned bits is gone, or the whole of a shorter run.
int64_t cyclic_period(const BitScheduleOptions& options);

// The rows of the table.

/// round_half_even(low + (planned - low) / 2 * (1 - cos(pi * (step mod period) / period))), period being
/// cyclic_period(): cyclic precision training (Fu et al. 2021).
int cyclic_bits(const BitScheduleOptions& options, int planned, int64_t step);
/// round_half_even(low + (planned - low) * min(1, step / (share * total_steps))).
int progressive_bits(const BitScheduleOptions& options, int planned, int64_t step);

}  // namespace fqt::quant
