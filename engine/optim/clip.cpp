#include "engine/optim/clip.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/parallel.h"
#include "engine/profile.h"

namespace fqt::optim {
namespace {

constexpr int64_t kChunk = 1 << 14;  ///< values whose squares are summed together; part of the numbers' definition

double sum_of_squares(const Tensor& x) {
  const auto kernel = kernels::active().vector.dot;
  std::vector<double> partial(static_cast<size_t>((x.size() + kChunk - 1) / kChunk));
  parallel_for(static_cast<int64_t>(partial.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      const float* const from = x.data() + chunk * kChunk;
      partial[static_cast<size_t>(chunk)] = kernel(from, from, std::min(kChunk, x.size() - chunk * kChunk));
    }
  });
  double sum = 0;
  for (const double chunk : partial) sum += chunk;
  return sum;
}

}  // namespace

double clip_gradients(const std::vector<Parameter*>& parameters, double max_norm) {
  const profile::Scope scope(profile::Phase::optimizer, "clip");
  check(max_norm > 0, "[clip_gradients] a largest norm of {}; give more than 0", max_norm);
  double squares = 0;
  for (const Parameter* parameter : parameters)
    if (parameter->grad.defined()) squares += sum_of_squares(parameter->grad);
  const double norm = std::sqrt(squares);
  if (!std::isfinite(norm))
    fail(ErrorKind::data,
         "[clip_gradients] the norm of the gradients is {}: training has diverged; lower the learning rate, or give "
         "the gradients more bits",
         norm);
  if (norm <= max_norm) return norm;
  const float factor = static_cast<float>(max_norm / norm);
  const auto kernel = kernels::active().vector.times;
  for (Parameter* parameter : parameters) {
    if (!parameter->grad.defined()) continue;
    const Tensor from = std::exchange(parameter->grad, Tensor());
    Tensor to = from.unique() ? from : Tensor(from.shape());
    float* const out = to.data();
    parallel_for(to.size(), kChunk,
                 [&](int64_t begin, int64_t end) { kernel(out + begin, from.data() + begin, factor, end - begin); });
    parameter->grad = std::move(to);
  }
  return norm;
}

}  // namespace fqt::optim
