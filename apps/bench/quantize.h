#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fqt::bench {

/// One way to go through the values, in GB of float32 a second.
struct QuantizeRow {
  std::string name;  ///< "copy", "extremes", "nearest", ...
  int bits = 0;      ///< 0 where nothing is rounded
  double gbps = 0;
  double of_copy = 0;  ///< ratio to the copy's rate, measured in turn
};

/// Quantizes `count` normal values at 8 and at 16 bits with every rounding, beside finding their extremes and a plain
/// copy of the same bytes: medians of `repeats`, taken in turn.
std::vector<QuantizeRow> run_quantize(int64_t count, int repeats);

}  // namespace fqt::bench
