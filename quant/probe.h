#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "quant/operand.h"
#include "quant/site.h"
#include "quant/statistics.h"

namespace fqt::quant {

/// A product as it was multiplied.
struct Multiplication {
  std::span<const gemm::GatherProduct> products;  ///< one for each group of channels; grad_lhs: times a few
  const Operand& lhs;
  const Operand& rhs;
  const gemm::AccumulatorFormat& accumulator;
  const Tensor& result;
};

/// What a probe is told about one product of one site. It holds only during the call.
struct Observation {
  const Site& site;
  uint64_t step;  ///< 0-based
  ProductKind product;
  int64_t terms;  ///< of each sum
  const OperandStatistics& lhs;
  const OperandStatistics& rhs;
  int64_t largest_sum;  ///< |sum| of level differences, exact and before scaling; 0 for fp32
  /// The same of the sums on their way there, in the accumulator's order and chunks: n bits overflow nowhere where it
  /// is at most 2^(n-1) - 1. 0 for fp32.
  int64_t accumulator_peak;
  int64_t overflows;  ///< additions that left an emulated accumulator's range
  /// How the sums were held, in words; of the product with the most terms where there are several.
  std::string accumulator;
  Multiplication multiplied;
  /// multiplied.lhs is the product's right operand, and multiplied.rhs its left one: the gradient of a right operand
  /// that lies transposed is dY^T X. `lhs` and `rhs` above are X's and dY's all the same.
  bool swapped = false;
};

/// Listens to the quantized products of a step. A step without one measures nothing.
class Probe {
 public:
  virtual ~Probe() = default;
  /// Whether to be told about this site.
  virtual bool wants(const Site&) const { return true; }
  /// Whether operands shall keep the values they were rounded from, to be seen in observe().
  virtual bool wants_values() const { return false; }
  virtual void observe(const Observation& observation) = 0;
};

}  // namespace fqt::quant
