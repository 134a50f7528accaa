#pragma once

#include <span>

#include "quant/plan/shape.h"
#include "quant/precision.h"

namespace fqt::quant {

/// What a training step holds and computes under a plan. Float counts 32 bits.
struct PlanSize {
  double weights = 0;      ///< bits of all weights as the forward product reads them
  double activations = 0;  ///< bits of the operands kept for the backward pass, but for weights, of a whole batch
  double gradients = 0;  ///< bits of dY as grad_lhs reads it, of a whole batch; as grad_rhs does where that is left out
  double multiplies = 0;      ///< multiply-accumulates of the products that a step computes
  double bit_operations = 0;  ///< BitOPs: each times the bits of both its operands
  double mean_bits = 0;       ///< over the operands of these at quantized sites, each counting once
  double weighted_bits = 0;   ///< the same, each counting as its product has multiply-accumulates
};

PlanSize plan_size(std::span<const SiteShape> sites, const PrecisionTable& precision, int64_t batch);

/// 10^6 bits.
inline double megabits(double bits) { return bits / 1e6; }
/// 10^6 bytes.
inline double megabytes(double bits) { return bits / 8e6; }

}  // namespace fqt::quant
