#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/profile.h"

namespace fqt::bench {

/// What one operation (a site, or an operation of a name) costs in a step.
struct OperationTime {
  std::string name;
  double seconds = 0;
  double backward = 0;  ///< of these, in the backward pass
  profile::PhaseSeconds phases = {};
};

/// Where the time of a step goes, on the thread that made it: averages over the steps recorded.
struct Breakdown {
  double seconds = 0;  ///< a step
  profile::PhaseSeconds phases = {};
  std::vector<OperationTime> operations;  ///< the costliest first
};

Breakdown break_down(std::span<const profile::Event> events, int64_t steps);

/// The events as a file for chrome://tracing or Perfetto: a row for each thread.
std::string chrome_trace(std::span<const profile::Event> events);

}  // namespace fqt::bench
