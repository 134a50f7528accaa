#include "quant/product.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
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

const std::string kSite = "test";

/// An operand as whole numbers level - zero, to be multiplied exactly in float64, and its scales: one, or one for each
/// channel of the last axis.
struct Whole {
  Doubles differences;
  Doubles scales;
};

/// `values` at `precision`, in the plain order. Rounding is operand_test's matter; here it is taken as given.
Whole whole(const Tensor& values, const OperandPrecision& precision, const std::vector<Range>& ranges,
            const RandomKey& noise) {
  const int64_t channels = precision.per_channel ? values.dim(-1) : 1;
  const gemm::PaddedImage plain{1, 1, values.size() / channels, channels, 0, 0, 0, 0, channels};
  const Operand operand = encode(values, plain, precision, fit_grids(precision, ranges), noise);
  Whole result;
  for (const Grid& grid : operand.grids) result.scales.push_back(grid.scale);
  for (int64_t i = 0; i < values.size(); ++i)
    result.differences.push_back(operand.level(i) - operand.grids[static_cast<size_t>(i) % operand.grids.size()].zero);
  return result;
}

Range range_of(const Tensor& values) { return extremes(values.values(), {"test", kSite, 0}); }

std::vector<Range> ranges_of(const Tensor& values, const OperandPrecision& precision) {
  if (!precision.per_channel) return {range_of(values)};
  return estimate_channel_ranges(values.values(), values.dim(-1), precision, {"test", kSite, 0});
}

/// Values of `actual` that are not the sum times both scales, rounded once.
int mismatches(const Tensor& actual, const Doubles& sums, const Doubles& lhs_scales, const Doubles& rhs_scales) {
  REQUIRE(actual.size() == static_cast<int64_t>(sums.size()));
  int count = 0;
  for (size_t i = 0; i < sums.size(); ++i)
    count += actual.data()[i] != static_cast<float>(sums[i] * (lhs_scales[0] * rhs_scales[i % rhs_scales.size()]));
  return count;
}

/// The three products of a fixture are the exact sums of its decoded operands, rounded once.
void check_exact(ProductFixture& fixture, const Precision& precision) {
  const Tensor y = fixture.run();
  const auto operand = [&](const Tensor& values, const OperandPrecision& how, uint64_t noise) {
    return whole(values, how, ranges_of(values, how),
                 random_key(fixture.seed, {fixture.step, fixture.site.key, noise}));
  };
  const auto& [forward, grad_lhs, grad_rhs] = static_cast<const std::array<ProductPrecision, 3>&>(precision.products);
  const Whole x = operand(fixture.x.value, forward.lhs, 0), w = operand(fixture.w.value, forward.rhs, 1);
  const Whole x_again = grad_rhs.lhs == forward.lhs ? x : operand(fixture.x.value, grad_rhs.lhs, 5);
  const Whole w_again = grad_lhs.rhs == forward.rhs ? w : operand(fixture.w.value, grad_lhs.rhs, 4);
  const Whole dy = operand(fixture.dy, grad_lhs.lhs, 2);
  const Whole dy_again = grad_rhs.rhs == grad_lhs.lhs ? dy : operand(fixture.dy, grad_rhs.rhs, 3);
  const ConvGeometry& g = fixture.geometry;
  CHECK(mismatches(y, test::naive_products(g, x.differences, w.differences, dy.differences).y, x.scales, w.scales) ==
        0);
  CHECK(mismatches(fixture.x.grad, test::naive_products(g, x.differences, w_again.differences, dy.differences).dx,
                   dy.scales, w_again.scales) == 0);
  CHECK(mismatches(fixture.w.grad, test::naive_products(g, x_again.differences, w.differences, dy_again.differences).dw,
                   x_again.scales, dy_again.scales) == 0);
}

}  // namespace

