#include "engine/ops/activation.h"

#include <string>

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/support.h"
#include "engine/profile.h"

namespace fqt::ops {
namespace {

constexpr int64_t kWork = 16;  ///< additions that an exponential is worth

Tensor apply(void (*kernel)(float* y, const float* x, int64_t count), const Tensor& x) {
  Tensor y(x.shape());
  parallel_for(y.size(), grain(kWork),
               [&](int64_t begin, int64_t end) { kernel(y.data() + begin, x.data() + begin, end - begin); });
  return y;
}

/// Records y = f(x), whose gradient is grad * slope(y).
template <typename Slope>
Var record(Tape& tape, const Var& x, Tensor y, const Slope& slope) {
  return tape.record(y, {x}, [y, slope](const Tensor& grad) {
    Tensor grad_x = over(grad);
    float* const to = grad_x.data();
    parallel_for(y.size(), grain(1), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) to[i] = grad.data()[i] * slope(y.data()[i]);
    });
    return std::vector<Tensor>{grad_x};
  });
}

constexpr Activation kActivations[] = {
    {"relu", relu},
    {"gelu", gelu},
    {"tanh", tanh},
    {"sigmoid", sigmoid},
};

}  // namespace

Var tanh(Tape& tape, const Var& x) {
  const profile::Scope scope(profile::Phase::pointwise, "tanh");
  return record(tape, x, apply(kernels::active().vector.tanh, x.value()), [](float y) { return 1.0f - y * y; });
}

Var sigmoid(Tape& tape, const Var& x) {
  const profile::Scope scope(profile::Phase::pointwise, "sigmoid");
  return record(tape, x, apply(kernels::active().vector.sigmoid, x.value()), [](float y) { return y * (1.0f - y); });
}

Var gelu(Tape& tape, const Var& x) {
  const profile::Scope scope(profile::Phase::pointwise, "gelu");
  return tape.record(apply(kernels::active().vector.gelu, x.value()), {x}, [x = x.value()](const Tensor& grad) {
    Tensor grad_x = over(grad);
    const auto kernel = kernels::active().vector.gelu_grad;
    parallel_for(x.size(), grain(kWork), [&](int64_t begin, int64_t end) {
      kernel(grad_x.data() + begin, x.data() + begin, grad.data() + begin, end - begin);
    });
    return std::vector<Tensor>{grad_x};
  });
}

std::span<const Activation> activations() { return kActivations; }

const Activation& find_activation(std::string_view name) {
  std::string known;
  for (const Activation& activation : kActivations) {
    if (activation.name == name) return activation;
    known += (known.empty() ? "" : ", ") + std::string(activation.name);
  }
  fail(ErrorKind::usage, "[activation] no activation '{}'; known: {}", name, known);
}

}  // namespace fqt::ops
