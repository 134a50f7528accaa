#include "engine/autograd/tape.h"

#include <algorithm>
#include <utility>

#include "engine/check.h"
#include "engine/kernels/table.h"

namespace fqt {
namespace {

/// sum += term, in place where nobody else looks at sum.
void accumulate(Tensor& sum, Tensor term) {
  if (!sum.defined()) {
    sum = std::move(term);
    return;
  }
  Tensor target = sum.unique() ? std::move(sum) : sum.clone();
  kernels::parallel_add(target.values(), term.values());
  sum = std::move(target);
}

}  // namespace

Var Tape::parameter(Parameter& parameter) {
  Var var(parameter.value);
  if (!recording_) return var;
  var.node_ = size();
  nodes_.push_back({{}, parameter.value.shape(), nullptr, &parameter});
  return var;
}

Var Tape::record(Tensor value, const std::vector<Var>& inputs, GradFn grad) {
  Var var(std::move(value));
  Node node{{}, var.shape(), std::move(grad), nullptr};
  bool needed = false;
  for (const Var& input : inputs) {
    node.inputs.push_back(input.node_);
    needed = needed || input.needs_grad();
  }
  if (!recording_ || !needed) return var;
  var.node_ = size();
  nodes_.push_back(std::move(node));
  return var;
}

Var Tape::record_adding(Tensor value, const std::vector<Var>& inputs, AddingGradFn grad) {
  Var var = record(std::move(value), inputs, nullptr);
  if (var.needs_grad()) nodes_.back().adding = std::move(grad);
  return var;
}

std::vector<Var> Tape::record_all(std::vector<Tensor> values, const std::vector<Var>& inputs, GradsFn grads) {
  const Var all = record(Tensor(), inputs, nullptr);
  std::vector<Var> results;
  for (Tensor& value : values) results.emplace_back(std::move(value));
  if (!all.needs_grad()) return results;
  Node& node = nodes_.back();
  node.grads = std::move(grads);
  node.result_grads.resize(values.size());
  for (size_t k = 0; k < results.size(); ++k) {
    results[k].node_ = size();
    nodes_.push_back({{all.node_}, results[k].shape(), nullptr, nullptr, static_cast<int64_t>(k)});
  }
  return results;
}

Var Tape::collect(const Var& input, std::function<Tensor(Tensor grad)> grad) {
  Var var = record(input.value(), {input},
                   [grad = std::move(grad)](Tensor sum) { return std::vector<Tensor>{grad(std::move(sum))}; });
  if (var.needs_grad()) nodes_.back().collects = true;
  return var;
}

/// What a node's gradient function returns; frees it.
std::vector<Tensor> Tape::input_grads(int64_t index, Tensor grad, Tensor& sum) {
  Node& node = nodes_[static_cast<size_t>(index)];
  check(node.grad || node.grads || node.adding, "[backward] this tape has already been replayed");
  const GradFn gradient = std::exchange(node.grad, nullptr);
  const GradsFn gradients = std::exchange(node.grads, nullptr);
  const AddingGradFn adding = std::exchange(node.adding, nullptr);
  if (adding) return adding(std::move(grad), sum);
  return gradient ? gradient(std::move(grad)) : gradients(std::exchange(node.result_grads, {}));
}

void Tape::backward(const Var& loss) {
  check(loss.value().defined() && loss.value().size() == 1, "[backward] the loss has shape {}, expected one value",
        to_string(loss.shape()));
  check(loss.needs_grad(), "[backward] the loss depends on no parameter of this tape");
  std::vector<Tensor> grads(nodes_.size());
  grads[static_cast<size_t>(loss.node_)] = Tensor::full(loss.shape(), 1.0f);
  for (int64_t i = loss.node_; i >= 0; --i) {
    Node& node = nodes_[static_cast<size_t>(i)];
    Tensor grad = std::move(grads[static_cast<size_t>(i)]);
    const bool several = std::ranges::any_of(node.result_grads, &Tensor::defined);
    if (!grad.defined() && !several && !node.collects) continue;
    if (node.parameter) {
      accumulate(node.parameter->grad, std::move(grad));
      continue;
    }
    if (node.result >= 0) {
      nodes_[static_cast<size_t>(node.inputs[0])].result_grads[static_cast<size_t>(node.result)] = std::move(grad);
      continue;
    }
    const profile::Scope scope(node.label.phase, node.label.operation, "backward");
    Tensor nothing;
    Tensor& first = node.inputs[0] < 0 ? nothing : grads[static_cast<size_t>(node.inputs[0])];
    Tensor& sum = node.adding && first.defined() && first.unique() ? first : nothing;
    std::vector<Tensor> grads_of_inputs = input_grads(i, std::move(grad), sum);
    if (grads_of_inputs.size() != node.inputs.size())
      fail(ErrorKind::internal, "[backward] a gradient function returned {} gradients for {} inputs",
           grads_of_inputs.size(), node.inputs.size());
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      if (node.inputs[k] < 0) continue;
      const Node& input = nodes_[static_cast<size_t>(node.inputs[k])];
      if (!grads_of_inputs[k].defined()) {
        if (node.collects || input.collects) continue;
        fail(ErrorKind::internal, "[backward] a gradient function returned nothing for input {}", k);
      }
      check_shape("backward", "a gradient", grads_of_inputs[k], input.shape);
      accumulate(grads[static_cast<size_t>(node.inputs[k])], std::move(grads_of_inputs[k]));
    }
  }
}

}  // namespace fqt
