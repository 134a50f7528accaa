#include "quant/product.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/parallel.h"
#include "quant/operand.h"
#include "quant/product_fixture.h"
#include "support/thread_count.h"

using namespace fqt;
using namespace fqt::quant;
using test::Doubles;
using test::integer_precision;
using test::ProductFixture;

namespace {

/// An operand as whole numbers level - zero, to be multiplied exactly in float64, and its scale.
struct Whole {
  Doubles differences;
  double scale;
};

/// `values` at `precision`, in the plain order. Rounding is operand_test's matter; here it is taken as given.
Whole whole(const Tensor& values, const OperandPrecision& precision, const Range& range, const RandomKey& noise) {
  const gemm::PaddedImage plain{1, 1, values.size(), 1, 0, 0, 0, 0, 1};
  const Operand operand = encode(values, plain, precision, fit_grid(precision, range), noise);
  Whole result{Doubles(static_cast<size_t>(values.size())), operand.grid.scale};
  for (size_t i = 0; i < result.differences.size(); ++i)
    result.differences[i] = operand.levels.data()[i] - operand.grid.zero;
  return result;
}

Range range_of(const Tensor& values) { return extremes(values.values(), "test", "test", 0); }

int mismatches(const Tensor& actual, const Doubles& sums, double scale) {
  REQUIRE(actual.size() == static_cast<int64_t>(sums.size()));
  int count = 0;
  for (size_t i = 0; i < sums.size(); ++i) count += actual.data()[i] != static_cast<float>(sums[i] * scale);
  return count;
}

/// The three products of a fixture are the exact sums of its decoded operands, rounded once.
void check_exact(ProductFixture& fixture, const Precision& precision) {
  const Tensor y = fixture.run();
  const auto noise = [&](uint64_t operand) {
    return random_key(fixture.seed, {fixture.step, fixture.site.key, operand});
  };
  const Whole x = whole(fixture.x.value, precision.lhs, range_of(fixture.x.value), noise(0));
  const Whole w = whole(fixture.w.value, precision.rhs, range_of(fixture.w.value), noise(1));
  const Whole dy = whole(fixture.dy, precision.grad, range_of(fixture.dy), noise(2));
  const test::NaiveProducts sums = test::naive_products(fixture.geometry, x.differences, w.differences, dy.differences);
  CHECK(mismatches(y, sums.y, x.scale * w.scale) == 0);
  CHECK(mismatches(fixture.x.grad, sums.dx, dy.scale * w.scale) == 0);
  CHECK(mismatches(fixture.w.grad, sums.dw, x.scale * dy.scale) == 0);
}

}  // namespace

TEST_CASE("product: all three equal the sums of the decoded operands, rounded once") {
  const test::ThreadCount one(1);
  for (const test::GeometryCase& row : test::kGeometries) {
    CAPTURE(row.kernel);
    CAPTURE(row.stride);
    CAPTURE(row.in);
    for (const char* format : {"affine", "symmetric"})
      for (int bits = kMinBits; bits <= kMaxBits; ++bits) {
        CAPTURE(format);
        CAPTURE(bits);
        const Precision precision = integer_precision(bits, format);
        ProductFixture fixture(row.geometry(), precision);
        check_exact(fixture, precision);
      }
  }
}

TEST_CASE("product: operands may have widths, formats and roundings of their own") {
  Precision precision = integer_precision(8);
  precision.lhs.bits = 3;
  precision.lhs.rounding = Rounding::stochastic;
  precision.rhs = {&find_format("symmetric"), 5, Rounding::stochastic};
  precision.grad.rounding = Rounding::nearest;
  ProductFixture fixture(test::kGeometries[1].geometry(), precision);
  check_exact(fixture, precision);
}

