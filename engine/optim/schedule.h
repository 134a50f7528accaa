#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace fqt::optim {

/// What a schedule needs to know to name the learning rate of a step.
struct ScheduleOptions {
  double learning_rate = 0.1;
  int64_t total_steps = 1;
  std::vector<double> milestones{0.5, 0.75};  ///< `step`: shares of total_steps at which the rate is multiplied
  double factor = 0.1;                        ///< `step`: by this
  int64_t warmup = 4000;                      ///< `inverse_sqrt`: steps in which the rate rises
};

/// A learning-rate schedule: a name and a function of the step (0-based).
struct Schedule {
  std::string_view name;
  double (*learning_rate)(const ScheduleOptions& options, int64_t step);
};

/// constant, step, cosine (Loshchilov and Hutter 2017, one period down to 0), inverse_sqrt (Vaswani et al. 2017 as
/// fairseq has it: in step n, counted from 1, learning_rate * n / warmup up to step `warmup`, then learning_rate *
/// sqrt(warmup / n)).
std::span<const Schedule> schedules();
/// Error(usage) with the known names where there is no such schedule.
const Schedule& find_schedule(std::string_view name);

}  // namespace fqt::optim
