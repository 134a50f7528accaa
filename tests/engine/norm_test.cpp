#include "engine/ops/norm.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/check.h"
#include "engine/hash.h"
#include "engine/kernels/table.h"
#include "engine/ops/elementwise.h"
#include "engine/parallel.h"
#include "engine/random.h"

using namespace fqt;

namespace {

Tensor random_tensor(Shape shape, uint64_t purpose, float mean = 0) {
  Tensor tensor(std::move(shape));
  fill_normal(random_key(1, {purpose}), 1, tensor.values());
  for (float& value : tensor.values()) value += mean;
  return tensor;
}

/// Everything a pass through batch norm, an addition and a ReLU leaves behind: y, the running statistics, and the
/// gradients of x, gamma, beta and the residual.
std::vector<float> run(bool fused, bool residual, bool training, Shape shape) {
  const int64_t channels = shape.back();
  Parameter x{"x", random_tensor(shape, 1, 0.5f), {}};
  Parameter gamma{"gamma", random_tensor({channels}, 2, 1), {}}, beta{"beta", random_tensor({channels}, 3), {}};
  Parameter other{"residual", random_tensor(shape, 4), {}};
  Tensor mean = Tensor::zeros({channels}), var = Tensor::full({channels}, 2);
  const ops::NormOptions options{.training = training};
  Tape tape;
  const Var in = tape.parameter(x), scale = tape.parameter(gamma), shift = tape.parameter(beta);
  const Var added = tape.parameter(other);
  Var y;
  if (fused) {
    y = residual ? ops::batch_norm_add_relu(tape, in, scale, shift, mean, var, added, options)
                 : ops::batch_norm_relu(tape, in, scale, shift, mean, var, options);
  } else {
    y = ops::batch_norm(tape, in, scale, shift, mean, var, options);
    if (residual) y = ops::add(tape, y, added);
    y = ops::relu(tape, y);
  }
  const Tensor grad = random_tensor(shape, 5);
  tape.backward(tape.record(Tensor::scalar(0), {y}, [&](Tensor) { return std::vector<Tensor>{grad.clone()}; }));
  std::vector<float> all;
  for (const Tensor& tensor : {y.value(), mean, var, x.grad, gamma.grad, beta.grad, other.grad})
    if (tensor.defined()) all.insert(all.end(), tensor.values().begin(), tensor.values().end());
  return all;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float left, float right) {
    return __builtin_bit_cast(uint32_t, left) == __builtin_bit_cast(uint32_t, right);
  });
}

}  // namespace

TEST_CASE("batch_norm: fused and unfused, every instruction set and number of threads give the same bits") {
  const int before = threads();
  for (const Shape& shape : {Shape{5, 9, 11, 16}, Shape{700, 37}, Shape{3, 2}, Shape{2, 4, 4, 80}}) {
    for (const bool residual : {false, true}) {
      for (const bool training : {true, false}) {
        kernels::select("reference");
        set_threads(1);
        const std::vector<float> expected = run(false, residual, training, shape);
        for (const kernels::Isa& isa : kernels::all_isas()) {
          if (!isa.supported()) continue;
          kernels::select(isa.name);
          for (const int count : {1, 2, 3}) {
            set_threads(count);
            CAPTURE(to_string(shape));
            CAPTURE(std::string(isa.name));
            CAPTURE(count);
            CHECK(same_bits(run(false, residual, training, shape), expected));
            CHECK(same_bits(run(true, residual, training, shape), expected));
          }
        }
      }
    }
  }
  kernels::select("");
  set_threads(before);
}

TEST_CASE("batch_norm: the same bits from every compiler") {
  // Not worked out by hand: what gcc 12 and clang 14 agreed on. Covers random numbers, logarithm and cosine as well.
  CHECK(to_hex(hash_floats(run(true, true, true, {5, 9, 11, 16}))) == "59bb11d5cb92c7d9");
  CHECK(to_hex(hash_floats(run(true, false, true, {700, 37}))) == "83b3d9e99aeda44b");
}

TEST_CASE("batch_norm: by hand") {
  // One channel 1, 3, 5, 7: mean 4, biased variance 5, unbiased 20 / 3.
  Tape tape;
  Tensor mean = Tensor::full({1}, 10), var = Tensor::full({1}, 1);
  const Var x(Tensor({4, 1}, std::vector<float>{1, 3, 5, 7}));
  const Var gamma(Tensor::full({1}, 2)), beta(Tensor::full({1}, 1));
  const Tensor y = ops::batch_norm(tape, x, gamma, beta, mean, var, {.epsilon = 0}).value();
  CHECK(y.data()[0] == doctest::Approx(1 - 6 / std::sqrt(5.0)));
  CHECK(y.data()[3] == doctest::Approx(1 + 6 / std::sqrt(5.0)));
  CHECK(mean.item() == doctest::Approx(0.9 * 10 + 0.1 * 4));
  CHECK(var.item() == doctest::Approx(0.9 * 1 + 0.1 * 20 / 3));
  // In evaluation the running statistics stand in and stay.
  const Tensor evaluated = ops::batch_norm(tape, x, gamma, beta, mean, var, {.epsilon = 0, .training = false}).value();
  CHECK(evaluated.data()[0] == doctest::Approx(1 + 2 * (1 - 9.4) / std::sqrt(0.9 + 2.0 / 3)));
  CHECK(mean.item() == doctest::Approx(9.4));
}

TEST_CASE("batch_norm: statistics survive a mean far from 0") {
  // x = 1000 + noise of variance 1: sums of squares would lose the variance in float32.
  Tape tape;
  Tensor mean = Tensor::zeros({2}), var = Tensor::zeros({2});
  const Var x(random_tensor({40000, 2}, 9, 1000));
  ops::batch_norm(tape, x, Var(Tensor::full({2}, 1)), Var(Tensor::zeros({2})), mean, var, {.momentum = 0});
  double sum = 0, squares = 0;
  for (int64_t r = 0; r < 40000; ++r) sum += x.value().data()[2 * r] / 40000.0;
  for (int64_t r = 0; r < 40000; ++r) squares += std::pow(x.value().data()[2 * r] - sum, 2) / 39999.0;
  CHECK(mean.data()[0] == doctest::Approx(sum).epsilon(1e-7));
  CHECK(var.data()[0] == doctest::Approx(squares).epsilon(1e-5));
}

TEST_CASE("batch_norm: wrong shapes are named") {
  Tape tape;
  Tensor running = Tensor::zeros({16}), three = Tensor::zeros({3});
  const Var x(Tensor::zeros({2, 16})), sixteen(Tensor::zeros({16}));
  CHECK_THROWS_WITH_AS(ops::batch_norm(tape, x, Var(three), sixteen, running, running, {}),
                       "[batch_norm] gamma has shape [3], expected [16]", Error);
  CHECK_THROWS_WITH_AS(ops::batch_norm_relu(tape, x, sixteen, sixteen, running, three, {}),
                       "[batch_norm_relu] running_var has shape [3], expected [16]", Error);
  CHECK_THROWS_WITH_AS(ops::batch_norm_add_relu(tape, x, sixteen, sixteen, running, running, sixteen, {}),
                       "[batch_norm_add_relu] residual has shape [16], expected [2, 16]", Error);
  CHECK_THROWS_WITH_AS(ops::batch_norm(tape, Var(Tensor::zeros({1, 16})), sixteen, sixteen, running, running, {}),
                       "[batch_norm] input has shape [1, 16]: training needs at least two values a channel", Error);
  CHECK_THROWS_AS(ops::batch_norm(tape, Var(Tensor::scalar(1)), sixteen, sixteen, running, running, {}), Error);
}
