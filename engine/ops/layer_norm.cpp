#include "engine/ops/layer_norm.h"

#include <cmath>

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/ops/support.h"
#include "engine/profile.h"

namespace fqt::ops {
namespace {

struct NormalizedRows {
  Tensor x, gamma, beta;
  Tensor mean, inverse;  ///< of every row; inverse = 1 / sqrt(var + epsilon)

  int64_t columns() const { return gamma.size(); }
  int64_t rows() const { return mean.size(); }
  kernels::LayerNormRow row(int64_t r) const {
    return {x.data() + r * columns(), gamma.data(), beta.data(), mean.data()[r], inverse.data()[r]};
  }
};

/// The sum of partial[chunk][c] over the chunks, in order.
Tensor join(const Tensor& partial) {
  const int64_t chunks = partial.dim(0), columns = partial.dim(1);
  Tensor sums({columns});
  for (int64_t c = 0; c < columns; ++c) {
    double sum = 0;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) sum += partial.data()[chunk * columns + c];
    sums.data()[c] = static_cast<float>(sum);
  }
  return sums;
}

std::vector<Tensor> gradients(const NormalizedRows& norm, const Tensor& grad) {
  const int64_t rows = norm.rows(), columns = norm.columns(), chunks = chunk_count(rows, columns);
  Tensor grad_x(grad.shape()), gamma = Tensor::zeros({chunks, columns}), beta = Tensor::zeros({chunks, columns});
  const auto kernel = kernels::active().vector.layer_norm_grad;
  for_chunks(rows, columns, [&](int64_t chunk, int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      kernel(grad_x.data() + r * columns, gamma.data() + chunk * columns, beta.data() + chunk * columns, norm.row(r),
             grad.data() + r * columns, columns);
  });
  return {std::move(grad_x), join(gamma), join(beta)};
}

}  // namespace

Var layer_norm(Tape& tape, const Var& x, const Var& gamma, const Var& beta, double epsilon) {
  const profile::Scope scope(profile::Phase::norm, "layer_norm");
  check(x.value().rank() >= 1 && x.value().size() > 0, "[layer_norm] input has shape {}, expected [..., C]",
        to_string(x.shape()));
  const int64_t columns = x.value().dim(-1), rows = x.value().size() / columns;
  check_shape("layer_norm", "gamma", gamma.value(), {columns});
  check_shape("layer_norm", "beta", beta.value(), {columns});
  NormalizedRows norm{x.value(), gamma.value(), beta.value(), Tensor({rows}), Tensor({rows})};
  Tensor y(x.shape());
  const kernels::VectorKernels& kernel = kernels::active().vector;
  parallel_for(rows, grain(columns), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float* const row = norm.x.data() + r * columns;
      const double mean = kernel.total(row, columns) / static_cast<double>(columns);
      const double variance = kernel.squares(row, mean, columns) / static_cast<double>(columns);
      norm.mean.data()[r] = static_cast<float>(mean);
      norm.inverse.data()[r] = static_cast<float>(1 / std::sqrt(variance + epsilon));
      kernel.layer_norm(y.data() + r * columns, norm.row(r), columns);
    }
  });
  return tape.record(std::move(y), {x, gamma, beta},
                     [norm = std::move(norm)](const Tensor& grad) { return gradients(norm, grad); });
}

}  // namespace fqt::ops
