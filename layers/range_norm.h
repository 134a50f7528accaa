#pragma once

#include "layers/norm.h"

namespace fqt::layers {

/// Range batch normalization, as ops::range_norm. Buffers `name.running_mean` and `name.running_range`; the latter is
/// of C(n) * range, an estimate of the standard deviation, and starts at 1.
class RangeNorm : public Norm {
 public:
  RangeNorm(const std::string& name, int64_t channels);
  Var forward(const quant::Context& context, const Var& x) override;
  Var forward_relu(const quant::Context& context, const Var& x) override;
  Var forward_add_relu(const quant::Context& context, const Var& x, const Var& residual) override;

 protected:
  std::vector<NamedBuffer> own_buffers() override;

 private:
  std::string name_;
  Tensor running_mean_, running_range_;
};

}  // namespace fqt::layers
