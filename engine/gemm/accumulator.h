#pragma once

#include <cstdint>
#include <string>

namespace fqt::gemm {

/// The least and the greatest that a value can be.
struct Interval {
  int64_t low = 0, high = 0;

  int64_t magnitude() const { return -low > high ? -low : high; }
  bool within(int64_t least, int64_t greatest) const { return low >= least && high <= greatest; }
};

/// What a product's operands can be at most.
struct OperandBounds {
  Interval lhs;              ///< left values as the kernel multiplies them: levels, or levels less a bias
  Interval lhs_differences;  ///< left level - zero
  Interval rhs;              ///< right level - zero
};

/// How the integer sums of a product are held, from a proof on magnitudes: |sum| <= terms * max|lhs| * max|rhs|.
struct Accumulator {
  enum class Kind {
    int32,  ///< every partial sum and the result fit int32
    runs,   ///< int32 over runs of at most run_terms terms, each run added in int64
    split,  ///< as runs, with each right difference taken apart as 256 * high + low, low in 0 .. 255
  };
  Kind kind;
  int64_t terms;
  int64_t lhs_max, rhs_max;  ///< the magnitudes of the proof; rhs_max of a half where split
  int64_t run_terms;         ///< most terms whose sum provably fits int32

  /// The choice and its reason: "int32: 576 terms of at most 63 x 63 stay below 2^31".
  std::string describe() const;
};

/// Runs this short are still added up without splitting: shorter ones would spend more on int64 than a second product.
inline constexpr int64_t kShortestRun = 128;

/// Error(usage) where even int64 could overflow.
Accumulator plan_accumulator(const OperandBounds& bounds, int64_t terms);

}  // namespace fqt::gemm
