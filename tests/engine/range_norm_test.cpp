#include "engine/ops/range_norm.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "engine/check.h"
#include "engine/hash.h"
#include "engine/kernels/table.h"
#include "engine/norm_fixture.h"
#include "engine/random.h"

using namespace fqt;

namespace {

const test::NormForms kRangeNorm{ops::range_norm, ops::range_norm_relu, ops::range_norm_add_relu};
const ops::NormOptions kExact{.epsilon = 0, .momentum = 0};

/// One channel whose rows repeat `pattern`.
Tensor repeat(const std::vector<float>& pattern, int64_t rows) {
  Tensor x({rows, 1});
  for (int64_t r = 0; r < rows; ++r) x.data()[r] = pattern[static_cast<size_t>(r) % pattern.size()];
  return x;
}

/// What one channel's pass leaves behind, with gamma 2 and beta 1.
struct Pass {
  Tensor y, grad_x, grad_gamma, grad_beta;
  float mean = 10, range = 1;  ///< the running ones

  Pass(const Tensor& x, const Tensor& grad, const ops::NormOptions& options) {
    Parameter in{"x", x, {}}, gamma{"gamma", Tensor::full({1}, 2), {}}, beta{"beta", Tensor::full({1}, 1), {}};
    Tensor running_mean = Tensor::full({1}, mean), running_range = Tensor::full({1}, range);
    Tape tape;
    const Var out = ops::range_norm(tape, tape.parameter(in), tape.parameter(gamma), tape.parameter(beta), running_mean,
                                    running_range, options);
    tape.backward(
        tape.record(Tensor::scalar(0), {out}, [&](const Tensor&) { return std::vector<Tensor>{grad.clone()}; }));
    y = out.value();
    grad_x = in.grad;
    grad_gamma = gamma.grad;
    grad_beta = beta.grad;
    mean = running_mean.item();
    range = running_range.item();
  }
};

/// 1 in one row, 0 in the others.
Tensor one_at(int64_t row, int64_t rows) {
  Tensor grad = Tensor::zeros({rows, 1});
  grad.data()[row] = 1;
  return grad;
}

}  // namespace

TEST_CASE("range_norm: C(n) by its formula") {
  // Worked out to 40 digits. The engine's logarithm is good to 1e-14.
  CHECK(ops::range_to_deviation(2) == doctest::Approx(0.45881073895886864).epsilon(1e-14));
  CHECK(ops::range_to_deviation(2.5) == doctest::Approx(0.39905215283559510).epsilon(1e-14));
  CHECK(ops::range_to_deviation(64) == doctest::Approx(0.18730869982642643).epsilon(1e-14));
  CHECK(ops::range_to_deviation(1024) == doctest::Approx(0.14508869500549762).epsilon(1e-14));
  CHECK(ops::range_to_deviation(8192) == doctest::Approx(0.12725120346536340).epsilon(1e-14));
}

TEST_CASE("range_norm: what C(n) makes of normal samples") {
  // The mean range of n samples of N(0, 1) is the integral of 1 - F^n - (1 - F)^n, F being their distribution: 4.68747,
  // 6.49648, 7.60456. Times C(n), the deviation comes out 12, 6 and 3 % short. 512 to 1,024 ranges, each known to 0.13
  // of itself or better: 0.6 %, three times that allowed.
  struct Row {
    int64_t n, channels;
    double estimate;
  };
  for (const Row& row : {Row{64, 64, 0.8780}, Row{1024, 32, 0.9426}, Row{8192, 32, 0.9677}}) {
    CAPTURE(row.n);
    const int64_t channels = row.channels;
    const Var x(test::normal_tensor({16 * row.n, channels}, 9, 3)), gamma(Tensor::full({channels}, 1));
    Tensor mean = Tensor::zeros({channels}), range = Tensor::zeros({channels});
    Tape tape;
    ops::range_norm(tape, x, gamma, Var(Tensor::zeros({channels})), mean, range, kExact);
    double average = 0;
    for (const float value : range.values()) average += value / static_cast<double>(channels);
    CHECK(average == doctest::Approx(row.estimate).epsilon(0.018));
  }
}

