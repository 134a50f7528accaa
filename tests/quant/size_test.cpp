// What a step holds and computes, by hand: a convolution and a linear layer, two samples.
#include "quant/plan/size.h"

#include <doctest/doctest.h>

#include "quant/plan/plan.h"

using namespace fqt;
using namespace fqt::quant;

namespace {

// convolution: 4x4x2 -> 4x4x4, 3x3. 18 * 4 = 72 weights; X 2*16*2 = 64, dY 2*16*4 = 128; 32 * 72 = 2304 pairs a
// product. linear: 64 -> 10. 640 weights; X 128, dY 20; 2 * 640 = 1280 pairs a product.
std::vector<SiteShape> two_layers() {
  ConvGeometry convolution;
  convolution.height = convolution.width = 4;
  convolution.in_channels = 2;
  convolution.out_channels = 4;
  convolution.kernel = 3;
  convolution.padding = 1;
  return {{"conv", "convolution", SiteRole::first, convolution, 1, 1, 1},
          {"fc", "linear", SiteRole::head, ConvGeometry::matrix(1, 64, 10), 1, 2, 2}};
}

PlanSize size_of(const BitTable& bits) { return plan_size(two_layers(), make_precision_table(bits, {}), 2); }

}  // namespace

TEST_CASE("size: a layer in float counts 32 bits and has no part in the mean") {
  const PlanSize size = size_of({SiteBits::uniform("conv", 6), {"fc"}});
  CHECK(size.weights == 72 * 6 + 640 * 32);
  CHECK(size.activations == 64 * 6 + 128 * 32);
  CHECK(size.gradients == 128 * 6 + 20 * 32);
  CHECK(size.multiplies == 3 * (2304 + 1280));
  CHECK(size.bit_operations == 3 * (2304 * 36 + 1280 * 1024));
  CHECK(size.mean_bits == 6);
  CHECK(size.weighted_bits == 6);
}

TEST_CASE("size: each operand counts where it is held") {
  // W as forward reads it, X as grad_rhs does, dY as grad_lhs does.
  const PlanSize size = size_of({{"conv", false, {{ProductBits{7, 5}, {8, 4}, {6, 9}}}}, SiteBits::uniform("fc", 4)});
  CHECK(size.weights == 72 * 5 + 640 * 4);
  CHECK(size.activations == 64 * 6 + 128 * 4);
  CHECK(size.gradients == 128 * 8 + 20 * 4);
  CHECK(size.bit_operations == 2304 * (7 * 5 + 8 * 4 + 6 * 9) + 3 * 1280 * 16);
  CHECK(size.mean_bits == doctest::Approx((7 + 5 + 8 + 4 + 6 + 9 + 6 * 4) / 12.0).epsilon(1e-12));
  // 39 bits in six operands of 2304 pairs, 24 in six of 1280.
  CHECK(size.weighted_bits == doctest::Approx((2304 * 39 + 1280 * 24) / (6.0 * (2304 + 1280))).epsilon(1e-12));
}

TEST_CASE("size: attention holds activations alone") {
  // Two heads of 3 values over 5 positions, two samples: Q and K 60 elements each, the scores 100, 300 pairs a product.
  SiteShape scores{"scores", "attention", SiteRole::body, ConvGeometry::matrix(5, 3, 5), 2, 1, 1};
  scores.rhs_is_activation = true;
  const BitTable bits{{"scores", false, {{ProductBits{7, 5}, {8, 4}, {6, 9}}}}};
  const PlanSize size = plan_size(std::vector{scores}, make_precision_table(bits, {}), 2);
  CHECK(size.weights == 0);
  CHECK(size.activations == 60 * 6 + 60 * 4);  // Q as grad_rhs reads it, K as grad_lhs does
  CHECK(size.gradients == 100 * 8);
  CHECK(size.multiplies == 3 * 300);
  CHECK(size.bit_operations == 300 * (7 * 5 + 8 * 4 + 6 * 9));
}

TEST_CASE("size: the gradient of what the model reads is not computed, and not counted") {
  std::vector<SiteShape> sites = two_layers();
  sites[0].lhs_is_data = true;
  const BitTable bits{{"conv", false, {{ProductBits{7, 5}, {8, 4}, {6, 9}}}}, SiteBits::uniform("fc", 4)};
  const PlanSize size = plan_size(sites, make_precision_table(bits, {}), 2);
  CHECK(size.multiplies == 2 * 2304 + 3 * 1280);
  CHECK(size.bit_operations == 2304 * (7 * 5 + 6 * 9) + 3 * 1280 * 16);
  CHECK(size.gradients == 128 * 9 + 20 * 4);  // dY is held for grad_rhs
  CHECK(size.weights == 72 * 5 + 640 * 4);
  CHECK(size.activations == 64 * 6 + 128 * 4);
  CHECK(size.mean_bits == doctest::Approx((7 + 5 + 6 + 9 + 6 * 4) / 10.0).epsilon(1e-12));
  CHECK(size.weighted_bits == doctest::Approx((2304 * 27 + 1280 * 24) / (4.0 * 2304 + 6.0 * 1280)).epsilon(1e-12));
}

TEST_CASE("size: all in float, and units") {
  const PlanSize size = size_of({{"conv"}, {"fc"}});
  CHECK(size.weights == 712 * 32);
  CHECK(size.mean_bits == 0);
  CHECK(size.weighted_bits == 0);
  CHECK(megabits(2.5e6) == 2.5);
  CHECK(megabytes(16e6) == 2);
}