TEST_CASE("product: a matrix product is the same with one row of pixels") {
  const test::ThreadCount one(1);
  for (const int bits : {2, 6, 8}) {
    CAPTURE(bits);
    const Precision precision = integer_precision(bits);
    ProductFixture fixture(ConvGeometry::matrix(37, 19, 21), precision);
    check_exact(fixture, precision);
    const Tensor dx = fixture.x.grad, dw = fixture.w.grad;

    Parameter x{"x", fixture.x.value.reshape({37, 19}), {}}, w{"w", fixture.w.value.reshape({19, 21}), {}};
    Tape tape;
    const Context context{.tape = tape, .precision = fixture.table, .seed = fixture.seed, .step = fixture.step};
    const Var y = matmul(context, fixture.site, tape.parameter(x), tape.parameter(w));
    CHECK(y.shape() == Shape{37, 21});
    tape.backward(tape.record(Tensor::scalar(0), {y}, [&](Tensor) {
      return std::vector<Tensor>{fixture.dy.reshape({37, 21})};
    }));
    CHECK(x.grad.shape() == Shape{37, 19});
    CHECK(w.grad.shape() == Shape{19, 21});
    CHECK(std::memcmp(x.grad.data(), dx.data(), static_cast<size_t>(dx.size()) * sizeof(float)) == 0);
    CHECK(std::memcmp(w.grad.data(), dw.data(), static_cast<size_t>(dw.size()) * sizeof(float)) == 0);
  }
}

TEST_CASE("product: the same bits on every instruction set and any number of threads") {
  const int before = threads();
  for (const bool is_float : {false, true}) {
    CAPTURE(is_float);
    ConvGeometry g = test::kGeometries[1].geometry();
    g.batch = 9;
    g.height = g.width = 33;
    ProductFixture fixture(g, is_float ? Precision{} : integer_precision(6));
    std::vector<Tensor> expected;
    for (const kernels::Isa& isa : kernels::all_isas()) {
      if (!isa.supported()) continue;
      kernels::select(isa.name);
      for (const int count : {1, 2, 3}) {
        set_threads(count);
        CAPTURE(isa.name);
        CAPTURE(count);
        const std::vector<Tensor> now{fixture.run(), fixture.x.grad, fixture.w.grad};
        if (expected.empty()) expected = now;
        for (size_t i = 0; i < now.size(); ++i)
          CHECK(std::memcmp(now[i].data(), expected[i].data(), static_cast<size_t>(now[i].size()) * sizeof(float)) ==
                0);
      }
    }
  }
  kernels::select("");
  set_threads(before);
}

TEST_CASE("product: evaluation reads the running range and clips what lies outside") {
  const ConvGeometry g = ConvGeometry::matrix(8, 6, 5);
  const Precision precision = integer_precision(6);
  ProductFixture fixture(g, precision);
  const Whole w = whole(fixture.w.value, precision.rhs, range_of(fixture.w.value), {});
  const auto expect = [&](const Range& range) {
    const Whole x = whole(fixture.x.value, precision.lhs, range, {});
    const test::NaiveProducts sums =
        test::naive_products(g, x.differences, w.differences, Doubles(static_cast<size_t>(g.m() * g.n())));
    CHECK(mismatches(fixture.forward(false), sums.y, x.scale * w.scale) == 0);
  };
  const float* running = fixture.site.lhs_range.data();
  expect(range_of(fixture.x.value));  // never trained: the batch's own range
  CHECK((running[0] == 0 && running[1] == 0));

  fixture.run();
  const Range first = range_of(fixture.x.value);
  CHECK((running[0] == first.low && running[1] == first.high));
  for (float& value : fixture.x.value.values()) value *= 3;
  expect(first);                                                 // three times the range: most values are clipped
  CHECK((running[0] == first.low && running[1] == first.high));  // evaluation leaves no trace
}

TEST_CASE("product: both gradients are unbiased under stochastic rounding") {
  const test::ThreadCount one(1);
  const ConvGeometry g = ConvGeometry::matrix(32, 5, 3);
  const Precision precision = integer_precision(3);
  ProductFixture fixture(g, precision);
  const int steps = 400;
  Doubles mean_dx(static_cast<size_t>(fixture.x.value.size())), mean_dw(static_cast<size_t>(fixture.w.value.size()));
  for (fixture.step = 0; fixture.step < steps; ++fixture.step) {
    fixture.run();
    for (size_t i = 0; i < mean_dx.size(); ++i) mean_dx[i] += fixture.x.grad.data()[i] / double{steps};
    for (size_t i = 0; i < mean_dw.size(); ++i) mean_dw[i] += fixture.w.grad.data()[i] / double{steps};
  }
  // What they estimate: products of the decoded x and w with dy itself.
  Whole x = whole(fixture.x.value, precision.lhs, range_of(fixture.x.value), {});
  Whole w = whole(fixture.w.value, precision.rhs, range_of(fixture.w.value), {});
  for (double& value : x.differences) value *= x.scale;
  for (double& value : w.differences) value *= w.scale;
  const Doubles dy(fixture.dy.values().begin(), fixture.dy.values().end());
  const test::NaiveProducts exact = test::naive_products(g, x.differences, w.differences, dy);
  // Rounding one dy has a standard deviation of at most half a step; a sum of terms a_i has sqrt(sum a_i^2) times that.
  const double half_step = fit_grid(precision.grad, range_of(fixture.dy)).scale / 2 / std::sqrt(double{steps});
  const auto check_mean = [&](const Doubles& mean, const Doubles& expected, const auto& squares) {
    for (size_t i = 0; i < mean.size(); ++i) {
      CAPTURE(i);
      CHECK(std::fabs(mean[i] - expected[i]) < 5 * half_step * std::sqrt(squares(i)));
    }
  };
  check_mean(mean_dw, exact.dw, [&](size_t i) {
    double sum = 0;
    for (size_t m = 0; m < 32; ++m) sum += x.differences[m * 5 + i / 3] * x.differences[m * 5 + i / 3];
    return sum;
  });
  check_mean(mean_dx, exact.dx, [&](size_t i) {
    double sum = 0;
    for (size_t n = 0; n < 3; ++n) sum += w.differences[i % 5 * 3 + n] * w.differences[i % 5 * 3 + n];
    return sum;
  });
}