TEST_CASE("range_norm: by hand") {
  // 16 chunks of two rows, by turns 1, 3 and 5, -1. Maxima 3 and 5, on average 4; minima 1 and -1, on average 0: range
  // 4. Mean (1 + 3 + 5 - 1) / 4 = 2.
  const Tensor x = repeat({1, 3, 5, -1}, 32);
  const Pass pass(x, one_at(0, 32), {.epsilon = 0});
  const double deviation = 4 * ops::range_to_deviation(2);
  const double scale = 2 / deviation;
  CHECK(pass.y.data()[0] == doctest::Approx(1 + scale * (1 - 2)));
  CHECK(pass.y.data()[1] == doctest::Approx(1 + scale * (3 - 2)));
  CHECK(pass.y.data()[2] == doctest::Approx(1 + scale * (5 - 2)));
  CHECK(pass.y.data()[31] == doctest::Approx(1 + scale * (-1 - 2)));
  CHECK(pass.mean == doctest::Approx(0.9 * 10 + 0.1 * 2));
  CHECK(pass.range == doctest::Approx(0.9 * 1 + 0.1 * deviation));

  // The loss is y[0] = 1 + 2 (x[0] - mean) / deviation.
  CHECK(pass.grad_beta.item() == doctest::Approx(1));
  CHECK(pass.grad_gamma.item() == doctest::Approx(-1 / deviation));
  // Through x[0] itself, scale; through the mean, -scale / 32 for every row. Through the deviation: it grows by C / 16
  // with every maximum, y[0] by -2 (x[0] - mean) / deviation^2 = scale / deviation with it, and deviation = 4 C: by
  // scale / 64 with every maximum, and by as much less with every minimum.
  CHECK(pass.grad_x.data()[0] == doctest::Approx(scale * (1 - 1.0 / 32 - 1.0 / 64)));
  CHECK(pass.grad_x.data()[1] == doctest::Approx(scale * (-1.0 / 32 + 1.0 / 64)));
  CHECK(pass.grad_x.data()[2] == doctest::Approx(scale * (-1.0 / 32 + 1.0 / 64)));
  CHECK(pass.grad_x.data()[3] == doctest::Approx(scale * (-1.0 / 32 - 1.0 / 64)));
  CHECK(pass.grad_x.data()[31] == doctest::Approx(scale * (-1.0 / 32 - 1.0 / 64)));
}

TEST_CASE("range_norm: chunks that do not divide the rows") {
  // 40 rows: n = 2.5, chunks of two rows, 0 and 1, and of three, 0, 5 and 1, by turns. Range (1 + 5) / 2 = 3, mean
  // 7 / 5.
  const Pass pass(repeat({0, 1, 0, 5, 1}, 40), one_at(0, 40), kExact);
  const double deviation = 3 * 0.39905215283559510;
  CHECK(pass.mean == doctest::Approx(1.4));
  CHECK(pass.range == doctest::Approx(deviation));
  CHECK(pass.y.data()[39] == doctest::Approx(1 + 2 * (1 - 1.4) / deviation));
}

TEST_CASE("range_norm: of equal extremes the first takes the gradient") {
  // 16 chunks 1, 1, 0: range 1, mean 2/3. The loss is y[2]; by turns -scale / 48 from the mean, and 2/3 scale / 16 at a
  // maximum, as much less at a minimum.
  const Pass pass(repeat({1, 1, 0}, 48), one_at(2, 48), kExact);
  const double scale = 2 / ops::range_to_deviation(3);
  CHECK(pass.grad_x.data()[3] == doctest::Approx(scale * (-1.0 / 48 + 1.0 / 24)));
  CHECK(pass.grad_x.data()[4] == doctest::Approx(scale * (-1.0 / 48)));
  CHECK(pass.grad_x.data()[5] == doctest::Approx(scale * (-1.0 / 48 - 1.0 / 24)));

  // A chunk of 5,000 rows is more than is looked at in one piece.
  constexpr int64_t kRows = 5000;
  Tensor x = Tensor::zeros({16 * kRows, 1});
  for (int64_t chunk = 0; chunk < 16; ++chunk) {
    for (const int64_t row : {100, 4900}) x.data()[chunk * kRows + row] = 1;
    for (const int64_t row : {200, 4800}) x.data()[chunk * kRows + row] = -1;
  }
  const Tensor grad_x = Pass(x, one_at(100, 16 * kRows), kExact).grad_x;
  for (int64_t chunk = 0; chunk < 16; ++chunk) {
    const float* const grad = grad_x.data() + chunk * kRows;
    CHECK(grad[200] > grad[0]);  // the loss falls as the range grows: less range, more loss
    CHECK(grad[4900] == grad[0]);
    CHECK(grad[4800] == grad[0]);
    if (chunk > 0) CHECK(grad[100] < grad[0]);
  }
}

TEST_CASE("range_norm: equal values give beta") {
  const Pass pass(Tensor::full({32, 1}, 7), one_at(0, 32), {.momentum = 0});
  CHECK(pass.range == 0);
  for (const float value : pass.y.values()) CHECK(value == 1);
  for (const float value : pass.grad_x.values()) CHECK(std::isfinite(value));
}

TEST_CASE("range_norm: evaluation uses the running values, and leaves them") {
  // Running mean 10, running range 1. Four rows would not do for training.
  const Pass pass(Tensor({4, 1}, std::vector<float>{1, 3, 5, 7}), one_at(1, 4), {.epsilon = 0.25, .training = false});
  CHECK(pass.y.data()[0] == doctest::Approx(1 + 2 * (1 - 10) / 1.25));
  CHECK(pass.y.data()[3] == doctest::Approx(1 + 2 * (7 - 10) / 1.25));
  CHECK(pass.mean == 10);
  CHECK(pass.range == 1);
  CHECK(pass.grad_x.data()[0] == 0);
  CHECK(pass.grad_x.data()[1] == doctest::Approx(2 / 1.25));
  CHECK(pass.grad_gamma.item() == doctest::Approx((3 - 10) / 1.25));
}

