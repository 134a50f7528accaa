#include "engine/ops/normalize.h"

#include "engine/check.h"
#include "engine/extremes.h"
#include "engine/kernels/table.h"
#include "engine/ops/support.h"

namespace fqt::ops {

void check_norm(const char* name, const Var& x, const Var& gamma, const Var& beta, const Tensor& running_mean,
                const Tail& tail) {
  check(x.value().rank() >= 1 && x.value().dim(-1) >= 1, "[{}] input has shape {}, expected [..., channels]", name,
        to_string(x.shape()));
  const int64_t channels = x.value().dim(-1);
  check_shape(name, "gamma", gamma.value(), {channels});
  check_shape(name, "beta", beta.value(), {channels});
  check_shape(name, "running_mean", running_mean, {channels});
  if (!tail.residual) return;
  check_shape(name, "residual", tail.residual->value(), x.shape());
  if (!tail.relu) fail(ErrorKind::internal, "[{}] a residual without a ReLU behind it", name);
}

void update_running(Tensor& running, const std::vector<double>& batch, double momentum) {
  for (size_t c = 0; c < batch.size(); ++c)
    running.data()[c] = static_cast<float>(momentum * running.data()[c] + (1.0 - momentum) * batch[c]);
}

Affine affine(const std::vector<double>& mean, std::vector<double> inverse, const Tensor& gamma, const Tensor& beta) {
  Affine result{Tensor(gamma.shape()), Tensor(gamma.shape()), Tensor(gamma.shape()), std::move(inverse)};
  for (size_t c = 0; c < mean.size(); ++c) {
    const double scale = gamma.data()[c] * result.inverse[c];
    result.mean.data()[c] = static_cast<float>(mean[c]);
    result.scale.data()[c] = static_cast<float>(scale);
    result.shift.data()[c] = static_cast<float>(beta.data()[c] - mean[c] * scale);
  }
  return result;
}

namespace {

kernels::NormalizeGrad grad_task(const Normalized& normalized, const Tensor& grad) {
  const auto& [x, norm, relu, residual, positive] = normalized;
  return {x.data(), norm.mean.data(), norm.scale.data(), norm.shift.data(), residual ? positive.data() : nullptr,
          relu,     grad.data()};
}

}  // namespace

NormalizedSums normalized_sums(const Normalized& normalized, const Tensor& grad) {
  const int64_t channels = normalized.x.dim(-1), rows = normalized.x.size() / channels;
  const int64_t chunks = chunk_count(rows, channels);
  const size_t count = static_cast<size_t>(channels);
  NormalizedSums sums{std::vector<double>(count), std::vector<double>(count),
                      normalized.residual ? over(grad) : Tensor()};
  const kernels::NormalizeGrad task = grad_task(normalized, grad);
  const auto kernel = kernels::active().vector.normalize_grad_sums;
  Tensor partial({chunks, 2, channels});
  for_chunks(rows, channels, [&](int64_t chunk, int64_t begin, int64_t end) {
    float* const part = partial.data() + chunk * 2 * channels;
    kernel(task, sums.masked.data(), channels, begin, end, part, part + channels);
  });
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    const float* const part = partial.data() + chunk * 2 * channels;
    for (size_t c = 0; c < count; ++c) {
      sums.g[c] += part[c];
      sums.product[c] += part[count + c];
    }
  }
  return sums;
}

std::vector<Tensor> normalized_grads(const Normalized& normalized, NormalizedSums sums, const Tensor& slope,
                                     const Tensor& offset, const Tensor& grad) {
  const int64_t channels = normalized.x.dim(-1), rows = normalized.x.size() / channels;
  Tensor grad_gamma({channels}), grad_beta({channels});
  for (int64_t c = 0; c < channels; ++c) {
    const size_t at = static_cast<size_t>(c);
    grad_gamma.data()[c] = static_cast<float>(sums.product[at] * normalized.norm.inverse[at]);
    grad_beta.data()[c] = static_cast<float>(sums.g[at]);
  }

  kernels::NormalizeGrad task = grad_task(normalized, grad);
  if (normalized.residual) {  // the sums' pass has left g behind
    task.positive = nullptr;
    task.relu = false;
    task.grad = sums.masked.data();
  }
  // grad may hold the residual's gradient by now, and nobody reads x after this.
  Tensor grad_x = over(normalized.residual ? normalized.x : grad);
  const auto kernel = kernels::active().vector.normalize_grad;
  float* const to = grad_x.data();
  grad_x.note_extremes(
      parallel_extremes(rows, grain(channels), [&](int64_t begin, int64_t end, kernels::Extremes* extremes) {
        kernel(task, slope.data(), offset.data(), to, channels, begin, end, extremes);
      }));
  std::vector<Tensor> grads{std::move(grad_x), std::move(grad_gamma), std::move(grad_beta)};
  if (normalized.residual) grads.push_back(std::move(sums.masked));
  return grads;
}

Var normalize(Tape& tape, const Var& x, const Var& gamma, const Var& beta, Affine norm, const Tail& tail,
              NormalizedGrad gradient) {
  const int64_t channels = x.value().dim(-1), rows = x.value().size() / channels;
  Tensor y(x.shape());
  // Without a residual, x decides anew what passes the ReLU: nothing more to keep.
  Buffer<uint16_t> positive;
  if (tail.residual) positive = Buffer<uint16_t>(rows * kernels::bit_words(channels));
  const kernels::Normalize task{
      x.value().data(), norm.scale.data(), norm.shift.data(), tail.residual ? tail.residual->value().data() : nullptr,
      tail.relu,        y.data(),          positive.data()};
  const auto kernel = kernels::active().vector.normalize;
  y.note_extremes(parallel_extremes(
      rows, grain(channels),
      [&](int64_t begin, int64_t end, kernels::Extremes* extremes) { kernel(task, channels, begin, end, extremes); }));

  std::vector<Var> inputs{x, gamma, beta};
  if (tail.residual) inputs.push_back(*tail.residual);
  Normalized normalized{x.value(), std::move(norm), tail.relu, tail.residual != nullptr, std::move(positive)};
  return tape.record(std::move(y), inputs,
                     [normalized = std::move(normalized), gradient = std::move(gradient)](const Tensor& grad) {
                       return gradient(normalized, grad);
                     });
}

}  // namespace fqt::ops
