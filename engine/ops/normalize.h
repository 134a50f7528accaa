#pragma once

#include <functional>
#include <vector>

#include "engine/autograd/tape.h"

// What the normalizations of channels share; no part of the library's interface.

namespace fqt::ops {

/// What follows a normalization in the same pass.
struct Tail {
  bool relu = false;
  const Var* residual = nullptr;  ///< added before the ReLU, which there is then
};

/// Error(usage) unless x is [..., C], the residual like x, and all others [C].
void check_norm(const char* name, const Var& x, const Var& gamma, const Var& beta, const Tensor& running_mean,
                const Tail& tail);

/// running = momentum * running + (1 - momentum) * batch, for every channel.
void update_running(Tensor& running, const std::vector<double>& batch, double momentum);

/// y = gamma * (x - mean) * inverse + beta, as one multiplication and one addition a value. All of shape [C].
struct Affine {
  Tensor mean, scale, shift;
  std::vector<double> inverse;  ///< of the deviation
};

Affine affine(const std::vector<double>& mean, std::vector<double> inverse, const Tensor& gamma, const Tensor& beta);

/// A normalization that was applied, as its gradient needs it.
struct Normalized {
  Tensor x;
  Affine norm;
  bool relu;
  bool residual;              ///< was added before the ReLU
  Buffer<uint16_t> positive;  ///< decides what passes the ReLU behind a residual (kernels::Normalize); else x does
};

/// The gradient g that reaches the normalization, in its sums over the rows.
struct NormalizedSums {
  std::vector<double> g, product;  ///< per channel: of g, and of g * (x - mean)
  Tensor masked;                   ///< g itself, for the residual
};

NormalizedSums normalized_sums(const Normalized& normalized, const Tensor& grad);

/// The gradients of x, gamma, beta and, where there is one, of the residual. grad_x = scale * g + (x - mean) * slope +
/// offset: the last two, of shape [C], are the part that goes through the statistics. Where nobody else holds them, x
/// or grad is written over: this is the last use of `normalized`.
std::vector<Tensor> normalized_grads(const Normalized& normalized, NormalizedSums sums, const Tensor& slope,
                                     const Tensor& offset, const Tensor& grad);

using NormalizedGrad = std::function<std::vector<Tensor>(const Normalized&, const Tensor& grad)>;

/// Applies a normalization and its tail, and records `gradient` as their gradient function.
Var normalize(Tape& tape, const Var& x, const Var& gamma, const Var& beta, Affine norm, const Tail& tail,
              NormalizedGrad gradient);

}  // namespace fqt::ops
