#pragma once

#include <cstdint>

namespace fqt::gemm {

/// How the integer sums of a product are held, from a proof on magnitudes: |sum| <= terms * max|lhs| * max|rhs|.
struct Accumulator {
  /// Most terms whose sum provably fits int32.
  int64_t safe_terms;
  /// Every partial sum fits int32. Otherwise runs of at most safe_terms are added in int64.
  bool fits_int32;
};

/// Error(usage) where even int64 could overflow.
Accumulator plan_accumulator(int64_t lhs_max, int64_t rhs_max, int64_t terms);

}  // namespace fqt::gemm
