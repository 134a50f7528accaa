#pragma once

#include "engine/optim/optimizer.h"

namespace fqt::optim {

struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled = false;  ///< weight decay as Loshchilov and Hutter (2019) have it
};

/// Adam (Kingma and Ba, "Adam: a method for stochastic optimization", 2015), as PyTorch defines it. In step t, from 1:
///
///   g = grad + weight_decay * w        (decoupled: g = grad; w = (1 - learning_rate * weight_decay) w)
///   m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
///   w = w - learning_rate * m / (1 - beta1^t) / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
///
/// All in float32, but for what does not depend on the weights. t counts the optimizer's steps.
class Adam : public Optimizer {
 public:
  Adam(std::vector<Parameter*> parameters, AdamOptions options);
  void step(double learning_rate) override;
  /// `adam.steps`, and of each parameter `first_moment` and `second_moment`.
  std::vector<NamedTensor> state() override;

 private:
  AdamOptions options_;
  Tensor steps_ = Tensor::scalar(0);  ///< whole numbers, exact up to 2^24
  std::vector<Tensor> first_, second_;
};

}  // namespace fqt::optim
