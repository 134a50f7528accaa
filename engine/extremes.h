#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>

#include "engine/kernels/codes.h"
#include "engine/parallel.h"
#include "engine/rehearsal.h"

namespace fqt {

/// Runs body(begin, end, extremes to be joined) over 0 to count as parallel_for does, and returns the extremes of all
/// of it; nothing where nothing ran. Here, and only here, threads may join as they come: smallest and largest do not
/// depend on the order, but for which of two zeros was met first, and -0 becomes 0.
template <typename Body>
std::optional<kernels::Extremes> parallel_extremes(int64_t count, int64_t grain, const Body& body) {
  if (count <= 0 || Rehearsal::active()) return {};
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr kernels::Extremes kNone{kInfinity, -kInfinity, true};
  kernels::Extremes all = kNone;
  std::mutex mutex;
  parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    kernels::Extremes own = kNone;
    body(begin, end, &own);
    const std::lock_guard lock(mutex);
    all = {std::min(all.low, own.low), std::max(all.high, own.high), all.finite && own.finite};
  });
  return kernels::Extremes{all.low + 0.0f, all.high + 0.0f, all.finite};
}

}  // namespace fqt
