#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/tensor.h"

namespace fqt::quant {

struct Range {
  float low = 0, high = 0;
};

/// Smallest and largest value; {0, 0} for no values. Error(data) where one is not finite, naming the site, the operand
/// and the step (counted from 1 in the message, `step` from 0).
Range extremes(std::span<const float> values, const char* operand, const std::string& site, uint64_t step);

/// running = momentum * running + (1 - momentum) * batch; `running` [2] holds {0, 0} until the first update sets it.
void update_running(Tensor& running, const Range& batch, double momentum);

}  // namespace fqt::quant
