#include "engine/optim/adam.h"

#include <cmath>

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/parallel.h"
#include "engine/profile.h"

namespace fqt::optim {
namespace {

/// base^exponent by repeated squaring: IEEE multiplications alone.
double power(double base, int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent /= 2, base *= base)
    if (exponent % 2 == 1) result *= base;
  return result;
}

}  // namespace

Adam::Adam(std::vector<Parameter*> parameters, AdamOptions options)
    : Optimizer(std::move(parameters)), options_(options) {
  for (const Parameter* parameter : parameters_) {
    first_.push_back(Tensor::zeros(parameter->value.shape()));
    second_.push_back(Tensor::zeros(parameter->value.shape()));
  }
}

void Adam::step(double learning_rate) {
  const profile::Scope scope(profile::Phase::optimizer, "adam");
  steps_ = Tensor::scalar(steps_.item() + 1);
  const int64_t t = static_cast<int64_t>(steps_.item());
  const AdamOptions& o = options_;
  kernels::AdamStep task{};
  task.beta1 = static_cast<float>(o.beta1);
  task.beta2 = static_cast<float>(o.beta2);
  task.one_minus_beta1 = static_cast<float>(1 - o.beta1);
  task.one_minus_beta2 = static_cast<float>(1 - o.beta2);
  task.rate = static_cast<float>(learning_rate / (1 - power(o.beta1, t)));
  task.root_correction = static_cast<float>(std::sqrt(1 - power(o.beta2, t)));
  task.epsilon = static_cast<float>(o.epsilon);
  task.decay = o.decoupled ? 0.0f : static_cast<float>(o.weight_decay);
  task.keep = o.decoupled ? static_cast<float>(1 - learning_rate * o.weight_decay) : 1.0f;
  const auto kernel = kernels::active().vector.adam;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& parameter = *parameters_[i];
    if (!parameter.grad.defined()) continue;
    check_shape("adam", parameter.name.c_str(), parameter.grad, parameter.value.shape());
    check_shape("adam", "first moment", first_[i], parameter.value.shape());
    check_shape("adam", "second moment", second_[i], parameter.value.shape());
    float* const w = parameter.value.data();
    parallel_for(parameter.value.size(), 1 << 14, [&](int64_t begin, int64_t end) {
      kernel(w + begin, first_[i].data() + begin, second_[i].data() + begin, parameter.grad.data() + begin, task,
             end - begin);
    });
  }
}

std::vector<NamedTensor> Adam::state() {
  std::vector<NamedTensor> all{{"adam.steps", &steps_}};
  for (size_t i = 0; i < parameters_.size(); ++i) {
    all.push_back({parameters_[i]->name + ".first_moment", &first_[i]});
    all.push_back({parameters_[i]->name + ".second_moment", &second_[i]});
  }
  return all;
}

}  // namespace fqt::optim
