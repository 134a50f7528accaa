#pragma once

#include <vector>

#include "engine/autograd/parameter.h"

namespace fqt::optim {

struct SgdOptions {
  double momentum = 0.9;
  double weight_decay = 1e-4;
};

/// Stochastic gradient descent as PyTorch defines it: g = grad + weight_decay * w; v = momentum * v + g (v = g at the
/// first step); w = w - learning_rate * v. All in float32. Parameters without a gradient are left alone.
class Sgd {
 public:
  Sgd(std::vector<Parameter*> parameters, SgdOptions options);
  void step(double learning_rate);
  /// Undefined every parameter's gradient.
  void zero_grad();
  /// One tensor a parameter, in order: the optimizer's whole state.
  std::vector<Tensor>& velocity() { return velocity_; }

 private:
  std::vector<Parameter*> parameters_;
  std::vector<Tensor> velocity_;
  SgdOptions options_;
};

}  // namespace fqt::optim
