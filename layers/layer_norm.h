#pragma once

#include "layers/module.h"

namespace fqt::layers {

/// Layer normalization over the last axis, as ops::layer_norm. `name.gamma` starts at 1, `name.beta` at 0, both
/// [width].
class LayerNorm : public Module {
 public:
  LayerNorm(const std::string& name, int64_t width);
  Var forward(const quant::Context& context, const Var& x) override;

 protected:
  std::vector<Parameter*> own_parameters() override { return {&gamma_, &beta_}; }

 private:
  Parameter gamma_, beta_;
};

}  // namespace fqt::layers
