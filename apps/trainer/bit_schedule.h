#pragma once

#include <string>

#include "quant/plan/schedule.h"
#include "trainer/config.h"
#include "trainer/json.h"

namespace fqt::trainer {

/// The schedule that bits follow over the run of a configuration. Error(usage) as quant::check_schedule.
quant::BitScheduleOptions bit_schedule(const Config& config);

/// "cyclic: from 3 bits up to the planned ones, again every 20 steps". Of a run whose length is not known
/// (train.steps = 0), what is a part of it stays one.
std::string describe_schedule(const Config& config);

/// name, and of what the schedule goes by: low; period (null: it follows from a length that is not known); share.
Json schedule_json(const Config& config);

}  // namespace fqt::trainer
