// The operations of sequence models against their formulas in float64, and their bits on every instruction set.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/ops/activation.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/embedding.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/loss.h"
#include "engine/ops/lstm.h"
#include "engine/ops/sequence.h"
#include "engine/ops/softmax.h"
#include "engine/parallel.h"
#include "engine/random.h"
#include "support/gradient_check.h"

using namespace fqt;
using test::Doubles;
using test::OpRow;
using Inputs = std::vector<Doubles>;
using Vars = std::vector<Var>;

namespace {

Doubles map(const Doubles& x, double (*f)(double)) {
  Doubles y;
  for (const double value : x) y.push_back(f(value));
  return y;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double gelu(double x) { return x * 0.5 * (1 + std::erf(x / std::sqrt(2.0))); }

const Tensor& ids() {
  static const Tensor tensor({2, 3}, std::vector<float>{4, 0, 4, 2, 4, 0});
  return tensor;
}

Doubles embedding(const Inputs& in) {
  Doubles y;
  for (const float id : ids().values())
    for (size_t c = 0; c < 3; ++c) y.push_back(in[0][static_cast<size_t>(id) * 3 + c]);
  return y;
}

Doubles layer_norm(const Inputs& in) {
  const size_t columns = in[1].size();
  Doubles y(in[0].size());
  for (size_t row = 0; row < y.size(); row += columns) {
    double mean = 0, variance = 0;
    for (size_t c = 0; c < columns; ++c) mean += in[0][row + c] / static_cast<double>(columns);
    for (size_t c = 0; c < columns; ++c) variance += std::pow(in[0][row + c] - mean, 2) / static_cast<double>(columns);
    for (size_t c = 0; c < columns; ++c)
      y[row + c] = in[1][c] * (in[0][row + c] - mean) / std::sqrt(variance + 1e-5) + in[2][c];
  }
  return y;
}

/// [2, 5, columns]
Doubles softmax(const Doubles& x, size_t columns, double scale, bool causal) {
  Doubles y(x.size());
  for (size_t row = 0; row < 10; ++row) {
    const size_t seen = causal ? std::min(row % 5 + 1, columns) : columns;
    double total = 0;
    for (size_t c = 0; c < seen; ++c) total += std::exp(scale * x[row * columns + c]);
    for (size_t c = 0; c < seen; ++c) y[row * columns + c] = std::exp(scale * x[row * columns + c]) / total;
  }
  return y;
}

constexpr size_t kHidden = 5;

/// Three rows: hidden state beside the cell.
Doubles lstm_cell(const Inputs& in) {
  Doubles y(3 * 2 * kHidden);
  for (size_t row = 0; row < 3; ++row)
    for (size_t j = 0; j < kHidden; ++j) {
      const auto gate = [&](size_t k) {
        const size_t at = row * 4 * kHidden + k * kHidden + j;
        return in[0][at] + in[1][at];
      };
      const double cell = sigmoid(gate(1)) * in[2][row * kHidden + j] + sigmoid(gate(0)) * std::tanh(gate(2));
      y[row * kHidden + j] = sigmoid(gate(3)) * std::tanh(cell);
      y[3 * kHidden + row * kHidden + j] = cell;
    }
  return y;
}

Var run_lstm_cell(Tape& tape, const Vars& in) {
  const ops::LstmState state = ops::lstm_cell(tape, in[0], in[1], in[2]);
  return ops::stack(tape, {ops::reshape(tape, state.hidden, {1, -1}), ops::reshape(tape, state.cell, {1, -1})});
}

/// [2 * 3, 4] -> two heads of each sequence, one after another.
Doubles heads(const Inputs& in) {
  Doubles y;
  for (size_t b = 0; b < 2; ++b)
    for (size_t h = 0; h < 2; ++h)
      for (size_t t = 0; t < 3; ++t)
        for (size_t j = 0; j < 2; ++j) y.push_back(in[0][(b * 3 + t) * 4 + h * 2 + j]);
  return y;
}

/// Time steps 2 and 0 of [2 * 3, 4], added.
Doubles two_steps(const Inputs& in) {
  Doubles y;
  for (size_t b = 0; b < 2; ++b)
    for (size_t c = 0; c < 4; ++c) y.push_back(in[0][(b * 3 + 2) * 4 + c] + in[0][b * 3 * 4 + c]);
  return y;
}

const std::vector<int32_t> kSmoothedLabels{2, 0, 4};

Doubles smoothed(const Inputs& in) {
  double loss = 0;
  for (size_t row = 0; row < 3; ++row) {
    double total = 0;
    for (size_t i = 0; i < 5; ++i) total += std::exp(in[0][row * 5 + i]);
    for (size_t i = 0; i < 5; ++i) {
      const double target = 0.3 / 5 + (static_cast<int32_t>(i) == kSmoothedLabels[row] ? 0.7 : 0);
      loss += target * (std::log(total) - in[0][row * 5 + i]) / 3;
    }
  }
  return {loss};
}

const std::vector<OpRow>& sequence_rows() {
  static const std::vector<OpRow> table{
      {"scale",
       {{3, 4}},
       [](Tape& tape, const Vars& in) { return ops::scale(tape, in[0], -0.5f); },
       [](const Inputs& in) { return map(in[0], [](double x) { return -0.5 * x; }); }},
      {"tanh",
       {{5, 7}},
       [](Tape& tape, const Vars& in) { return ops::tanh(tape, in[0]); },
       [](const Inputs& in) { return map(in[0], [](double x) { return std::tanh(x); }); }},
      {"sigmoid",
       {{5, 7}},
       [](Tape& tape, const Vars& in) { return ops::sigmoid(tape, in[0]); },
       [](const Inputs& in) { return map(in[0], sigmoid); }},
      {"gelu",
       {{5, 7}},
       [](Tape& tape, const Vars& in) { return ops::gelu(tape, in[0]); },
       [](const Inputs& in) { return map(in[0], gelu); }},
      {"embedding: a word three times, and words that do not occur",
       {{5, 3}},
       [](Tape& tape, const Vars& in) { return ops::embedding(tape, in[0], ids()); },
       embedding},
      {"layer_norm",
       {{2, 3, 7}, {7}, {7}},
       [](Tape& tape, const Vars& in) { return ops::layer_norm(tape, in[0], in[1], in[2]); },
       layer_norm},
      {"layer_norm of more than one chunk of rows",
       {{37, 19}, {19}, {19}},
       [](Tape& tape, const Vars& in) { return ops::layer_norm(tape, in[0], in[1], in[2]); },
       layer_norm},
      {"softmax",
       {{2, 5, 19}},
       [](Tape& tape, const Vars& in) { return ops::softmax(tape, in[0], {}); },
       [](const Inputs& in) { return softmax(in[0], 19, 1, false); }},
      {"softmax, scaled and causal",
       {{2, 5, 5}},
       [](Tape& tape, const Vars& in) { return ops::softmax(tape, in[0], {.scale = 0.5f, .causal = true}); },
       [](const Inputs& in) { return softmax(in[0], 5, 0.5, true); }},
      {"lstm_cell", {{3, 20}, {3, 20}, {3, 5}}, run_lstm_cell, lstm_cell},
      {"lstm_cell whose cell is not used",
       {{3, 20}, {3, 20}, {3, 5}},
       [](Tape& tape, const Vars& in) { return ops::lstm_cell(tape, in[0], in[1], in[2]).hidden; },
       [](const Inputs& in) {
         const Doubles y = lstm_cell(in);
         return Doubles(y.begin(), y.begin() + 15);
       }},
      {"lstm_cell whose hidden state is not used",
       {{3, 20}, {3, 20}, {3, 5}},
       [](Tape& tape, const Vars& in) { return ops::lstm_cell(tape, in[0], in[1], in[2]).cell; },
       [](const Inputs& in) {
         const Doubles y = lstm_cell(in);
         return Doubles(y.begin() + 15, y.end());
       }},
      {"split_heads", {{6, 4}}, [](Tape& tape, const Vars& in) { return ops::split_heads(tape, in[0], 3, 2); }, heads},
      {"merge_heads is the way back",
       {{6, 4}},
       [](Tape& tape, const Vars& in) { return ops::merge_heads(tape, ops::split_heads(tape, in[0], 3, 2), 2); },
       [](const Inputs& in) { return in[0]; }},
      {"unstack, one step unused",
       {{6, 4}},
       [](Tape& tape, const Vars& in) {
         const std::vector<Var> steps = ops::unstack(tape, in[0], 3);
         return ops::add(tape, steps[2], steps[0]);
       },
       two_steps},
      {"stack is the way back",
       {{6, 4}},
       [](Tape& tape, const Vars& in) { return ops::stack(tape, ops::unstack(tape, in[0], 3)); },
       [](const Inputs& in) { return in[0]; }},
      {"cross_entropy with smoothed labels",
       {{3, 5}},
       [](Tape& tape, const Vars& in) { return ops::cross_entropy(tape, in[0], kSmoothedLabels, 0.3); },
       smoothed},
  };
  return table;
}

/// Values and gradients of a row on inputs of its shapes.
std::vector<float> bits(const OpRow& row) {
  std::vector<Parameter> parameters;
  for (const Shape& shape : row.inputs) {
    parameters.push_back({"input", Tensor(shape), {}});
    fill_normal({5, parameters.size()}, 1.5f, parameters.back().value.values());
  }
  Tape tape;
  Vars vars;
  for (Parameter& parameter : parameters) vars.push_back(tape.parameter(parameter));
  const Var y = row.op(tape, vars);
  Tensor grad(y.shape());
  fill_normal({6, 0}, 1, grad.values());
  std::vector<float> all(y.value().values().begin(), y.value().values().end());
  tape.backward(tape.record(Tensor::scalar(0), {y}, [&](Tensor) { return std::vector<Tensor>{grad.clone()}; }));
  for (const Parameter& parameter : parameters)
    all.insert(all.end(), parameter.grad.values().begin(), parameter.grad.values().end());
  return all;
}

}  // namespace

TEST_CASE("sequence operations: each agrees with its formula, and its gradient with float64 differences") {
  for (const OpRow& row : sequence_rows()) test::check_op(row);
}

TEST_CASE("sequence operations: the same bits on every instruction set and number of threads") {
  for (const OpRow& row : sequence_rows()) {
    CAPTURE(row.name);
    kernels::select("reference");
    const std::vector<float> expected = bits(row);
    const int before = threads();
    for (const kernels::Isa& isa : kernels::all_isas())
      for (const int count : {1, 2, 3}) {
        if (!isa.supported()) continue;
        CAPTURE(isa.name);
        kernels::select(isa.name);
        set_threads(count);
        CHECK(bits(row) == expected);
      }
    set_threads(before);
    kernels::select("");
  }
}

TEST_CASE("embedding: tokens that are no words are refused by value and place") {
  Tape tape;
  const Var weight(Tensor::zeros({5, 3}));
  for (const float bad : {5.0f, -1.0f, 1.5f, std::nanf("")}) {
    CAPTURE(bad);
    try {
      ops::embedding(tape, weight, Tensor({2}, std::vector<float>{1, bad}));
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::data);
      CHECK(std::string(error.what()).find("place 1") != std::string::npos);
    }
  }
}

