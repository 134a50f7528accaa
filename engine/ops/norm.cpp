#include "engine/ops/norm.h"

#include <cmath>

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/ops/support.h"

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

/// Normalization as one multiplication and one addition a value, and what its gradient needs. All of shape [channels].
struct Affine {
  Tensor mean, scale, shift;
  std::vector<double> inverse_deviation;
};

Affine affine(const std::vector<double>& mean, const std::vector<double>& variance, const Tensor& gamma,
              const Tensor& beta, double epsilon) {
  Affine result{Tensor(gamma.shape()), Tensor(gamma.shape()), Tensor(gamma.shape()), {}};
  for (size_t c = 0; c < mean.size(); ++c) {
    const double inverse = 1.0 / std::sqrt(variance[c] + epsilon);
    const double scale = gamma.data()[c] * inverse;
    result.inverse_deviation.push_back(inverse);
    result.mean.data()[c] = static_cast<float>(mean[c]);
    result.scale.data()[c] = static_cast<float>(scale);
    result.shift.data()[c] = static_cast<float>(beta.data()[c] - mean[c] * scale);
  }
  return result;
}

void update_running(Tensor& running, const std::vector<double>& batch, double momentum) {
  for (size_t c = 0; c < batch.size(); ++c)
    running.data()[c] = static_cast<float>(momentum * running.data()[c] + (1.0 - momentum) * batch[c]);
}

/// What follows the normalization in the same pass.
struct Tail {
  bool relu = false;
  const Var* residual = nullptr;  ///< added before the ReLU
};

/// The gradients of x, gamma, beta and, where `y` is defined, of the residual.
std::vector<Tensor> batch_norm_grad(const Tensor& x, const Affine& norm, const Tensor& y, bool relu, bool training,
                                    const Tensor& grad) {
  const int64_t channels = x.dim(-1), rows = x.size() / channels, chunks = chunk_count(rows, channels);
  const kernels::VectorKernels& kernel = kernels::active().vector;
  kernels::NormalizeGrad task{
      x.data(), norm.mean.data(), norm.scale.data(), norm.shift.data(), y.defined() ? y.data() : nullptr,
      relu,     grad.data()};

  Tensor masked = y.defined() ? over(grad) : Tensor();
  Tensor partial({chunks, 2, channels});
  for_chunks(rows, channels, [&](int64_t chunk, int64_t begin, int64_t end) {
    float* const sums = partial.data() + chunk * 2 * channels;
    kernel.normalize_grad_sums(task, masked.data(), channels, begin, end, sums, sums + channels);
  });

  Tensor grad_gamma({channels}), grad_beta({channels}), slope({channels}), offset({channels});
  for (int64_t c = 0; c < channels; ++c) {
    double sum = 0, product = 0;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      sum += partial.data()[chunk * 2 * channels + c];
      product += partial.data()[(chunk * 2 + 1) * channels + c];
    }
    const double inverse = norm.inverse_deviation[static_cast<size_t>(c)];
    grad_gamma.data()[c] = static_cast<float>(product * inverse);
    grad_beta.data()[c] = static_cast<float>(sum);
    // grad_x = scale * (g - sum / rows - (x - mean) * inverse * grad_gamma / rows): the batch's own mean and variance
    // move with x. Running statistics do not.
    const double share = training ? norm.scale.data()[c] / static_cast<double>(rows) : 0.0;
    slope.data()[c] = static_cast<float>(-share * product * inverse * inverse);
    offset.data()[c] = static_cast<float>(-share * sum);
  }

  if (y.defined()) {  // the sums' pass has left g in `masked`
    task.y = nullptr;
    task.relu = false;
    task.grad = masked.data();
  }
  Tensor grad_x = y.defined() ? Tensor(x.shape()) : over(grad);
  parallel_for(rows, grain(channels), [&](int64_t begin, int64_t end) {
    kernel.normalize_grad(task, slope.data(), offset.data(), grad_x.data(), channels, begin, end);
  });
  std::vector<Tensor> grads{std::move(grad_x), std::move(grad_gamma), std::move(grad_beta)};
  if (y.defined()) grads.push_back(std::move(masked));
  return grads;
}

Var normalize(const char* name, Tape& tape, const Var& x, const Var& gamma, const Var& beta, Tensor& running_mean,
              Tensor& running_var, const BatchNormOptions& options, const Tail& tail) {
  check(x.value().rank() >= 1 && x.value().dim(-1) >= 1, "[{}] input has shape {}, expected [..., channels]", name,
        to_string(x.shape()));
  const int64_t channels = x.value().dim(-1), rows = x.value().size() / channels;
  check_shape(name, "gamma", gamma.value(), {channels});
  check_shape(name, "beta", beta.value(), {channels});
  check_shape(name, "running_mean", running_mean, {channels});
  check_shape(name, "running_var", running_var, {channels});
  if (tail.residual) check_shape(name, "residual", tail.residual->value(), x.shape());
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

  Affine norm = affine(mean, variance, gamma.value(), beta.value(), options.epsilon);
  Tensor y(x.shape());
  const kernels::Normalize task{x.value().data(),  norm.scale.data(),
                                norm.shift.data(), tail.residual ? tail.residual->value().data() : nullptr,
                                tail.relu,         y.data()};
  const auto kernel = kernels::active().vector.normalize;
  parallel_for(rows, grain(channels), [&](int64_t begin, int64_t end) { kernel(task, channels, begin, end); });

  std::vector<Var> inputs{x, gamma, beta};
  if (tail.residual) inputs.push_back(*tail.residual);
  // Without a residual, x decides anew what passed the ReLU: one tensor fewer to keep and to read.
  return tape.record(
      y, inputs,
      [x = x.value(), norm = std::move(norm), y = tail.residual ? y : Tensor(), relu = tail.relu,
       training = options.training](Tensor grad) { return batch_norm_grad(x, norm, y, relu, training, grad); });
}

}  // namespace

Var batch_norm(Tape& tape, const Var& x, const Var& gamma, const Var& beta, Tensor& running_mean, Tensor& running_var,
               const BatchNormOptions& options) {
  return normalize("batch_norm", tape, x, gamma, beta, running_mean, running_var, options, {});
}

Var batch_norm_relu(Tape& tape, const Var& x, const Var& gamma, const Var& beta, Tensor& running_mean,
                    Tensor& running_var, const BatchNormOptions& options) {
  return normalize("batch_norm_relu", tape, x, gamma, beta, running_mean, running_var, options, {.relu = true});
}

Var batch_norm_add_relu(Tape& tape, const Var& x, const Var& gamma, const Var& beta, Tensor& running_mean,
                        Tensor& running_var, const Var& residual, const BatchNormOptions& options) {
  return normalize("batch_norm_add_relu", tape, x, gamma, beta, running_mean, running_var, options,
                   {.relu = true, .residual = &residual});
}

}  // namespace fqt::ops
