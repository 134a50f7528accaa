#include "engine/optim/schedule.h"

#include <algorithm>
#include <cmath>

#include "engine/find.h"
#include "engine/math.h"

namespace fqt::optim {
namespace {

double constant(const ScheduleOptions& options, int64_t) { return options.learning_rate; }

double step_down(const ScheduleOptions& options, int64_t step) {
  double rate = options.learning_rate;
  for (const double milestone : options.milestones)
    if (static_cast<double>(step) >= milestone * static_cast<double>(options.total_steps)) rate *= options.factor;
  return rate;
}

double cosine(const ScheduleOptions& options, int64_t step) {
  const double total = static_cast<double>(std::max<int64_t>(options.total_steps, 1));
  const double done = std::min(static_cast<double>(step) / total, 1.0);
  return options.learning_rate * (0.5 + 0.5 * math::cos_turns(0.5 * done));
}

double inverse_sqrt(const ScheduleOptions& options, int64_t step) {
  const double n = static_cast<double>(step + 1), warmup = static_cast<double>(std::max<int64_t>(options.warmup, 1));
  return options.learning_rate * (n < warmup ? n / warmup : std::sqrt(warmup / n));
}

constexpr Schedule kSchedules[] = {
    {"constant", constant},
    {"step", step_down},
    {"cosine", cosine},
    {"inverse_sqrt", inverse_sqrt},
};

}  // namespace

std::span<const Schedule> schedules() { return kSchedules; }

const Schedule& find_schedule(std::string_view name) { return find_row(kSchedules, name, "schedule", "schedule"); }

}  // namespace fqt::optim