TEST_CASE("softmax: large values do not overflow, and a mask hides what follows") {
  Tape tape;
  const Tensor x({1, 2, 2}, std::vector<float>{1e4f, 3e38f, -3e38f, 3e38f});
  const Tensor y = ops::softmax(tape, Var(x), {.causal = true}).value();
  CHECK(std::vector<float>(y.values().begin(), y.values().end()) == std::vector<float>{1, 0, 0, 1});
}

TEST_CASE("sequence operations: shapes that do not fit are refused") {
  Tape tape;
  const Var x(Tensor::zeros({6, 4})), wide(Tensor::zeros({2, 3, 5}));
  CHECK_THROWS_AS(ops::unstack(tape, x, 4), Error);
  CHECK_THROWS_AS(ops::stack(tape, {}), Error);
  CHECK_THROWS_AS(ops::stack(tape, {x, Var(Tensor::zeros({6, 3}))}), Error);
  CHECK_THROWS_AS(ops::split_heads(tape, x, 3, 3), Error);
  CHECK_THROWS_AS(ops::merge_heads(tape, wide, 3), Error);
  CHECK_THROWS_AS(ops::softmax(tape, wide, {.causal = true}), Error);
  CHECK_THROWS_AS(ops::layer_norm(tape, x, Var(Tensor::zeros({3})), Var(Tensor::zeros({4}))), Error);
  CHECK_THROWS_AS(ops::lstm_cell(tape, x, x, x), Error);
  CHECK_THROWS_AS(ops::cross_entropy(tape, x, std::vector<int32_t>(6), 1.0), Error);
  CHECK_THROWS_WITH_AS(ops::find_activation("swish"),
                       "[activation] no activation 'swish'; known: relu, gelu, tanh, sigmoid", Error);
}

