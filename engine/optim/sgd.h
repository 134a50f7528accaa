#pragma once

#include "engine/optim/optimizer.h"

namespace fqt::optim {

struct SgdOptions {
  double momentum = 0.9;
  double weight_decay = 1e-4;
};

/// Stochastic gradient descent as PyTorch defines it: g = grad + weight_decay * w; v = momentum * v + g (v = g at the
/// first step); w = w - learning_rate * v. All in float32. Parameters without a gradient are left alone.
class Sgd : public Optimizer {
 public:
  Sgd(std::vector<Parameter*> parameters, SgdOptions options);
  void step(double learning_rate) override;
  std::vector<NamedTensor> state() override;
  /// One tensor a parameter, in order: the optimizer's whole state.
  std::vector<Tensor>& velocity() { return velocity_; }

 private:
  std::vector<Tensor> velocity_;
  SgdOptions options_;
};

}  // namespace fqt::optim
