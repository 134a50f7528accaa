#include "engine/ops/softmax.h"

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/ops/support.h"
#include "engine/profile.h"

namespace fqt::ops {
namespace {

/// The rows of x, and how many columns each of them sees.
struct Rows {
  int64_t rows, columns, height;
  bool causal;

  Rows(const Tensor& x, bool causal)
      : rows(x.size() / std::max<int64_t>(x.dim(-1), 1)), columns(x.dim(-1)), height(x.dim(-2)), causal(causal) {}
  int64_t seen(int64_t row) const { return causal ? std::min(row % height + 1, columns) : columns; }

  /// Calls body(row's offset, columns seen), on all threads, and fills what is not seen with 0.
  template <typename Body>
  void run(Tensor& result, const Body& body) const {
    parallel_for(rows, grain(columns * 8), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t count = seen(row);
        body(row * columns, count);
        std::fill(result.data() + row * columns + count, result.data() + (row + 1) * columns, 0.0f);
      }
    });
  }
};

}  // namespace

Var softmax(Tape& tape, const Var& x, const SoftmaxOptions& options) {
  const profile::Scope scope(profile::Phase::sequence, "softmax");
  check(x.value().rank() >= 2 && x.value().size() > 0, "[softmax] input has shape {}, expected [..., rows, columns]",
        to_string(x.shape()));
  check(!options.causal || x.value().dim(-1) <= x.value().dim(-2),
        "[softmax] a causal mask over {} columns of {} rows: the last ones would be seen by none", x.value().dim(-1),
        x.value().dim(-2));
  const Rows rows(x.value(), options.causal);
  Tensor y(x.shape());
  const kernels::VectorKernels& kernel = kernels::active().vector;
  rows.run(y, [&](int64_t at, int64_t count) {
    const float* const from = x.value().data() + at;
    float* const to = y.data() + at;
    kernel.exp_scaled(to, from, kernel.largest(from, count), options.scale, count);
    kernel.times(to, to, static_cast<float>(1 / kernel.total(to, count)), count);
  });
  return tape.record(y, {x}, [y, rows, scale = options.scale](const Tensor& grad) {
    Tensor grad_x(y.shape());
    const kernels::VectorKernels& kernel = kernels::active().vector;
    rows.run(grad_x, [&](int64_t at, int64_t count) {
      const float* const share = y.data() + at;
      const float* const from = grad.data() + at;
      kernel.softmax_grad(grad_x.data() + at, share, from, static_cast<float>(kernel.dot(from, share, count)), scale,
                          count);
    });
    return std::vector<Tensor>{grad_x};
  });
}

}  // namespace fqt::ops