TEST_CASE("product: all three equal the sums of the decoded operands, rounded once") {
  const test::ThreadCount one(1);
  for (const test::GeometryCase& row : test::kGeometries) {
    CAPTURE(row.kernel);
    CAPTURE(row.stride);
    CAPTURE(row.in);
    for (const char* format : {"affine", "symmetric"})
      for (const int bits : {2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16}) {
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
  auto& [forward, grad_lhs, grad_rhs] = static_cast<std::array<ProductPrecision, 3>&>(precision.products);
  forward.lhs.bits = grad_rhs.lhs.bits = 3;
  forward.lhs.rounding = grad_rhs.lhs.rounding = Rounding::stochastic;
  forward.rhs = grad_lhs.rhs = {&find_format("symmetric"), 5, Rounding::stochastic};
  grad_lhs.lhs.rounding = grad_rhs.rhs.rounding = Rounding::nearest;
  ProductFixture fixture(test::kGeometries[1].geometry(), precision);
  check_exact(fixture, precision);
  // Each product apart: X, W and dY are all rounded twice.
  forward.lhs.bits = 9;
  grad_lhs.rhs.bits = 12;
  grad_rhs.rhs = {&find_format("affine"), 2, Rounding::stochastic};
  ProductFixture apart(test::kGeometries[2].geometry(), precision);
  check_exact(apart, precision);
}

TEST_CASE("product: weights on a grid for each output channel, and on one for all where these are summed over") {
  for (const test::GeometryCase& row : test::kGeometries)
    for (const int bits : {4, 8, 16}) {
      CAPTURE(row.kernel);
      CAPTURE(row.out);
      CAPTURE(bits);
      Precision precision = integer_precision(bits);
      precision.products[ProductKind::forward].rhs.per_channel = true;
      precision.products[ProductKind::forward].rhs.rounding = Rounding::stochastic;
      ProductFixture fixture(row.geometry(), precision);
      for (int64_t i = 0; i < fixture.w.value.size(); ++i)  // channels of different magnitudes
        fixture.w.value.data()[i] *= static_cast<float>(1 + i % row.out);
      check_exact(fixture, precision);
    }
}

TEST_CASE("product: a second, wider copy of the gradient serves grad_rhs alone") {
  Precision precision = integer_precision(4);
  precision.products[ProductKind::grad_rhs].rhs = {&find_format("affine"), 16, Rounding::stochastic};
  for (const int row : {0, 1, 3}) {
    ProductFixture fixture(test::kGeometries[row].geometry(), precision);
    check_exact(fixture, precision);
  }
}

TEST_CASE("product: an emulated accumulator with room enough changes nothing, and a small one counts its overflows") {
  Precision precision = integer_precision(4);
  ProductFixture exact(test::kGeometries[1].geometry(), precision);
  const Tensor y = exact.run();
  precision.accumulator.bits = 32;
  ProductFixture roomy(test::kGeometries[1].geometry(), precision);
  const Tensor same = roomy.run();
  const auto equal = [](const Tensor& a, const Tensor& b) {
    return std::memcmp(a.data(), b.data(), static_cast<size_t>(a.size()) * sizeof(float)) == 0;
  };
  CHECK((equal(same, y) && equal(roomy.x.grad, exact.x.grad) && equal(roomy.w.grad, exact.w.grad)));
  CHECK(roomy.site.overflows == ByProduct<int64_t>{});
  precision.accumulator.bits = 8;
  ProductFixture small(test::kGeometries[1].geometry(), precision);
  CHECK_FALSE(equal(small.run(), y));
  for (const int64_t count : small.site.overflows) CHECK(count > 0);
}

TEST_CASE("product: codes are not reused where their scale varies along the sum") {
  const std::vector<Grid> grids{{1.0f, 0, 15}, {2.0f, 0, 15}};
  const OperandPrecision precision{&find_format("affine"), 4};
  const Operand weight = encode(Tensor::full({3, 2}, 1.0f), {1, 1, 3, 2, 0, 0, 0, 0, 2}, precision, grids, {});
  const ConvGeometry g = ConvGeometry::matrix(5, 3, 2);
  const Operand dy = encode(Tensor::full({5, 2}, 1.0f), gemm::gradient_image(g, 4), precision, {grids[0]}, {});
  std::vector<float> dx(15);
  CHECK_THROWS_WITH_AS(multiply(gemm::grad_lhs_products(g, gemm::gradient_image(g, 4)), dy, weight, {}, dx.data()),
                       doctest::Contains("a scale varies along the terms of a sum"), Error);
}

namespace {

struct Recorder : Probe {
  struct Row {
    ProductKind product;
    int64_t terms, largest_sum;
    OperandStatistics lhs, rhs;
  };
  std::vector<Row> rows;
  void observe(const Observation& o) override { rows.push_back({o.product, o.terms, o.largest_sum, o.lhs, o.rhs}); }
};

}  // namespace

TEST_CASE("product: a probe sees all three products and changes none") {
  const Precision precision = integer_precision(6);
  ProductFixture plain(test::kGeometries[0].geometry(), precision), probed(test::kGeometries[0].geometry(), precision);
  Recorder recorder;
  probed.probe = &recorder;
  const Tensor expected = plain.run(), y = probed.run();
  CHECK(std::equal(y.data(), y.data() + y.size(), expected.data()));
  CHECK(std::equal(plain.w.grad.data(), plain.w.grad.data() + plain.w.grad.size(), probed.w.grad.data()));
  REQUIRE(recorder.rows.size() == 3);
  const ConvGeometry& g = probed.geometry;
  CHECK((recorder.rows[0].product == ProductKind::forward && recorder.rows[0].terms == g.k()));
  CHECK((recorder.rows[1].product == ProductKind::grad_lhs && recorder.rows[1].terms == 9 * g.n()));
  CHECK((recorder.rows[2].product == ProductKind::grad_rhs && recorder.rows[2].terms == g.m()));
  for (const Recorder::Row& row : recorder.rows) {
    CHECK(row.largest_sum > 0);
    CHECK(row.largest_sum <= row.terms * 63 * 63);
    for (const OperandStatistics& operand : {row.lhs, row.rhs}) {
      CHECK(operand.clip_rate == 0);  // extremes clip nothing
      CHECK(operand.sqnr_db > 20);
      CHECK(operand.levels_used > 0.5);
    }
  }
  const OperandStatistics& x = recorder.rows[0].lhs;
  CHECK((x.low == range_of(probed.x.value).low && x.high == range_of(probed.x.value).high));
  int64_t counted = 0;
  for (const int64_t count : x.histogram) counted += count;
  CHECK(counted == probed.x.value.size());
}

TEST_CASE("product: statistics of an operand, by hand") {
  // Steps of 1 from -1 to 2: -1, 0.25 -> 0, 2, 4 -> 2. Errors 0, 0.25, 0, 2; 4 is clipped; 3 of 4 levels are met.
  const Tensor values({4}, std::vector<float>{-1, 0.25f, 2, 4});
  const gemm::PaddedImage plain{1, 1, 4, 1, 0, 0, 0, 0, 1};
  const OperandPrecision precision{&find_format("affine"), 2};
  const OperandStatistics s = measure(values, plain, precision, encode(values, plain, precision, {{1.0f, 1, 3}}, {}));
  CHECK(s.clip_rate == 0.25);
  CHECK(s.levels_used == 0.75);
  CHECK(s.histogram == std::vector<int64_t>{1, 1, 0, 2});
  CHECK(s.sqnr_db == doctest::Approx(10 * std::log10((1 + 0.0625 + 4 + 16) / (0.0625 + 4))));
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
  const Whole w = whole(fixture.w.value, precision.products[ProductKind::forward].rhs, {range_of(fixture.w.value)}, {});
  const auto expect = [&](const Range& range) {
    const Whole x = whole(fixture.x.value, precision.products[ProductKind::forward].lhs, {range}, {});
    const test::NaiveProducts sums =
        test::naive_products(g, x.differences, w.differences, Doubles(static_cast<size_t>(g.m() * g.n())));
    CHECK(mismatches(fixture.forward(false), sums.y, x.scales, w.scales) == 0);
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

TEST_CASE("product: a running range is used in training, too, and a mean over samples clips") {
  const ConvGeometry g = ConvGeometry::matrix(8, 6, 5);
  Precision precision = integer_precision(6);
  precision.products[ProductKind::forward].lhs.range = &find_range_estimator("running");
  ProductFixture fixture(g, precision);
  fixture.run();
  const Range first = range_of(fixture.x.value);
  for (float& value : fixture.x.value.values()) value *= 3;
  const Tensor y = fixture.run();
  const float* running = fixture.site.lhs_range.data();
  CHECK(running[0] == doctest::Approx(0.9 * first.low + 0.1 * 3 * first.low));
  const Whole x = whole(fixture.x.value, precision.products[ProductKind::forward].lhs, {{running[0], running[1]}}, {});
  const Whole w = whole(fixture.w.value, precision.products[ProductKind::forward].rhs, {range_of(fixture.w.value)}, {});
  CHECK(mismatches(y, test::naive_products(g, x.differences, w.differences, Doubles(40)).y, x.scales, w.scales) == 0);

  precision.products[ProductKind::forward].lhs.range = &find_range_estimator("sample_mean");
  ProductFixture mean(test::kGeometries[0].geometry(), precision);
  mean.run();
  CHECK(mean.site.lhs_range.data()[1] < range_of(mean.x.value).high);
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
  const auto equal = [](const Tensor& a, const Tensor& b) {
    return std::memcmp(a.data(), b.data(), static_cast<size_t>(a.size()) * sizeof(float)) == 0;
  };
  CHECK_FALSE(equal(trained, first));  // the running range is this batch's: only the draws differ
  CHECK(equal(first, fixture.forward(false)));
  ++fixture.step;
  CHECK_FALSE(equal(first, fixture.forward(false)));
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
  mixed.products[ProductKind::forward].lhs = {};
  ProductFixture half(ConvGeometry::matrix(4, 3, 2), mixed);
  CHECK(message(half).find("all integers or all fp32") != std::string::npos);

  Tape tape;
  ProductFixture fixture(ConvGeometry::matrix(4, 3, 2), precision);
  const Context context{.tape = tape, .precision = fixture.table};
  CHECK_THROWS_WITH_AS(matmul(context, fixture.site, Var(Tensor::zeros({4, 3})), Var(Tensor::zeros({4, 2}))),
                       doctest::Contains("shapes [4, 3] and [4, 2] do not multiply"), Error);
}
