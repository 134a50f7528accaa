#pragma once

#include "engine/autograd/tape.h"

namespace fqt::ops {

/// y = gamma * (x - mean) / sqrt(var + epsilon) + beta, with the mean and the biased variance of each row of x[..., C]
/// (Ba et al. 2016). gamma and beta have shape [C]. Error(usage) for other shapes.
Var layer_norm(Tape& tape, const Var& x, const Var& gamma, const Var& beta, double epsilon = 1e-5);

}  // namespace fqt::ops
