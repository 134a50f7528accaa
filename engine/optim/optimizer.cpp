#include "engine/optim/optimizer.h"

#include "engine/check.h"
#include "engine/optim/adam.h"
#include "engine/optim/sgd.h"

namespace fqt::optim {
namespace {

std::unique_ptr<Optimizer> make_sgd(std::vector<Parameter*> parameters, const OptimizerOptions& options) {
  return std::make_unique<Sgd>(std::move(parameters), SgdOptions{options.momentum, options.weight_decay});
}

template <bool kDecoupled>
std::unique_ptr<Optimizer> make_adam(std::vector<Parameter*> parameters, const OptimizerOptions& options) {
  return std::make_unique<Adam>(std::move(parameters), AdamOptions{options.beta1, options.beta2, options.epsilon,
                                                                   options.weight_decay, kDecoupled});
}

constexpr OptimizerKind kOptimizers[] = {
    {"sgd", "stochastic gradient descent with momentum", make_sgd},
    {"adam", "Adam (Kingma and Ba 2015); weight decay is part of the gradient", make_adam<false>},
    {"adamw", "Adam with decoupled weight decay (Loshchilov and Hutter 2019)", make_adam<true>},
};

}  // namespace

void Optimizer::zero_grad() {
  for (Parameter* parameter : parameters_) parameter->zero_grad();
}

std::span<const OptimizerKind> optimizers() { return kOptimizers; }

const OptimizerKind& find_optimizer(std::string_view name) {
  std::string known;
  for (const OptimizerKind& kind : kOptimizers) {
    if (kind.name == name) return kind;
    known += (known.empty() ? "" : ", ") + std::string(kind.name);
  }
  fail(ErrorKind::usage, "[optimizer] no optimizer '{}'; known: {}", name, known);
}

}  // namespace fqt::optim
