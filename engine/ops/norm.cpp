#include "engine/ops/norm.h"

#include <cmath>

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/ops/normalize.h"
#include "engine/ops/support.h"
#include "engine/profile.h"

namespace fqt::ops {
namespace {

struct Moments {
  std::vector<double> mean, squares;  ///< per channel: the mean, and the sum of squared distances from it
};

/// Moments of chunks, put together in order: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for
/// computing sample variances", 1979.
Moments column_moments(const Tensor& x, int64_t rows, int64_t channels) {
  const int64_t chunks = chunk_count(rows, channels);
  Tensor partial({chunks, 2, channels});
  const auto kernel = kernels::active().vector.column_moments;
  for_chunks(rows, channels, [&](int64_t chunk, int64_t begin, int64_t end) {
    float* const mean = partial.data() + chunk * 2 * channels;
    kernel(mean, mean + channels, x.data() + begin * channels, end - begin, channels);
  });
  Moments total{std::vector<double>(channels), std::vector<double>(channels)};
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    const float* const mean = partial.data() + chunk * 2 * channels;
    const float* const squares = mean + channels;
    const double before = static_cast<double>(chunk * chunk_rows(channels));
    const double after = static_cast<double>(std::min(rows, (chunk + 1) * chunk_rows(channels)));
    const double share = (after - before) / after;
    for (size_t c = 0; c < total.mean.size(); ++c) {
      const double distance = mean[c] - total.mean[c];
      total.mean[c] += distance * share;
      total.squares[c] += squares[c] + distance * distance * before * share;
    }
  }
  return total;
}

std::vector<Tensor> batch_norm_grad(const Normalized& normalized, bool training, const Tensor& grad) {
  NormalizedSums sums = normalized_sums(normalized, grad);
  const int64_t channels = normalized.x.dim(-1), rows = normalized.x.size() / channels;
  Tensor slope({channels}), offset({channels});
  for (int64_t c = 0; c < channels; ++c) {
    const size_t at = static_cast<size_t>(c);
    const double inverse = normalized.norm.inverse[at];
    // grad_x = scale * (g - sum / rows - (x - mean) * inverse * grad_gamma / rows): the batch's own mean and variance
    // move with x. Running statistics do not.
    const double share = training ? normalized.norm.scale.data()[c] / static_cast<double>(rows) : 0.0;
    slope.data()[c] = static_cast<float>(-share * sums.product[at] * inverse * inverse);
    offset.data()[c] = static_cast<float>(-share * sums.g[at]);
  }
  return normalized_grads(normalized, std::move(sums), slope, offset, grad);
}

Var batch_norm(const char* name, Tape& tape, const Var& x, const Var& gamma, const Var& beta, Tensor& running_mean,
               Tensor& running_var, const NormOptions& options, const Tail& tail) {
  const profile::Scope scope(profile::Phase::norm, name);
  check_norm(name, x, gamma, beta, running_mean, tail);
  const int64_t channels = x.value().dim(-1), rows = x.value().size() / channels;
  check_shape(name, "running_var", running_var, {channels});
  check(!options.training || rows >= 2, "[{}] input has shape {}: training needs at least two values a channel", name,
        to_string(x.shape()));

  std::vector<double> mean, variance;
  if (options.training) {
    Moments moments = column_moments(x.value(), rows, channels);
    mean = std::move(moments.mean);
    variance = std::move(moments.squares);
    for (double& value : variance) value /= static_cast<double>(rows - 1);
    update_running(running_mean, mean, options.momentum);
    update_running(running_var, variance, options.momentum);
    for (double& value : variance) value *= static_cast<double>(rows - 1) / static_cast<double>(rows);
  } else {
    mean.assign(running_mean.values().begin(), running_mean.values().end());
    variance.assign(running_var.values().begin(), running_var.values().end());
  }
  std::vector<double> inverse;
  for (const double value : variance) inverse.push_back(1.0 / std::sqrt(value + options.epsilon));
  return normalize(tape, x, gamma, beta, affine(mean, std::move(inverse), gamma.value(), beta.value()), tail,
                   [training = options.training](const Normalized& normalized, const Tensor& grad) {
                     return batch_norm_grad(normalized, training, grad);
                   });
}

}  // namespace

Var batch_norm(Tape& tape, const Var& x, const Var& gamma, const Var& beta, Tensor& running_mean, Tensor& running_var,
               const NormOptions& options) {
  return batch_norm("batch_norm", tape, x, gamma, beta, running_mean, running_var, options, {});
}

Var batch_norm_relu(Tape& tape, const Var& x, const Var& gamma, const Var& beta, Tensor& running_mean,
                    Tensor& running_var, const NormOptions& options) {
  return batch_norm("batch_norm_relu", tape, x, gamma, beta, running_mean, running_var, options, {.relu = true});
}

Var batch_norm_add_relu(Tape& tape, const Var& x, const Var& gamma, const Var& beta, Tensor& running_mean,
                        Tensor& running_var, const Var& residual, const NormOptions& options) {
  return batch_norm("batch_norm_add_relu", tape, x, gamma, beta, running_mean, running_var, options,
                    {.relu = true, .residual = &residual});
}

}  // namespace fqt::ops
