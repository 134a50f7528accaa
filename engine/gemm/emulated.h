#pragma once

#include <cstdint>
#include <span>

#include "engine/gemm/gemm.h"

namespace fqt::gemm {

/// A signed two's complement accumulator that sums of a product are held in, one term after another.
struct AccumulatorFormat {
  int bits = 0;           ///< 8 to 32; 0: exact, whatever the rest says
  bool saturate = false;  ///< past the range: to its nearer end; else wrap around
  /// Terms of a chunk; 0: all terms one after another. Each run of `chunk` terms is summed in an accumulator of its
  /// own, and the chunks' sums are added up in order in another of the same width (chunk-based accumulation, Wang et
  /// al., "Training Deep Neural Networks with 8-bit Floating Point Numbers", 2018).
  int64_t chunk = 0;
};

/// The sums of integer_sums as an accumulator of few bits would give them. Terms (lhs - zero) * (rhs - zero) are exact
/// and are added in the order of the gather; after each addition the exact sum of accumulator and term wraps or
/// saturates. Returns the number of additions that left the range, those of chunks' sums included.
/// A scalar loop that is far slower than integer_sums: for studies of accumulators. Rows are shared out over the
/// threads; sums and count do not depend on how. Error(usage) for other widths and negative chunks.
int64_t emulated_sums(const GatherProduct& product, const Levels& lhs, const Levels& rhs,
                      const AccumulatorFormat& format, std::span<int64_t> sums);

/// The largest magnitude that exact sums reach on their way, added up in the order and the chunks of emulated_sums: an
/// accumulator of n bits never overflows where it is at most 2^(n-1) - 1. The same slow loop. Error(usage) for negative
/// chunks.
int64_t running_peak(const GatherProduct& product, const Levels& lhs, const Levels& rhs, int64_t chunk);

/// integer_product with the sums of emulated_sums; returns its count.
int64_t emulated_product(const GatherProduct& product, const Levels& lhs, const Levels& rhs,
                         const AccumulatorFormat& format, std::span<const double> scales, float* out);

}  // namespace fqt::gemm
