#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/loss.h"
#include "engine/ops/pool.h"
#include "engine/parallel.h"
#include "engine/random.h"
#include "support/special_values.h"

using namespace fqt;
using test::kNan;

namespace {

std::vector<float> list(const Tensor& tensor) { return {tensor.values().begin(), tensor.values().end()}; }

Tensor row(std::vector<float> values) { return Tensor({1, static_cast<int64_t>(values.size())}, values); }

}  // namespace

TEST_CASE("relu: 0 passes no gradient, NaN stays visible") {
  Parameter x{"x", row({-1, 0, 2}), {}};
  Tape tape;
  const Var y = ops::relu(tape, tape.parameter(x));
  CHECK(list(y.value()) == std::vector<float>{0, 0, 2});
  tape.backward(tape.record(Tensor::scalar(0), {y}, [](Tensor) { return std::vector<Tensor>{row({5, 6, 7})}; }));
  CHECK(list(x.grad) == std::vector<float>{0, 0, 7});
  CHECK(std::isnan(ops::relu(tape, Var(Tensor::scalar(kNan))).value().item()));
}

TEST_CASE("elementwise: shapes that do not fit are named") {
  Tape tape;
  const Var a(Tensor::zeros({2, 3})), b(Tensor::zeros({3, 2}));
  CHECK_THROWS_WITH_AS(ops::add(tape, a, b), "[add] cannot add shape [3, 2] to shape [2, 3]", Error);
  CHECK_THROWS_WITH_AS(ops::add_bias(tape, a, Var(Tensor::zeros({2}))), "[add_bias] bias has shape [2], expected [3]",
                       Error);
  CHECK_THROWS_AS(ops::reshape(tape, a, {4}), Error);
}

TEST_CASE("max_pool: the first of equal values takes the gradient") {
  // One channel, 2 x 3, a window of 2 moved by 1: both windows hold the 4 in the middle of the first row.
  Parameter x{"x", Tensor({1, 2, 3, 1}, std::vector<float>{1, 4, 4, 0, 4, 2}), {}};
  Tape tape;
  const Var y = ops::max_pool(tape, tape.parameter(x), 2, 1);
  CHECK(y.shape() == Shape{1, 1, 2, 1});
  CHECK(list(y.value()) == std::vector<float>{4, 4});
  tape.backward(tape.record(Tensor::scalar(0), {y}, [](Tensor grad) {
    return std::vector<Tensor>{Tensor({1, 1, 2, 1}, std::vector<float>{10 * grad.item(), 1})};
  }));
  CHECK(list(x.grad) == std::vector<float>{0, 11, 0, 0, 0, 0});
}

TEST_CASE("pool: inputs that do not fit are named") {
  Tape tape;
  const Var image(Tensor::zeros({1, 2, 2, 1}));
  CHECK_THROWS_WITH_AS(ops::max_pool(tape, image, 3, 1),
                       "[max_pool] a window of 3 does not fit an input of shape [1, 2, 2, 1]", Error);
  CHECK_THROWS_AS(ops::max_pool(tape, image, 2, 0), Error);
  CHECK_THROWS_AS(ops::max_pool(tape, Var(Tensor::zeros({2, 2})), 1, 1), Error);
  CHECK_THROWS_WITH_AS(ops::global_avg_pool(tape, Var(Tensor::zeros({2, 2}))),
                       "[global_avg_pool] input has shape [2, 2], expected [N, H, W, C]", Error);
}

TEST_CASE("cross_entropy: by hand") {
  Parameter logits{"logits", row({0, 0, 0, 0}), {}};
  Tape tape;
  const Var loss = ops::cross_entropy(tape, tape.parameter(logits), std::vector<int32_t>{1});
  CHECK(loss.value().item() == doctest::Approx(std::log(4.0)));  // four equal classes
  tape.backward(loss);
  CHECK(list(logits.grad) == std::vector<float>{0.25f, -0.75f, 0.25f, 0.25f});
  // exp(1000) overflows, the loss does not; a class that is sure costs nothing.
  CHECK(ops::cross_entropy(tape, Var(row({1000, 0})), std::vector<int32_t>{1}).value().item() == 1000);
  CHECK(ops::cross_entropy(tape, Var(row({1000, 0})), std::vector<int32_t>{0}).value().item() == 0);
}

