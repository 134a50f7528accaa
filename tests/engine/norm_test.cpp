#include "engine/ops/norm.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "engine/check.h"
#include "engine/hash.h"
#include "engine/kernels/table.h"
#include "engine/norm_fixture.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/range_norm.h"
#include "engine/parallel.h"

using namespace fqt;

namespace {

const test::NormForms kBatchNorm{ops::batch_norm, ops::batch_norm_relu, ops::batch_norm_add_relu};

}  // namespace

TEST_CASE("batch_norm: fused and unfused, every instruction set and number of threads give the same bits") {
  test::check_same_bits(kBatchNorm, {{5, 9, 11, 16}, {700, 37}, {3, 2}, {2, 4, 4, 80}});
}

TEST_CASE("batch_norm: the same bits from every compiler") {
  // Not worked out by hand: what gcc 12 and clang 14 agreed on. Covers random numbers, logarithm and cosine as well.
  CHECK(to_hex(hash_floats(test::run_norm(kBatchNorm, true, true, true, {5, 9, 11, 16}))) == "59bb11d5cb92c7d9");
  CHECK(to_hex(hash_floats(test::run_norm(kBatchNorm, true, false, true, {700, 37}))) == "83b3d9e99aeda44b");
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
  const Var x(test::normal_tensor({40000, 2}, 9, 1000));
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

TEST_CASE("batch_norm: the gradient of its input is noted with its extremes; a value that is not finite shows") {
  for (const float odd : {0.0f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const int64_t channels : {3, 16, 17, 48}) {
      for (const kernels::Isa& isa : kernels::all_isas()) {
        if (!isa.supported()) continue;
        kernels::select(isa.name);
        Parameter x{"x", test::normal_tensor({7, channels}, 1), {}};
        if (odd != 0) x.value.data()[5 * channels + channels - 1] = odd;
        Tensor mean = Tensor::zeros({channels}), variance = Tensor::full({channels}, 2);
        Tape tape;
        const Var y = ops::batch_norm(tape, tape.parameter(x), Var(Tensor::full({channels}, 1)),
                                      Var(Tensor::zeros({channels})), mean, variance, {.training = odd == 0});
        const Tensor grad = test::normal_tensor({7, channels}, 2);
        tape.backward(
            tape.record(Tensor::scalar(0), {y}, [&](const Tensor&) { return std::vector<Tensor>{grad.clone()}; }));
        CAPTURE(std::string(isa.name));
        CAPTURE(channels);
        CAPTURE(odd);
        REQUIRE(y.value().extremes());
        REQUIRE(x.grad.extremes());
        CHECK(y.value().extremes()->finite == (odd == 0));
        const auto values = std::as_const(x.grad).values();
        if (odd == 0) CHECK(x.grad.extremes()->high == *std::max_element(values.begin(), values.end()));
        if (odd == 0) CHECK(x.grad.extremes()->low == *std::min_element(values.begin(), values.end()));
      }
    }
  }
  kernels::select("");
}

namespace {

/// The gradient that reaches x when y = f(x) is given one of normal values.
Tensor grad_of_input(const std::function<Var(Tape&, const Var&)>& f) {
  Parameter x{"x", test::normal_tensor({64, 48}, 1), {}};
  Tape tape;
  const Var y = f(tape, tape.parameter(x));
  const Tensor grad = test::normal_tensor(y.shape(), 2);
  tape.backward(tape.record(Tensor::scalar(0), {y}, [&](const Tensor&) { return std::vector<Tensor>{grad.clone()}; }));
  return x.grad;
}

Var normalized(const test::NormForms& forms, bool training, Tape& tape, const Var& x) {
  const Var one(Tensor::full({48}, 1)), zero(Tensor::zeros({48}));
  Tensor mean = Tensor::zeros({48}), spread = Tensor::full({48}, 2);
  return forms.plain(tape, x, one, zero, mean, spread, {.training = training});
}

}  // namespace

TEST_CASE("batch_norm: what is noted of a gradient is forgotten where it is written over") {
  const test::NormForms range_norm{ops::range_norm, ops::range_norm_relu, ops::range_norm_add_relu};
  const auto plain = [](const test::NormForms& forms, bool training) {
    return [&forms, training](Tape& tape, const Var& x) { return normalized(forms, training, tape, x); };
  };
  const int before = threads();
  for (const int count : {1, 3}) {
    set_threads(count);
    CHECK(grad_of_input(plain(kBatchNorm, true)).extremes());
    CHECK(grad_of_input(plain(range_norm, false)).extremes());
    // The extremes' own gradients are added afterwards.
    CHECK_FALSE(grad_of_input(plain(range_norm, true)).extremes());
    CHECK_FALSE(grad_of_input([](Tape& tape, const Var& x) {
                  return normalized(kBatchNorm, true, tape, ops::relu(tape, x));
                }).extremes());
    CHECK_FALSE(grad_of_input([](Tape& tape, const Var& x) {
                  return ops::add(tape, normalized(kBatchNorm, true, tape, x), normalized(kBatchNorm, true, tape, x));
                }).extremes());
  }
  set_threads(before);
}

TEST_CASE("batch_norm: a negative zero is noted as zero, and nothing of no values") {
  Tape tape;
  Tensor mean = Tensor::zeros({1}), variance = Tensor::full({1}, 1);
  const Var one(Tensor::full({1}, 1)), zero(Tensor::full({1}, -0.0f));
  for (const int64_t rows : {0, 3}) {
    const Var y =
        ops::batch_norm_relu(tape, Var(Tensor::full({rows, 1}, -0.0f)), one, zero, mean, variance, {.training = false});
    CHECK(y.value().extremes().has_value() == (rows > 0));
    if (rows == 0) continue;
    CHECK_FALSE(std::signbit(y.value().extremes()->low));
    CHECK_FALSE(std::signbit(y.value().extremes()->high));
  }
}
