#include "engine/optim/sgd.h"

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/parallel.h"
#include "engine/profile.h"

namespace fqt::optim {

Sgd::Sgd(std::vector<Parameter*> parameters, SgdOptions options) : Optimizer(std::move(parameters)), options_(options) {
  // From zero the first step gives v = momentum * 0 + g: no flag is needed to tell it apart.
  for (const Parameter* parameter : parameters_) velocity_.push_back(Tensor::zeros(parameter->value.shape()));
}

void Sgd::step(double learning_rate) {
  const profile::Scope scope(profile::Phase::optimizer, "sgd");
  const auto kernel = kernels::active().vector.sgd;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& parameter = *parameters_[i];
    if (!parameter.grad.defined()) continue;
    check_shape("sgd", parameter.name.c_str(), parameter.grad, parameter.value.shape());
    check_shape("sgd", "velocity", velocity_[i], parameter.value.shape());
    float* const w = parameter.value.data();
    float* const v = velocity_[i].data();
    const float* const grad = parameter.grad.data();
    parallel_for(parameter.value.size(), 1 << 14, [&](int64_t begin, int64_t end) {
      kernel(w + begin, v + begin, grad + begin, static_cast<float>(learning_rate),
             static_cast<float>(options_.momentum), static_cast<float>(options_.weight_decay), end - begin);
    });
  }
}

std::vector<NamedTensor> Sgd::state() {
  std::vector<NamedTensor> all;
  for (size_t i = 0; i < parameters_.size(); ++i) all.push_back({parameters_[i]->name + ".velocity", &velocity_[i]});
  return all;
}

}  // namespace fqt::optim
