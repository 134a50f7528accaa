#pragma once

#include "engine/ops/norm.h"
#include "layers/module.h"

namespace fqt::layers {

/// Batch normalization over the last axis, as ops::batch_norm. `name.gamma` starts at 1, `name.beta` at 0; buffers
/// `name.running_mean` and `name.running_var`.
class BatchNorm : public Module {
 public:
  BatchNorm(const std::string& name, int64_t channels);
  Var forward(const quant::Context& context, const Var& x) override;
  /// relu(forward(x)), in one pass.
  Var forward_relu(const quant::Context& context, const Var& x);
  /// relu(forward(x) + residual), in one pass.
  Var forward_add_relu(const quant::Context& context, const Var& x, const Var& residual);

 protected:
  std::vector<Parameter*> own_parameters() override { return {&gamma_, &beta_}; }
  std::vector<NamedBuffer> own_buffers() override;

 private:
  static ops::NormOptions options(const quant::Context& context);

  std::string name_;
  Parameter gamma_, beta_;
  Tensor running_mean_, running_var_;
};

}  // namespace fqt::layers
