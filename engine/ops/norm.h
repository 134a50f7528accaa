#pragma once

#include "engine/autograd/tape.h"

namespace fqt::ops {

struct NormOptions {
  double epsilon = 1e-5;  ///< what keeps a channel of equal values from dividing by 0
  double momentum = 0.9;  ///< running = momentum * running + (1 - momentum) * batch
  bool training = true;   ///< statistics of the batch (and an update of the running ones), or the running ones
};

/// y = gamma * (x - mean) / sqrt(var + epsilon) + beta over the last axis (channels) of x[..., C] (Ioffe and Szegedy
/// 2015). var is the biased variance of the batch; the running variance takes the unbiased one, as PyTorch's does.
/// gamma, beta, running_mean and running_var have shape [C]; the running ones are updated in place in training.
/// Error(usage) for other shapes, and in training for fewer than two values a channel.
Var batch_norm(Tape& tape, const Var& x, const Var& gamma, const Var& beta, Tensor& running_mean, Tensor& running_var,
               const NormOptions& options);

/// relu(batch_norm(x)), bit for bit, forward and backward, with one pass over memory fewer each way.
Var batch_norm_relu(Tape& tape, const Var& x, const Var& gamma, const Var& beta, Tensor& running_mean,
                    Tensor& running_var, const NormOptions& options);

/// relu(add(batch_norm(x), residual)), bit for bit, forward and backward, with two passes fewer each way. `residual`
/// has the shape of x.
Var batch_norm_add_relu(Tape& tape, const Var& x, const Var& gamma, const Var& beta, Tensor& running_mean,
                        Tensor& running_var, const Var& residual, const NormOptions& options);

}  // namespace fqt::ops
