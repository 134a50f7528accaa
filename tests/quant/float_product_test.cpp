#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "quant/product_fixture.h"
#include "support/thread_count.h"

using namespace fqt;
using test::Doubles;
using test::ProductFixture;

namespace {

Doubles to_doubles(const Tensor& tensor) { return {tensor.values().begin(), tensor.values().end()}; }

/// Largest difference, relative to the largest expected value.
double distance(const Tensor& actual, const Doubles& expected) {
  REQUIRE(actual.size() == static_cast<int64_t>(expected.size()));
  double largest = 0, difference = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::fabs(expected[i]));
    difference = std::max(difference, std::fabs(actual.data()[i] - expected[i]));
  }
  return difference / largest;
}

}  // namespace

TEST_CASE("product: fp32 and both its gradients equal the convolution in float64 to 1e-5") {
  const test::ThreadCount one(1);
  for (const test::GeometryCase& row : test::kGeometries) {
    CAPTURE(row.kernel);
    CAPTURE(row.stride);
    CAPTURE(row.in);
    ProductFixture fixture(row.geometry(), quant::Precision{});
    const Tensor y = fixture.run();
    const test::NaiveProducts expected = test::naive_products(fixture.geometry, to_doubles(fixture.x.value),
                                                              to_doubles(fixture.w.value), to_doubles(fixture.dy));
    CHECK(distance(y, expected.y) < 1e-5);
    CHECK(distance(fixture.x.grad, expected.dx) < 1e-5);
    CHECK(distance(fixture.w.grad, expected.dw) < 1e-5);
  }
}

TEST_CASE("product: fp32 gradients are those of central differences") {
  const test::ThreadCount one(1);
  // The product is linear in each operand: a difference over a step of 1 is exact but for rounding.
  ProductFixture fixture(test::GeometryCase{4, 3, 2, 3, 2, 1}.geometry(), quant::Precision{});
  const auto loss = [&] {
    const Tensor y = fixture.forward(false);
    double sum = 0;
    for (int64_t i = 0; i < y.size(); ++i) sum += double{y.data()[i]} * fixture.dy.data()[i];
    return sum;
  };
  fixture.run();
  for (Parameter* operand : {&fixture.x, &fixture.w}) {
    Doubles differences;
    for (float& value : operand->value.values()) {
      const float middle = value;
      value = middle + 0.5f;
      const double above = loss();
      value = middle - 0.5f;
      const double below = loss();
      value = middle;
      differences.push_back(above - below);
    }
    CHECK(distance(operand->grad, differences) < 1e-4);
  }
}
