#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/tensor.h"

namespace fqt::quant {

struct Range {
  float low = 0, high = 0;
};

/// Smallest and largest value. Error(data) "<who> holds nan or infinity ..." where one is not finite: `who` names the
/// site, the operand and the step. {0, 0} for no values.
Range extremes(std::span<const float> values, const char* operand, const std::string& site, uint64_t step);

/// running = momentum * running + (1 - momentum) * batch; `running` [2] holds {0, 0} until the first update sets it.
void update_running(Tensor& running, const Range& batch, double momentum);

}  // namespace fqt::quant