TEST_CASE("product: the gradient's random numbers are those of seed, step and site") {
  const auto gradient = [](uint64_t seed, uint64_t step, const char* name) {
    ProductFixture fixture(ConvGeometry::matrix(16, 4, 8), integer_precision(4));
    fixture.site = Site(name);
    fixture.table.set(name, integer_precision(4));
    fixture.seed = seed;
    fixture.step = step;
    fixture.run();
    return std::vector<float>(fixture.w.grad.values().begin(), fixture.w.grad.values().end());
  };
  const std::vector<float> one = gradient(1, 2, "a");
  CHECK(one == gradient(1, 2, "a"));
  CHECK(one != gradient(2, 2, "a"));
  CHECK(one != gradient(1, 3, "a"));
  CHECK(one != gradient(1, 2, "b"));
}

TEST_CASE("product: NaN and infinity are refused by site, operand and step") {
  for (const bool is_float : {false, true})
    for (const std::string operand : {"lhs", "rhs", "the gradient"}) {
      CAPTURE(is_float);
      CAPTURE(operand);
      ProductFixture fixture(ConvGeometry::matrix(4, 3, 2), is_float ? Precision{} : integer_precision(6));
      Tensor& tensor = operand == "lhs" ? fixture.x.value : operand == "rhs" ? fixture.w.value : fixture.dy;
      tensor.data()[1] =
          operand == "rhs" ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
      std::string message;
      try {
        fixture.run();
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::data);
        message = error.what();
      }
      CAPTURE(message);
      CHECK(message.find(operand + " of site 'stage1.block0.conv1'") != std::string::npos);
      CHECK(message.find("in step 18") != std::string::npos);
    }
}

TEST_CASE("product: shapes, precisions and sites that do not fit are refused") {
  const auto message = [](ProductFixture& fixture) -> std::string {
    try {
      fixture.run();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const Precision precision = integer_precision(6);
  ProductFixture wrong_lhs(ConvGeometry::matrix(4, 3, 2), precision);
  wrong_lhs.x.value = Tensor::zeros({4, 5});
  CHECK(message(wrong_lhs).find("lhs has shape [4, 5]") != std::string::npos);
  ProductFixture wrong_rhs(ConvGeometry::matrix(4, 3, 2), precision);
  wrong_rhs.w.value = Tensor::zeros({3, 3});
  CHECK(message(wrong_rhs).find("rhs has shape [3, 3]") != std::string::npos);
  ProductFixture unknown(ConvGeometry::matrix(4, 3, 2), precision);
  unknown.site.name = "other";
  CHECK(message(unknown).find("no row for site 'other'") != std::string::npos);
  Precision mixed = precision;
  mixed.lhs = {};
  ProductFixture half(ConvGeometry::matrix(4, 3, 2), mixed);
  CHECK(message(half).find("all integers or all fp32") != std::string::npos);

  Tape tape;
  ProductFixture fixture(ConvGeometry::matrix(4, 3, 2), precision);
  const Context context{.tape = tape, .precision = fixture.table};
  CHECK_THROWS_WITH_AS(matmul(context, fixture.site, Var(Tensor::zeros({4, 3})), Var(Tensor::zeros({4, 2}))),
                       doctest::Contains("shapes [4, 3] and [4, 2] do not multiply"), Error);
}
