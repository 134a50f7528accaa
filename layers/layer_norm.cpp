#include "layers/layer_norm.h"

#include "engine/ops/layer_norm.h"

namespace fqt::layers {

LayerNorm::LayerNorm(const std::string& name, int64_t width) {
  gamma_.name = name + ".gamma";
  gamma_.value = Tensor({width});
  gamma_.start_value = 1;
  beta_.name = name + ".beta";
  beta_.value = Tensor({width});
}

Var LayerNorm::forward(const quant::Context& context, const Var& x) {
  return ops::layer_norm(context.tape, x, context.tape.parameter(gamma_), context.tape.parameter(beta_));
}

}  // namespace fqt::layers
