#pragma once

#include <cstdint>
#include <span>

#include "engine/gemm/gather.h"

namespace fqt::gemm {

/// Levels of one operand of an integer product: level i stands for i - zero, times a scale the product does not see.
struct Levels {
  const uint8_t* data;
  int zero;
  int max_level;
};

/// sums[i][n] = sum over the terms of (lhs - lhs.zero) * (rhs - rhs.zero), exactly; row-major, `product.out_rows` is
/// not used. The specification for tests and the way to look at sums; training takes the one below.
void integer_sums(const GatherProduct& product, const Levels& lhs, const Levels& rhs, std::span<int64_t> sums);

/// out row i, column n = float32(float64(scale) * sum), with the same sums. Rows go where product.out_rows says.
/// The accumulator is int32 where that is proven to suffice and blocks of int32 added in int64 where it is not.
void integer_product(const GatherProduct& product, const Levels& lhs, const Levels& rhs, double scale, float* out);

/// The same in float32: every output is one chain of fused multiply-adds from 0, in rising order of the terms.
void float_product(const GatherProduct& product, const float* lhs, const float* rhs, float* out);

}  // namespace fqt::gemm
