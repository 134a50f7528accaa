#include "engine/ops/lstm.h"

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/ops/support.h"
#include "engine/profile.h"

namespace fqt::ops {
namespace {

struct Saved {
  Tensor gates, tanh_cell, before;
};

std::vector<Tensor> gradients(const Saved& saved, const std::vector<Tensor>& grads) {
  const int64_t rows = saved.before.dim(0), hidden = saved.before.dim(1);
  const auto or_zeros = [&](const Tensor& grad) { return grad.defined() ? grad : Tensor::zeros({rows, hidden}); };
  const Tensor output = or_zeros(grads[0]), cell = or_zeros(grads[1]);
  Tensor gates({rows, 4 * hidden}), before({rows, hidden});
  const kernels::LstmCellGrad task{saved.gates.data(), saved.tanh_cell.data(), saved.before.data(), output.data(),
                                   cell.data(),        gates.data(),           before.data()};
  parallel_for(rows, grain(hidden * 16),
               [&](int64_t begin, int64_t end) { kernels::active().vector.lstm_cell_grad(task, hidden, begin, end); });
  return {gates, gates, std::move(before)};
}

}  // namespace

LstmState lstm_cell(Tape& tape, const Var& input, const Var& recurrent, const Var& cell) {
  const profile::Scope scope(profile::Phase::sequence, "lstm_cell");
  check(cell.value().rank() == 2, "[lstm_cell] the cell has shape {}, expected [N, H]", to_string(cell.shape()));
  const int64_t rows = cell.value().dim(0), hidden = cell.value().dim(1);
  check_shape("lstm_cell", "the input's product", input.value(), {rows, 4 * hidden});
  check_shape("lstm_cell", "the recurrent product", recurrent.value(), {rows, 4 * hidden});
  Saved saved{Tensor({rows, 4 * hidden}), Tensor({rows, hidden}), cell.value()};
  Tensor after({rows, hidden}), output({rows, hidden});
  const kernels::LstmCell task{input.value().data(), recurrent.value().data(), saved.before.data(), saved.gates.data(),
                               after.data(),         saved.tanh_cell.data(),   output.data()};
  parallel_for(rows, grain(hidden * 64),
               [&](int64_t begin, int64_t end) { kernels::active().vector.lstm_cell(task, hidden, begin, end); });
  std::vector<Var> results =
      tape.record_all({std::move(output), std::move(after)}, {input, recurrent, cell},
                      [saved = std::move(saved)](const std::vector<Tensor>& grads) { return gradients(saved, grads); });
  return {std::move(results[0]), std::move(results[1])};
}

}  // namespace fqt::ops
