#pragma once

#include <cstdint>
#include <vector>

#include "engine/tensor.h"
#include "quant/operand.h"

namespace fqt::quant {

/// A tensor on a grid, on its own: quantization without a model. In the field's terms value = scale * (code - zero
/// point), with signed codes around 0 (Grid says how they follow from levels).
struct Quantized {
  Shape shape;
  OperandPrecision precision;
  Operand operand;

  /// In the order of the values, row-major.
  std::vector<int32_t> codes() const;
  /// The values that the codes stand for, rounded to float32.
  Tensor decode() const;
};

/// Rounds `values` to the grid over the range that `precision` asks for. The first axis counts samples (for ranges that
/// are means over them), the last the channels (for precisions per channel). Error(usage) for fp32, Error(data) for NaN
/// and infinity.
Quantized quantize(const Tensor& values, const OperandPrecision& precision, const Noise& noise = {});

/// sums[i, n] = sum over k of (code - zero point of lhs[i, k]) * (code - zero point of rhs[k, n]), exactly.
/// Error(usage) for shapes that do not multiply, Error(internal) for a lhs per channel.
std::vector<int64_t> integer_matmul(const Quantized& lhs, const Quantized& rhs);

/// Sums that an accumulator of few bits held, and how many additions left its range.
struct EmulatedSums {
  std::vector<int64_t> sums;
  int64_t overflows = 0;
};

/// integer_matmul in such an accumulator, k after k (gemm::emulated_sums). Error(usage) for accumulators that are none.
EmulatedSums emulated_matmul(const Quantized& lhs, const Quantized& rhs, const gemm::AccumulatorFormat& accumulator);

/// The sums of integer_matmul times both scales: each value is rounded once, from float64 to float32.
Tensor matmul(const Quantized& lhs, const Quantized& rhs);

}  // namespace fqt::quant