TEST_CASE("range_norm: NaN and infinity show in every value of their channel") {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
    for (const int64_t row : {0, 1, 2, 50}) {
      Tensor x = repeat({1, 3, 5, -1}, 64);
      x.data()[row] = bad;
      const Tensor y = Pass(x, one_at(0, 64), kExact).y;
      for (const float value : y.values()) CHECK_FALSE(std::isfinite(value));
    }
}

TEST_CASE("range_norm: fused and unfused, every instruction set and number of threads give the same bits") {
  test::check_same_bits(kRangeNorm, {{5, 9, 11, 16}, {2000, 37}, {32, 2}, {2, 4, 4, 80}});
}

TEST_CASE("range_norm: the same bits from every compiler") {
  // Not worked out by hand: what gcc 12 and clang 14 agreed on.
  CHECK(to_hex(hash_floats(test::run_norm(kRangeNorm, true, true, true, {5, 9, 11, 16}))) == "905e9c0645f40f20");
  CHECK(to_hex(hash_floats(test::run_norm(kRangeNorm, true, false, true, {700, 37}))) == "ec8bc80011129f5b");
}

TEST_CASE("range_norm: wrong shapes are named") {
  Tape tape;
  Tensor running = Tensor::zeros({16}), three = Tensor::zeros({3});
  const Var x(Tensor::zeros({40, 16})), sixteen(Tensor::zeros({16}));
  CHECK_THROWS_WITH_AS(ops::range_norm(tape, x, Var(three), sixteen, running, running, {}),
                       "[range_norm] gamma has shape [3], expected [16]", Error);
  CHECK_THROWS_WITH_AS(ops::range_norm_relu(tape, x, sixteen, sixteen, running, three, {}),
                       "[range_norm_relu] running_range has shape [3], expected [16]", Error);
  CHECK_THROWS_WITH_AS(ops::range_norm_add_relu(tape, x, sixteen, sixteen, running, running, sixteen, {}),
                       "[range_norm_add_relu] residual has shape [16], expected [40, 16]", Error);
  CHECK_THROWS_WITH_AS(ops::range_norm(tape, Var(Tensor::zeros({31, 1, 16})), sixteen, sixteen, running, running, {}),
                       "[range_norm] input has shape [31, 1, 16]: training needs at least 32 values a channel, two for "
                       "each of 16 chunks",
                       Error);
  CHECK_NOTHROW(ops::range_norm(tape, Var(Tensor::zeros({32, 1, 16})), sixteen, sixteen, running, running, {}));
  CHECK_THROWS_AS(ops::range_norm(tape, Var(Tensor::scalar(1)), sixteen, sixteen, running, running, {}), Error);
}

TEST_CASE("column_extremes: the first rows of the extremes, on every instruction set, for every number of columns") {
  // Few different values, so that most extremes come more than once. NaN is passed over where it is not first.
  for (const kernels::Isa& isa : kernels::all_isas()) {
    if (!isa.supported()) continue;
    CAPTURE(std::string(isa.name));
    for (size_t columns = 1; columns <= 40; ++columns)
      for (const size_t rows : {1, 2, 3, 30}) {
        std::vector<float> x(rows * columns);
        for (size_t i = 0; i < x.size(); ++i)
          x[i] = static_cast<float>(random_below(random_key(1, {columns, rows}), i, 7)) - 3;
        if (rows > 2) x[columns] = std::numeric_limits<float>::quiet_NaN();
        std::vector<float> high(columns + 1, 99), low(columns + 1, 99);
        std::vector<int32_t> high_row(columns + 1, 99), low_row(columns + 1, 99);
        isa.table().vector.column_extremes({high.data(), low.data(), high_row.data(), low_row.data()}, x.data(),
                                           static_cast<int64_t>(rows), static_cast<int64_t>(columns));
        int wrong = 0;
        for (size_t c = 0; c < columns; ++c) {
          size_t highest = 0, lowest = 0;
          for (size_t r = 1; r < rows; ++r) {
            if (x[r * columns + c] > x[highest * columns + c]) highest = r;
            if (x[r * columns + c] < x[lowest * columns + c]) lowest = r;
          }
          wrong += high_row[c] != static_cast<int32_t>(highest) || high[c] != x[highest * columns + c];
          wrong += low_row[c] != static_cast<int32_t>(lowest) || low[c] != x[lowest * columns + c];
        }
        CAPTURE(columns);
        CAPTURE(rows);
        CHECK(wrong == 0);
        CHECK((high[columns] == 99 && low[columns] == 99 && high_row[columns] == 99 && low_row[columns] == 99));
      }
  }
}
