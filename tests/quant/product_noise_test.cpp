// The random numbers of products: which words an operand takes, and that they round without bias.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "engine/check.h"
#include "quant/product_fixture.h"
#include "quant/whole.h"
#include "support/thread_count.h"

using namespace fqt;
using namespace fqt::quant;
using test::Doubles;
using test::integer_precision;
using test::mismatches;
using test::ProductFixture;
using test::range_of;
using test::same_bits;
using test::Whole;
using test::whole;

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
  Whole x = whole(fixture.x.value, precision.products[ProductKind::forward].lhs, {range_of(fixture.x.value)}, {});
  Whole w = whole(fixture.w.value, precision.products[ProductKind::forward].rhs, {range_of(fixture.w.value)}, {});
  for (double& value : x.differences) value *= x.scales[0];
  for (double& value : w.differences) value *= w.scales[0];
  const Doubles dy(fixture.dy.values().begin(), fixture.dy.values().end());
  const test::NaiveProducts exact = test::naive_products(g, x.differences, w.differences, dy);
  // Rounding one dy has a standard deviation of at most half a step; a sum of terms a_i has sqrt(sum a_i^2) times that.
  const Range dy_range = range_of(fixture.dy);
  const double half_step = fit_grids(precision.products[ProductKind::grad_lhs].lhs, {&dy_range, 1}).front().scale / 2 /
                           std::sqrt(double{steps});
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

TEST_CASE("product: evaluation draws words of its own, one stream for each batch") {
  Precision precision = integer_precision(4);
  precision.products[ProductKind::forward].lhs.rounding = Rounding::stochastic;
  ProductFixture fixture(ConvGeometry::matrix(16, 4, 8), precision);
  const Tensor trained = fixture.forward(true), first = fixture.forward(false);
  CHECK_FALSE(same_bits(trained, first));  // the running range is this batch's: only the draws differ
  CHECK(same_bits(first, fixture.forward(false)));
  ++fixture.step;
  CHECK_FALSE(same_bits(first, fixture.forward(false)));
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

namespace {

/// Words for some of the operands, and who was asked for.
struct GivenWords : NoiseSource {
  std::map<NoiseOf, std::vector<uint16_t>> given;
  std::vector<NoiseOf> asked;
  std::optional<std::span<const uint16_t>> words(const Site& site, NoiseOf operand) override {
    CHECK(site.name == "stage1.block0.conv1");
    asked.push_back(operand);
    if (!given.contains(operand)) return std::nullopt;
    return given[operand];
  }
};

/// level - zero of each value by the formula of stochastic rounding; nothing is clipped.
Doubles rounded(const Tensor& values, const Grid& grid, const std::vector<uint16_t>& words) {
  Doubles differences;
  for (int64_t i = 0; i < values.size(); ++i) {
    const float v = values.data()[i] / grid.scale, f = v - std::floor(v);
    differences.push_back(std::floor(v) + (words[static_cast<size_t>(i)] + 0.5 < 65536.0 * f ? 1 : 0));
  }
  return differences;
}

}  // namespace

TEST_CASE("product: given words decide each draw of the gradient, by the formula") {
  const ConvGeometry g = ConvGeometry::matrix(8, 6, 5);
  const Precision precision = integer_precision(4);
  const OperandPrecision& dy_precision = precision.products[ProductKind::grad_lhs].lhs;
  ProductFixture fixture(g, precision);
  const Whole x = whole(fixture.x.value, precision.products[ProductKind::forward].lhs, {range_of(fixture.x.value)}, {});
  const Whole w = whole(fixture.w.value, precision.products[ProductKind::forward].rhs, {range_of(fixture.w.value)}, {});
  const Range range = range_of(fixture.dy);
  const Grid grid = fit_grids(dy_precision, {&range, 1}).front();
  const size_t size = static_cast<size_t>(fixture.dy.size());
  std::vector<uint16_t> mixed;
  for (size_t i = 0; i < size; ++i) mixed.push_back(static_cast<uint16_t>(i * 40503));
  Tensor before;
  for (const std::vector<uint16_t>& words : {std::vector<uint16_t>(size, 0), std::vector<uint16_t>(size, 65535),
                                             std::vector<uint16_t>(size, 32768), mixed}) {
    GivenWords source;
    source.given[NoiseOf::grad] = words;
    fixture.noise = &source;
    fixture.run();
    CHECK(source.asked == std::vector{NoiseOf::grad});  // x and w are rounded to nearest
    const test::NaiveProducts sums =
        test::naive_products(g, x.differences, w.differences, rounded(fixture.dy, grid, words));
    CHECK(mismatches(fixture.x.grad, sums.dx, {grid.scale}, w.scales) == 0);
    CHECK(mismatches(fixture.w.grad, sums.dw, x.scales, {grid.scale}) == 0);
    if (before.size() > 0) CHECK_FALSE(same_bits(before, fixture.w.grad));
    before = fixture.w.grad.clone();
  }
}

TEST_CASE("product: each operand is asked for by its name, and what is not given comes from its stream") {
  Precision precision = integer_precision(4);
  auto& [forward, grad_lhs, grad_rhs] = static_cast<std::array<ProductPrecision, 3>&>(precision.products);
  forward.lhs.rounding = forward.rhs.rounding = Rounding::stochastic;
  grad_lhs.rhs.rounding = grad_rhs.lhs.rounding = Rounding::stochastic;
  grad_rhs.lhs.bits = grad_lhs.rhs.bits = grad_rhs.rhs.bits = 7;
  ProductFixture streams(test::kGeometries[1].geometry(), precision),
      fixture(test::kGeometries[1].geometry(), precision);
  GivenWords source;
  fixture.noise = &source;
  CHECK(same_bits(streams.run(), fixture.run()));
  CHECK((same_bits(streams.x.grad, fixture.x.grad) && same_bits(streams.w.grad, fixture.w.grad)));
  CHECK(source.asked == std::vector{NoiseOf::lhs, NoiseOf::rhs, NoiseOf::lhs_again, NoiseOf::rhs_again, NoiseOf::grad,
                                    NoiseOf::grad_again});
  // A second copy's words are its own: dW changes, dX does not.
  source.given[NoiseOf::grad_again] = std::vector<uint16_t>(static_cast<size_t>(fixture.dy.size()), 0);
  fixture.run();
  CHECK(same_bits(streams.x.grad, fixture.x.grad));
  CHECK_FALSE(same_bits(streams.w.grad, fixture.w.grad));
  source.given[NoiseOf::grad_again].clear();
  CHECK_THROWS_WITH_AS(fixture.run(), doctest::Contains("0 words of noise"), Error);
}
