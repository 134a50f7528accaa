#include "layers/lstm.h"

#include <cmath>

#include "engine/check.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/sequence.h"
#include "quant/product.h"

namespace fqt::layers {

Lstm::Lstm(const std::string& name, const LstmOptions& options)
    : name_(name),
      options_(options),
      input_(name + ".input", quant::SiteRole::body, "lstm"),
      hidden_(name + ".hidden", quant::SiteRole::body, "lstm") {
  weight_ih_.name = name + ".weight_ih";
  weight_ih_.value = Tensor({options.inputs, 4 * options.hidden});
  weight_hh_.name = name + ".weight_hh";
  weight_hh_.value = Tensor({options.hidden, 4 * options.hidden});
  weight_ih_.layout = weight_hh_.layout = ParameterLayout::matrix;
  bias_.name = name + ".bias";
  bias_.value = Tensor({4 * options.hidden});
  for (Parameter* parameter : own_parameters()) parameter->uniform = 1 / std::sqrt(static_cast<double>(options.hidden));
  input_.block = hidden_.block = options.block;
}

std::vector<NamedBuffer> Lstm::own_buffers() {
  return {{input_.name + ".lhs_range", &input_.lhs_range}, {hidden_.name + ".lhs_range", &hidden_.lhs_range}};
}

std::vector<NamedBuffer> Lstm::own_states() {
  return {{name_ + ".hidden", &training_.hidden}, {name_ + ".cell", &training_.cell}};
}

ops::LstmState Lstm::start(const quant::Context& context, int64_t sequences) const {
  const Shape shape{sequences, options_.hidden};
  const State& before = context.training ? training_ : evaluation_;
  const bool first = !context.training && context.step == 0;
  const bool goes_on = !first && before.hidden.defined() && before.cell.defined() && before.hidden.shape() == shape &&
                       before.cell.shape() == shape;
  if (goes_on) return {Var(before.hidden), Var(before.cell)};
  return {Var(Tensor::zeros(shape)), Var(Tensor::zeros(shape))};
}

Var Lstm::forward(const quant::Context& context, const Var& x) {
  check(x.value().rank() == 3 && x.value().dim(1) >= 1 && x.value().dim(2) == options_.inputs,
        "[lstm] '{}': input has shape {}, weight expects [B, T, {}]", name_, to_string(x.shape()), options_.inputs);
  Tape& tape = context.tape;
  const int64_t sequences = x.value().dim(0), steps = x.value().dim(1);
  const Var rows = ops::reshape(tape, x, {sequences * steps, options_.inputs});
  const Var products = quant::matmul(context, input_, rows, tape.parameter(weight_ih_));
  const std::vector<Var> inputs = ops::unstack(tape, ops::add_bias(tape, products, tape.parameter(bias_)), steps);
  const Var weight = tape.parameter(weight_hh_);
  ops::LstmState state = start(context, sequences);
  quant::SharedRhs shared;
  std::vector<Var> outputs;
  for (int64_t t = 0; t < steps; ++t) {
    const Var recurrent = quant::matmul(context, hidden_, state.hidden, weight, t, &shared);
    state = ops::lstm_cell(tape, inputs[static_cast<size_t>(t)], recurrent, state.cell);
    outputs.push_back(state.hidden);
  }
  if (!context.trace) (context.training ? training_ : evaluation_) = {state.hidden.value(), state.cell.value()};
  return ops::reshape(tape, ops::stack(tape, outputs), {sequences, steps, options_.hidden});
}

}  // namespace fqt::layers
