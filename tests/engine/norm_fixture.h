#pragma once

#include <vector>

#include "engine/ops/norm.h"

namespace fqt::test {

/// A normalization of channels in its three forms.
struct NormForms {
  decltype(&ops::batch_norm) plain;
  decltype(&ops::batch_norm_relu) relu;
  decltype(&ops::batch_norm_add_relu) add_relu;
};

/// N(mean, 1), the same for the same purpose.
Tensor normal_tensor(Shape shape, uint64_t purpose, float mean = 0);

/// Everything a pass through a norm, an addition (where `residual`) and a ReLU leaves behind: y, the running
/// statistics, and the gradients of x, gamma, beta and the residual. `fused`, or one operation after another.
/// `alone`: x comes from another operation, and nobody but the norm holds it on the way back.
std::vector<float> run_norm(const NormForms& forms, bool fused, bool residual, bool training, Shape shape,
                            bool alone = false);

/// Fused and unfused, on every instruction set and several numbers of threads: the same bits.
void check_same_bits(const NormForms& forms, const std::vector<Shape>& shapes);

}  // namespace fqt::test
