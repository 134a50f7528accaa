#pragma once

#include "engine/autograd/tape.h"

namespace fqt::ops {

struct BatchNormOptions {
  double epsilon = 1e-5;
  double momentum = 0.9;  ///< running = momentum * running + (1 - momentum) * batch
  bool training = true;   ///< statistics of the batch (and an update of the running ones), or the running ones
};

/// y = gamma * (x - mean) / sqrt(var + epsilon) + beta over the last axis (channels) of x[..., C] (Ioffe and Szegedy
/// 2015). var is the biased variance of the batch; the running variance takes the unbiased one, as PyTorch's does.
/// gamma, beta, running_mean and running_var have shape [C]; the running ones are updated in place in training.
Var batch_norm(Tape& tape, const Var& x, const Var& gamma, const Var& beta, Tensor& running_mean, Tensor& running_var,
               const BatchNormOptions& options);

}  // namespace fqt::ops
