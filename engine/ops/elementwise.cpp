#include "engine/ops/elementwise.h"

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/ops/support.h"
#include "engine/profile.h"

namespace fqt::ops {

Var add(Tape& tape, const Var& a, const Var& b) {
  const profile::Scope scope(profile::Phase::pointwise, "add");
  check(a.shape() == b.shape(), "[add] cannot add shape {} to shape {}", to_string(b.shape()), to_string(a.shape()));
  Tensor sum(a.shape());
  const auto kernel = kernels::active().vector.sum;
  parallel_for(sum.size(), grain(1), [&](int64_t begin, int64_t end) {
    kernel(sum.data() + begin, a.value().data() + begin, b.value().data() + begin, end - begin);
  });
  return tape.record(std::move(sum), {a, b}, [](const Tensor& grad) { return std::vector<Tensor>{grad, grad}; });
}

Var scale(Tape& tape, const Var& x, float factor) {
  const profile::Scope scope(profile::Phase::pointwise, "scale");
  const auto apply = [factor](const Tensor& from, Tensor to) {
    const auto kernel = kernels::active().vector.times;
    parallel_for(to.size(), grain(1), [&](int64_t begin, int64_t end) {
      kernel(to.data() + begin, from.data() + begin, factor, end - begin);
    });
    return to;
  };
  return tape.record(apply(x.value(), Tensor(x.shape())), {x},
                     [apply](const Tensor& grad) { return std::vector<Tensor>{apply(grad, over(grad))}; });
}

namespace {

using Activate = void (*)(float* y, const float* x, int64_t count);
using ActivateGrad = void (*)(float* grad_x, const float* y, const float* grad, int64_t count);

/// y = activate(x), whose gradient can be told from y.
Var activation(Tape& tape, const Var& x, Activate activate, ActivateGrad activate_grad) {
  Tensor y(x.shape());
  parallel_for(y.size(), grain(1),
               [&](int64_t begin, int64_t end) { activate(y.data() + begin, x.value().data() + begin, end - begin); });
  return tape.record(y, {x}, [y, activate_grad](const Tensor& grad) {
    Tensor grad_x = over(grad);
    parallel_for(y.size(), grain(1), [&](int64_t begin, int64_t end) {
      activate_grad(grad_x.data() + begin, y.data() + begin, grad.data() + begin, end - begin);
    });
    return std::vector<Tensor>{grad_x};
  });
}

}  // namespace

Var relu(Tape& tape, const Var& x) {
  const profile::Scope scope(profile::Phase::pointwise, "relu");
  const kernels::VectorKernels& vector = kernels::active().vector;
  return activation(tape, x, vector.relu, vector.relu_grad);
}

Var relu6(Tape& tape, const Var& x) {
  const profile::Scope scope(profile::Phase::pointwise, "relu6");
  const kernels::VectorKernels& vector = kernels::active().vector;
  return activation(tape, x, vector.relu6, vector.relu6_grad);
}

Var reshape(Tape& tape, const Var& x, Shape shape) {
  return tape.record(x.value().reshape(std::move(shape)), {x},
                     [from = x.shape()](const Tensor& grad) { return std::vector<Tensor>{grad.reshape(from)}; });
}

namespace {

/// The sum of every column of x[rows, columns].
Tensor sum_rows(const Tensor& x, int64_t rows, int64_t columns) {
  const int64_t chunks = chunk_count(rows, columns);
  Tensor partial({chunks, columns});
  const auto kernel = kernels::active().vector.column_sums;
  for_chunks(rows, columns, [&](int64_t chunk, int64_t begin, int64_t end) {
    kernel(partial.data() + chunk * columns, x.data() + begin * columns, end - begin, columns);
  });
  Tensor sums({columns});
  for (int64_t c = 0; c < columns; ++c) {
    double sum = 0;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) sum += partial.data()[chunk * columns + c];
    sums.data()[c] = static_cast<float>(sum);
  }
  return sums;
}

}  // namespace

Var add_bias(Tape& tape, const Var& x, const Var& bias) {
  const profile::Scope scope(profile::Phase::pointwise, "add_bias");
  check(x.value().rank() >= 1, "[add_bias] input has shape {}, expected [..., channels]", to_string(x.shape()));
  const int64_t columns = x.value().dim(-1);
  check_shape("add_bias", "bias", bias.value(), {columns});
  const int64_t rows = columns ? x.value().size() / columns : 0;
  Tensor y(x.shape());
  const auto kernel = kernels::active().vector.add_row;
  parallel_for(rows, grain(columns), [&](int64_t begin, int64_t end) {
    kernel(y.data() + begin * columns, x.value().data() + begin * columns, bias.value().data(), end - begin, columns);
  });
  return tape.record(std::move(y), {x, bias}, [rows, columns](Tensor grad) {
    Tensor grad_bias = sum_rows(grad, rows, columns);
    return std::vector<Tensor>{std::move(grad), std::move(grad_bias)};
  });
}

}  // namespace fqt::ops
