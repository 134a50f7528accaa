#include "engine/autograd/tape.h"

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

void Tape::backward(const Var& loss) {
  check(loss.value().defined() && loss.value().size() == 1, "[backward] the loss has shape {}, expected one value",
        to_string(loss.shape()));
  check(loss.needs_grad(), "[backward] the loss depends on no parameter of this tape");
  std::vector<Tensor> grads(nodes_.size());
  grads[static_cast<size_t>(loss.node_)] = Tensor::full(loss.shape(), 1.0f);
  for (int64_t i = loss.node_; i >= 0; --i) {
    Node& node = nodes_[static_cast<size_t>(i)];
    Tensor grad = std::move(grads[static_cast<size_t>(i)]);
    if (!grad.defined()) continue;
    if (node.parameter) {
      accumulate(node.parameter->grad, std::move(grad));
      continue;
    }
    check(static_cast<bool>(node.grad), "[backward] this tape has already been replayed");
    const GradFn gradient = std::move(node.grad);
    node.grad = nullptr;
    std::vector<Tensor> input_grads = gradient(std::move(grad));
    if (input_grads.size() != node.inputs.size())
      fail(ErrorKind::internal, "[backward] a gradient function returned {} gradients for {} inputs",
           input_grads.size(), node.inputs.size());
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      if (node.inputs[k] < 0) continue;
      if (!input_grads[k].defined())
        fail(ErrorKind::internal, "[backward] a gradient function returned nothing for input {}", k);
      const Node& input = nodes_[static_cast<size_t>(node.inputs[k])];
      check_shape("backward", "a gradient", input_grads[k], input.shape);
      accumulate(grads[static_cast<size_t>(node.inputs[k])], std::move(input_grads[k]));
    }
  }
}

}  // namespace fqt
