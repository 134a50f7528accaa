#pragma once

#include <vector>

namespace fqt::bench {

/// Seconds from an arbitrary start, wall-clock.
double now();

/// The middle value (the upper of two). Not for an empty list.
double median(std::vector<double> values);

}  // namespace fqt::bench
