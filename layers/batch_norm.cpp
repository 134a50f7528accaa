#include "layers/batch_norm.h"

namespace fqt::layers {

BatchNorm::BatchNorm(const std::string& name, int64_t channels)
    : Norm(name, channels),
      name_(name),
      running_mean_(Tensor::zeros({channels})),
      running_var_(Tensor::full({channels}, 1.0f)) {}

std::vector<NamedBuffer> BatchNorm::own_buffers() {
  return {{name_ + ".running_mean", &running_mean_}, {name_ + ".running_var", &running_var_}};
}

Var BatchNorm::forward(const quant::Context& context, const Var& x) {
  Tape& tape = context.tape;
  return ops::batch_norm(tape, x, tape.parameter(gamma_), tape.parameter(beta_), running_mean_, running_var_,
                         options(context));
}

Var BatchNorm::forward_relu(const quant::Context& context, const Var& x) {
  Tape& tape = context.tape;
  return ops::batch_norm_relu(tape, x, tape.parameter(gamma_), tape.parameter(beta_), running_mean_, running_var_,
                              options(context));
}

Var BatchNorm::forward_add_relu(const quant::Context& context, const Var& x, const Var& residual) {
  Tape& tape = context.tape;
  return ops::batch_norm_add_relu(tape, x, tape.parameter(gamma_), tape.parameter(beta_), running_mean_, running_var_,
                                  residual, options(context));
}

}  // namespace fqt::layers
