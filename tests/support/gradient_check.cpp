#include "support/gradient_check.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/hash.h"
#include "engine/random.h"

namespace fqt::test {
namespace {

/// Distinct values in about [-2, 2]: a random permutation of an even grid, none of them 0.
Tensor random_input(const Shape& shape, RandomKey key) {
  Tensor tensor(shape);
  const std::vector<int64_t> order = random_permutation(key, tensor.size());
  for (int64_t i = 0; i < tensor.size(); ++i)
    tensor.data()[i] =
        4 * ((static_cast<float>(order[static_cast<size_t>(i)]) + 0.5f) / static_cast<float>(tensor.size())) - 2 +
        1e-3f;
  return tensor;
}

Doubles to_doubles(const Tensor& tensor) { return {tensor.values().begin(), tensor.values().end()}; }

double dot(const Doubles& a, const Tensor& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b.data()[i];
  return sum;
}

double largest(const Doubles& values) {
  double result = 0;
  for (const double value : values) result = std::max(result, std::fabs(value));
  return result;
}

void check_close(const Doubles& expected, const Tensor& actual, double tolerance) {
  REQUIRE(static_cast<int64_t>(expected.size()) == actual.size());
  const double scale = largest(expected);
  for (size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    CAPTURE(expected[i]);
    CAPTURE(actual.data()[i]);
    CHECK(std::fabs(expected[i] - actual.data()[i]) <= tolerance * scale);
  }
}

}  // namespace

void check_op(const OpRow& row) {
  CAPTURE(row.name);
  const uint64_t name = hash_text(row.name);
  std::vector<Parameter> parameters;
  std::vector<Doubles> inputs;
  for (const Shape& shape : row.inputs) {
    parameters.push_back({"input", random_input(shape, random_key(1, {name, inputs.size()})), {}});
    inputs.push_back(to_doubles(parameters.back().value));
  }
  Tape tape;
  std::vector<Var> vars;
  for (Parameter& parameter : parameters) vars.push_back(tape.parameter(parameter));
  const Var y = row.op(tape, vars);
  check_close(row.reference(inputs), y.value(), 1e-5);

  const Tensor weights = random_input(y.shape(), random_key(2, {name}));
  const float loss = static_cast<float>(dot(to_doubles(y.value()), weights));
  tape.backward(tape.record(Tensor::scalar(loss), {y}, [&](Tensor) { return std::vector<Tensor>{weights.clone()}; }));

  const double step = 1e-5;
  for (size_t k = 0; k < inputs.size(); ++k) {
    CAPTURE(k);
    Doubles differences;
    for (double& value : inputs[k]) {
      const double middle = value;
      value = middle + step;
      const double above = dot(row.reference(inputs), weights);
      value = middle - step;
      const double below = dot(row.reference(inputs), weights);
      value = middle;
      differences.push_back((above - below) / (2 * step));
    }
    REQUIRE(parameters[k].grad.defined());
    CHECK(parameters[k].grad.shape() == row.inputs[k]);
    check_close(differences, parameters[k].grad, 1e-4);
  }
}

}  // namespace fqt::test
