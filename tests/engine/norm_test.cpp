#include "engine/ops/norm.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/check.h"
#include "engine/hash.h"
#include "engine/norm_fixture.h"

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