TEST_CASE("cross_entropy: bad labels and a loss that is not finite are errors") {
  Tape tape;
  const Var logits(row({1, 2}));
  CHECK_THROWS_WITH_AS(ops::cross_entropy(tape, logits, std::vector<int32_t>{2}),
                       "[cross_entropy] label 2 of row 0 is outside [0, 2)", Error);
  CHECK_THROWS_AS(ops::cross_entropy(tape, logits, std::vector<int32_t>{-1}), Error);
  CHECK_THROWS_AS(ops::cross_entropy(tape, logits, std::vector<int32_t>{0, 0}), Error);
  for (const float bad : {kNan, std::numeric_limits<float>::infinity()}) {
    try {
      ops::cross_entropy(tape, Var(row({1, bad})), std::vector<int32_t>{0});
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::data);
      CHECK(std::string(error.what()).starts_with("[cross_entropy] the loss is "));
    }
  }
}

TEST_CASE("count_correct: the first among equals counts, a row with NaN never does") {
  const Tensor logits({4, 3}, std::vector<float>{1, 3, 3, 1, 3, 3, 5, kNan, 1, 0, 0, 0});
  CHECK(ops::count_correct(logits, std::vector<int32_t>{1, 2, 0, 0}) == 2);  // rows 0 and 3
  CHECK_THROWS_AS(ops::count_correct(logits, std::vector<int32_t>{1, 2, 0, 3}), Error);
}

TEST_CASE("kernels: every instruction set computes the bits of the reference") {
  const kernels::VectorKernels& reference = kernels::all_isas().front().table().vector;
  for (const kernels::Isa& isa : kernels::all_isas()) {
    if (!isa.supported()) continue;
    CAPTURE(std::string(isa.name));
    const kernels::VectorKernels& kernel = isa.table().vector;
    for (const int64_t count : {0, 1, 3, 8, 15, 16, 17, 31, 64, 1000}) {
      CAPTURE(count);
      Tensor x({count}), y({count});
      fill_normal(random_key(1, {1}), 3, x.values());
      fill_normal(random_key(1, {2}), 3, y.values());
      const auto compare = [&](auto run) {
        Tensor expected = y.clone(), actual = y.clone();
        run(reference, expected.data());
        run(kernel, actual.data());
        CHECK(list(expected) == list(actual));
      };
      using Kernels = const kernels::VectorKernels&;
      compare([&](Kernels k, float* out) { k.add(out, x.data(), count); });
      compare([&](Kernels k, float* out) { k.sum(out, x.data(), y.data(), count); });
      compare([&](Kernels k, float* out) { k.relu(out, x.data(), count); });
      compare([&](Kernels k, float* out) { k.relu_grad(out, x.data(), y.data(), count); });
      compare([&](Kernels k, float* out) { k.relu_grad(out, x.data(), out, count); });
      compare([&](Kernels k, float* out) { k.exp_minus(out, x.data(), 1.5f, count); });
      compare([&](Kernels k, float* out) { k.add_row(out, x.data(), y.data(), 1, count); });
      compare([&](Kernels k, float* out) { k.column_sums(out, x.data(), count ? 1 : 0, count); });
      compare([&](Kernels k, float* out) {
        Tensor v = x.clone();
        k.sgd(out, v.data(), y.data(), 0.1f, 0.9f, 1e-4f, count);
      });
      Buffer<int32_t> first(count), second(count);
      std::fill_n(first.data(), count, -1);
      std::fill_n(second.data(), count, -1);
      compare([&](Kernels k, float* out) {
        k.keep_larger(out, &k == &reference ? first.data() : second.data(), x.data(), 7, count);
      });
      if (&kernel != &reference)
        CHECK(std::equal(first.data(), first.data() + count, second.data(), second.data() + count));
      CHECK(kernel.total(x.data(), count) == reference.total(x.data(), count));
    }
  }
}
