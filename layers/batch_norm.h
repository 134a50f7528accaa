#pragma once

#include "layers/norm.h"

namespace fqt::layers {

/// Batch normalization, as ops::batch_norm. Buffers `name.running_mean` and `name.running_var`.
class BatchNorm : public Norm {
 public:
  BatchNorm(const std::string& name, int64_t channels);
  Var forward(const quant::Context& context, const Var& x) override;
  Var forward_relu(const quant::Context& context, const Var& x) override;
  Var forward_add_relu(const quant::Context& context, const Var& x, const Var& residual) override;

 protected:
  std::vector<NamedBuffer> own_buffers() override;

 private:
  std::string name_;
  Tensor running_mean_, running_var_;
};

}  // namespace fqt::layers
