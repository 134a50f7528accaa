#pragma once

#include <span>
#include <string_view>

#include "quant/plan/shape.h"

namespace fqt::quant {

struct MetricInput {
  const SiteShape& site;
  ProductKind product = ProductKind::forward;
  int64_t batch = 1;         ///< images a step: terms of grad_rhs add up over it
  bool depth_layer = false;  ///< depth counts layers instead of stages
};

/// A number that says something of a matrix product. Plans turn it into bits.
struct Metric {
  std::string_view name;  ///< the letter of "A:C+:4-8"
  std::string_view title;
  std::string_view description;
  double (*value)(const MetricInput& input);
};

/// A, F, D of the study, and P and I beside them.
std::span<const Metric> metrics();
/// Error(usage) naming the known ones.
const Metric& find_metric(std::string_view name);

/// What a metric says: its description, or that depth counts layers.
std::string_view describe(const Metric& metric, bool depth_layer);

// The rows of the table, one file each.

/// A, accumulation: terms of each sum. forward (C_in / groups) * kernel^2; grad_lhs (C_out / groups) * kernel^2;
/// grad_rhs batch * H_out * W_out.
double accumulation(const MetricInput& input);
/// F, frequency: how often an element of the right operand is used for one sample. For the forward product that is a
/// weight, used once for each output position: H_out * W_out of a convolution, 1 of a linear layer, T in a sequence.
double frequency(const MetricInput& input);
/// D, depth from the input: the stage, or with depth=layer the layer.
double depth(const MetricInput& input);
/// P: the number of weights of the layer.
double parameters(const MetricInput& input);
/// I: fan-in over fan-out, (C_in / groups) / (C_out / groups) of a convolution.
double fan_ratio(const MetricInput& input);

}  // namespace fqt::quant
