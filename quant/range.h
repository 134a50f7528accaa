#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/tensor.h"
#include "quant/precision.h"

namespace fqt::quant {

/// What an error about an operand's values names.
struct OperandName {
  const char* operand;  ///< "lhs"
  const std::string& site;
  uint64_t step;  ///< counted from 0; from 1 in messages
};

/// Smallest and largest value; {0, 0} for no values. Error(data) where one is not finite, naming the site, the operand
/// and the step.
Range extremes(std::span<const float> values, const OperandName& name);

/// The range `precision` asks for; the extremes where it is fp32. `values` is `samples` equal parts. Errors as
/// extremes.
Range estimate_range(std::span<const float> values, int64_t samples, const OperandPrecision& precision,
                     const OperandName& name);

/// Of a tensor whose extremes may be noted.
Range estimate_range(const Tensor& values, int64_t samples, const OperandPrecision& precision, const OperandName& name);

/// The same for each of the channels that are the last axis of `values`.
std::vector<Range> estimate_channel_ranges(std::span<const float> values, int64_t channels,
                                           const OperandPrecision& precision, const OperandName& name);

/// running = momentum * running + (1 - momentum) * batch; `running` [2] holds {0, 0} until the first update sets it.
void update_running(Tensor& running, const Range& batch, double momentum);

}  // namespace fqt::quant
