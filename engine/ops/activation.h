#pragma once

#include <span>
#include <string_view>

#include "engine/autograd/tape.h"

namespace fqt::ops {

Var tanh(Tape& tape, const Var& x);

/// 1 / (1 + exp(-x))
Var sigmoid(Tape& tape, const Var& x);

/// x Phi(x), Phi being the normal distribution function (Hendrycks and Gimpel 2016), not its approximation by tanh.
Var gelu(Tape& tape, const Var& x);

/// A nonlinearity that models can be built with.
struct Activation {
  std::string_view name;
  Var (*apply)(Tape& tape, const Var& x);
};

/// relu, gelu, tanh, sigmoid.
std::span<const Activation> activations();
/// Error(usage) with the known names where there is no such activation.
const Activation& find_activation(std::string_view name);

}  // namespace fqt::ops
