// The range of a layer's input in training and in evaluation.
#include <doctest/doctest.h>

#include "quant/product_fixture.h"
#include "quant/whole.h"

using namespace fqt;
using namespace fqt::quant;
using test::Doubles;
using test::integer_precision;
using test::mismatches;
using test::ProductFixture;
using test::range_of;
using test::Whole;
using test::whole;

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
