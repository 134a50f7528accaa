#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/autograd/parameter.h"
#include "engine/profile.h"
#include "engine/tensor.h"

namespace fqt {

/// A value in a computation, and the tape's node that made it (-1: a constant, no gradient is wanted).
class Var {
 public:
  Var() = default;
  /// A constant.
  explicit Var(Tensor value) : value_(std::move(value)) {}

  const Tensor& value() const { return value_; }
  const Shape& shape() const { return value_.shape(); }
  bool needs_grad() const { return node_ >= 0; }

 private:
  friend class Tape;
  Tensor value_;
  int64_t node_ = -1;
};

/// Given the gradient of a node's value, returns the gradients of its inputs, in order. An input that needs no gradient
/// may be given an undefined tensor. It never adds to anything: the tape accumulates.
using GradFn = std::function<std::vector<Tensor>(Tensor grad)>;

/// The same of an operation that may add to the gradient of its first input by itself. `sum` is what has reached that
/// input so far, which nobody else looks at; undefined where there is nothing to add to. Where the function adds to it,
/// by the bits that the tape would, it returns it as the gradient of that input and leaves an undefined one behind.
using AddingGradFn = std::function<std::vector<Tensor>(Tensor grad, Tensor& sum)>;

/// The same of an operation with several results: given their gradients, in order, undefined where a result reached
/// nothing. It is called where at least one of them did.
using GradsFn = std::function<std::vector<Tensor>(std::vector<Tensor> grads)>;

/// Records what was computed, in order, and replays it in reverse. One tape serves one step.
class Tape {
 public:
  /// With `recording` off nothing is recorded and every Var is a constant: evaluation.
  explicit Tape(bool recording = true) : recording_(recording) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// A parameter as an input of the computation; backward adds to its grad. It must outlive the tape.
  Var parameter(Parameter& parameter);

  /// The value of an operation on `inputs`. Where no input needs a gradient the result is a constant, `grad` is
  /// dropped.
  Var record(Tensor value, const std::vector<Var>& inputs, GradFn grad);

  /// The same for a gradient function that may add.
  Var record_adding(Tensor value, const std::vector<Var>& inputs, AddingGradFn grad);

  /// The values of an operation with several results, as record.
  std::vector<Var> record_all(std::vector<Tensor> values, const std::vector<Var>& inputs, GradsFn grads);

  /// `input` for operations that may keep their gradients of it to themselves, returning undefined ones: after all of
  /// them `grad` is called with the sum of those they did return, undefined if none, and returns the whole, undefined
  /// if there is none.
  Var collect(const Var& input, std::function<Tensor(Tensor grad)> grad);

  /// Adds d loss / d parameter into the grad of every parameter the loss depends on. `loss` holds one value. Gradient
  /// functions are freed as they are used: a tape goes backward once.
  void backward(const Var& loss);

  int64_t size() const { return static_cast<int64_t>(nodes_.size()); }

 private:
  struct Node {
    std::vector<int64_t> inputs;
    Shape shape;
    GradFn grad;
    Parameter* parameter = nullptr;
    int64_t result = -1;  ///< which of the results of its one input this is
    GradsFn grads = nullptr;
    AddingGradFn adding = nullptr;
    std::vector<Tensor> result_grads = {};      ///< of a node with several results: what has reached them
    bool collects = false;                      ///< see collect
    profile::Label label = profile::current();  ///< what made it, as which its gradient is recorded
  };
  std::vector<Tensor> input_grads(int64_t index, Tensor grad, Tensor& sum);

  std::vector<Node> nodes_;
  bool recording_;
};

}  // namespace fqt