TEST_CASE("tape: results that share an operation are handed their gradients together") {
  Parameter p{"p", Tensor::full({2}, 1), {}};
  const auto run = [&](bool use_first, bool use_second) {
    p.zero_grad();
    Tape tape;
    const std::vector<Var> both =
        tape.record_all({Tensor::scalar(1), Tensor::full({3}, 2)}, {tape.parameter(p)}, [&](const auto& grads) {
          CHECK(grads.size() == 2);
          CHECK(grads[0].defined() == use_first);
          CHECK(grads[1].defined() == use_second);
          const float sum = (grads[0].defined() ? grads[0].item() : 0) + (grads[1].defined() ? grads[1].data()[2] : 0);
          return std::vector<Tensor>{Tensor::full({2}, sum)};
        });
    std::vector<Var> used;
    if (use_first) used.push_back(both[0]);
    if (use_second) used.push_back(both[1]);
    tape.backward(tape.record(Tensor::scalar(0), used, [&](Tensor) {
      std::vector<Tensor> grads;
      for (const Var& var : used) grads.push_back(Tensor::full(var.shape(), var.shape().empty() ? 5.0f : 7.0f));
      return grads;
    }));
    return p.grad.data()[0];
  };
  CHECK(run(true, true) == 12);
  CHECK(run(true, false) == 5);
  CHECK(run(false, true) == 7);
  Tape evaluation(false);
  CHECK_FALSE(evaluation.record_all({Tensor::scalar(1)}, {evaluation.parameter(p)}, nullptr)[0].needs_grad());
}
