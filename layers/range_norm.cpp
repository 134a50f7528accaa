#include "layers/range_norm.h"

#include "engine/ops/range_norm.h"

namespace fqt::layers {

RangeNorm::RangeNorm(const std::string& name, int64_t channels)
    : Norm(name, channels),
      name_(name),
      running_mean_(Tensor::zeros({channels})),
      running_range_(Tensor::full({channels}, 1.0f)) {}

std::vector<NamedBuffer> RangeNorm::own_buffers() {
  return {{name_ + ".running_mean", &running_mean_}, {name_ + ".running_range", &running_range_}};
}

Var RangeNorm::forward(const quant::Context& context, const Var& x) {
  Tape& tape = context.tape;
  return ops::range_norm(tape, x, tape.parameter(gamma_), tape.parameter(beta_), running_mean_, running_range_,
                         options(context));
}

Var RangeNorm::forward_relu(const quant::Context& context, const Var& x) {
  Tape& tape = context.tape;
  return ops::range_norm_relu(tape, x, tape.parameter(gamma_), tape.parameter(beta_), running_mean_, running_range_,
                              options(context));
}

Var RangeNorm::forward_add_relu(const quant::Context& context, const Var& x, const Var& residual) {
  Tape& tape = context.tape;
  return ops::range_norm_add_relu(tape, x, tape.parameter(gamma_), tape.parameter(beta_), running_mean_, running_range_,
                                  residual, options(context));
}

}  // namespace fqt::layers
