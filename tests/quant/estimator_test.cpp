#include "quant/ranges/estimator.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "engine/check.h"
#include "quant/range.h"
#include "support/random_tensor.h"

using namespace fqt;
using namespace fqt::quant;

namespace {

const std::string kSite = "site";

OperandPrecision precision_of(const char* range, int bits = 4, const char* format = "affine") {
  return {&find_format(format), bits, Rounding::nearest, &find_range_estimator(range)};
}

Range range_of(const std::vector<float>& values, int64_t samples, const OperandPrecision& precision) {
  return estimate_range(values, samples, precision, {"lhs", kSite, 0});
}

/// Mean squared error of rounding values to the nearest level of the grid over a range.
double mean_squared_error(const Tensor& values, const OperandPrecision& precision, const Range& range) {
  const Grid grid = precision.format->fit(range.low, range.high, precision.bits);
  double sum = 0;
  for (const float x : values.values()) {
    const double level = std::fmin(std::fmax(std::nearbyint(x / grid.scale), -grid.zero), grid.max_level - grid.zero);
    sum += (x - level * grid.scale) * (x - level * grid.scale);
  }
  return sum / static_cast<double>(values.size());
}

}  // namespace

TEST_CASE("ranges: every estimator lies within the extremes, and takes no values, one value and equal values") {
  const Tensor values = test::random_tensor({64, 50}, 3, -2, 1);
  const Range whole = extremes(values.values(), {"lhs", kSite, 0});
  for (const RangeEstimator& estimator : range_estimators()) {
    const std::string name(estimator.name);
    CAPTURE(name);
    CHECK(&find_range_estimator(estimator.name) == &estimator);
    for (const char* format : {"affine", "symmetric"})
      for (const int bits : {2, 8, 16}) {
        const OperandPrecision precision = precision_of(name.c_str(), bits, format);
        const Range range = estimate_range(values.values(), 64, precision, {"lhs", kSite, 0});
        CHECK((range.low >= whole.low && range.high <= whole.high && range.low <= range.high));
        CHECK(range_of({}, 1, precision).high == 0);
        for (const float constant : {0.0f, 3.0f, -3.0f}) {
          const Range one = range_of({constant}, 1, precision), many = range_of({constant, constant}, 2, precision);
          CHECK((one.low == constant && one.high == constant));
          CHECK((many.low == constant && many.high == constant));
        }
      }
  }
  CHECK_THROWS_WITH_AS(find_range_estimator("best"),
                       doctest::Contains("known: extremes, sample_mean, running, percentile, mse"), Error);
}

TEST_CASE("ranges: the mean over samples, by hand") {
  // Samples {-1, 3}, {-2, 1}, {0, 5}: lows -1, -2, 0; highs 3, 1, 5.
  const Range range = range_of({-1, 3, 1, -2, 0, 5}, 3, precision_of("sample_mean"));
  CHECK((range.low == -1 && range.high == 3));
}

TEST_CASE("ranges: a percentile, by hand") {
  std::vector<float> values;
  for (int i = 0; i <= 100; ++i) values.push_back(static_cast<float>(i * 37 % 101));  // 0 ... 100, out of order
  OperandPrecision precision = precision_of("percentile");
  precision.percentile = 90;  // floor(0.05 * 100) = 5 from either end
  const Range range = range_of(values, 1, precision);
  CHECK((range.low == 5 && range.high == 95));
  precision.percentile = 100;
  CHECK((range_of(values, 1, precision).low == 0 && range_of(values, 1, precision).high == 100));
}

TEST_CASE("ranges: an estimate of one point gives way to the extremes, and a percentile is a share") {
  std::vector<float> values(10000, 0.0f);  // nearly all zeros: the percentile alone would be [0, 0]
  values[7] = 3;
  values[8] = 0.5f;
  const Range range = range_of(values, 1, precision_of("percentile"));
  CHECK((range.low == 0 && range.high == 3));
  OperandPrecision impossible = precision_of("percentile");
  impossible.percentile = 140;
  CHECK_THROWS_WITH_AS(range_of(values, 1, impossible), doctest::Contains("give 50 to 100"), Error);
}

TEST_CASE("ranges: the least squared error is no larger than that of any other share, and clips an outlier") {
  Tensor values = test::random_tensor({20000}, 5, -1, 1);
  for (float& x : values.values()) x = x * x * x;  // most values near 0
  values.data()[77] = 6;
  for (const char* format : {"affine", "symmetric"})
    for (const int bits : {3, 4, 6}) {
      CAPTURE(format);
      CAPTURE(bits);
      const OperandPrecision precision = precision_of("mse", bits, format);
      const Range whole = extremes(values.values(), {"lhs", kSite, 0});
      const Range best = estimate_range(values.values(), 1, precision, {"lhs", kSite, 0});
      CHECK(best.high < 6);
      const double error = mean_squared_error(values, precision, best);
      for (int k = 1; k <= 64; ++k) {
        const float share = static_cast<float>(k) / 64;
        // Errors are taken at the centres of bins: near ties may go either way.
        CHECK(error <= 1.02 * mean_squared_error(values, precision, {whole.low * share, whole.high * share}));
      }
    }
}

TEST_CASE("ranges: one for each channel of the last axis") {
  const std::vector<float> values{1, -5, 0, 2, 7, 0, -3, 6, 0};  // rows (1 -5 0), (2 7 0), (-3 6 0)
  const std::vector<Range> ranges = estimate_channel_ranges(values, 3, precision_of("extremes"), {"rhs", kSite, 0});
  REQUIRE(ranges.size() == 3);
  CHECK((ranges[0].low == -3 && ranges[0].high == 2));
  CHECK((ranges[1].low == -5 && ranges[1].high == 7));
  CHECK((ranges[2].low == 0 && ranges[2].high == 0));
  CHECK_THROWS_AS(estimate_channel_ranges(std::vector<float>{1, INFINITY}, 2, precision_of("mse"), {"rhs", kSite, 0}),
                  Error);
}
