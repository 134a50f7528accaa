#pragma once

#include "engine/ops/norm.h"

namespace fqt::ops {

/// C(n) = 0.175 (1 + sqrt(pi ln 4)) / sqrt(2 ln n), n > 1: times the range of n samples of a normal distribution, about
/// their standard deviation. The constant of the code of Banner et al. (2018); the paper has 1 / sqrt(2 ln n).
double range_to_deviation(double n);

/// Range batch norm over the last axis (channels) of x[..., C] (Banner, Hubara, Hoffer and Soudry, "Scalable methods
/// for 8-bit training of neural networks", 2018):
///
///   y = gamma * (x - mean) / (C(n) * range + epsilon) + beta
///
/// All axes but the last are counted as rows. They are cut into 16 chunks, chunk i being rows [i * rows / 16, (i + 1) *
/// rows / 16); range is the mean of the chunks' maxima less the mean of their minima, and n = rows / 16, not rounded.
/// The gradient is the formula's: what reaches the range goes on to the first maximum and the first minimum of every
/// chunk.
/// gamma, beta, running_mean and running_range have shape [C]; the running ones are updated in place in training, and
/// stand in for the batch's in evaluation. running_range is of C(n) * range, an estimate of the standard deviation, so
/// that it holds for batches of any size.
/// Error(usage) for other shapes, and in training for fewer than 32 rows, two a chunk.
Var range_norm(Tape& tape, const Var& x, const Var& gamma, const Var& beta, Tensor& running_mean, Tensor& running_range,
               const NormOptions& options);

/// relu(range_norm(x)), bit for bit, forward and backward, with one pass over memory fewer each way.
Var range_norm_relu(Tape& tape, const Var& x, const Var& gamma, const Var& beta, Tensor& running_mean,
                    Tensor& running_range, const NormOptions& options);

/// relu(add(range_norm(x), residual)), bit for bit, forward and backward, with two passes fewer each way. `residual`
/// has the shape of x.
Var range_norm_add_relu(Tape& tape, const Var& x, const Var& gamma, const Var& beta, Tensor& running_mean,
                        Tensor& running_range, const Var& residual, const NormOptions& options);

}  // namespace fqt::ops
