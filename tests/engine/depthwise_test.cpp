// Depthwise products for all channels at once against the same products group by group, bit for bit.
#include <doctest/doctest.h>

#include <array>
#include <span>
#include <vector>

#include "engine/gemm/depthwise.h"
#include "engine/gemm_support.h"
#include "engine/parallel.h"
#include "support/conv_geometry.h"

using namespace fqt;
using gemm::DepthwiseProduct;
using gemm::GatherProduct;
using gemm::PaddedImage;
using test::Draw;
using test::draw_image;
using test::LevelBuffer;

namespace {

ConvGeometry depthwise(int64_t height, int64_t width, int64_t channels, int64_t kernel, int64_t stride,
                       int64_t padding) {
  return test::convolution({height, width}, channels, channels, kernel, stride, padding, channels);
}

/// Images of one pixel, kernels larger than the image, of one tap and of 49, strides that leave pixels out, and
/// channels around a vector's.
std::vector<ConvGeometry> depthwise_convolutions() {
  std::vector<ConvGeometry> all{
      depthwise(2, 3, 5, 5, 1, 2),  depthwise(7, 8, 18, 3, 2, 1), depthwise(8, 7, 16, 2, 3, 0),
      depthwise(4, 9, 34, 1, 1, 0), depthwise(6, 6, 20, 2, 2, 0), depthwise(9, 9, 19, 7, 1, 3),
      depthwise(9, 8, 4, 5, 3, 2),  depthwise(3, 5, 48, 1, 2, 0), depthwise(5, 4, 2, 3, 1, 2)};
  for (const int64_t channels : {3, 17, 32, 33}) {
    all.push_back(depthwise(1, 1, channels, 3, 1, 1));
    all.push_back(depthwise(5, 6, channels, 3, 1, 1));
    all.push_back(depthwise(6, 5, channels, 3, 2, 1));
  }
  return all;
}

/// Calls body() under every instruction set, with one and with two threads.
template <typename Body>
void everywhere(const Body& body) {
  const int before = threads();
  for (const int count : {1, 2}) {
    set_threads(count);
    test::for_each_isa(body);
  }
  set_threads(before);
}

constexpr float kUntouched = 0.5f;

/// Compares one of the three products, where it is direct. Returns whether it is.
bool compare(const std::vector<DepthwiseProduct>& direct, const std::vector<GatherProduct>& groups,
             const gemm::Levels& lhs, const gemm::Levels& rhs, std::span<const double> scales, int64_t size) {
  for (const DepthwiseProduct& product : direct)
    if (!gemm::is_direct(product, lhs, rhs)) return false;
  std::vector<float> expected(static_cast<size_t>(size), kUntouched);
  for (const GatherProduct& product : groups) gemm::integer_product(product, lhs, rhs, scales, expected.data());
  everywhere([&] {
    std::vector<float> out(expected.size(), kUntouched);
    for (const DepthwiseProduct& product : direct) gemm::depthwise_product(product, lhs, rhs, scales, out.data());
    CHECK(out == expected);
  });
  return true;
}

/// Which of the three products are direct.
struct Direct {
  bool forward, grad_lhs, grad_rhs;
};

/// `by_channel`: a zero level and a scale for each channel of the right operands.
Direct compare(const ConvGeometry& g, int x_bits, int w_bits, int d_bits, bool by_channel) {
  Draw draw(static_cast<uint64_t>(g.in_channels * 100 + g.kernel * 10 + x_bits));
  const int x_zero = (1 << x_bits) / 5, w_zero = (1 << w_bits) / 3, d_zero = (1 << d_bits) / 2 - 1;
  const PaddedImage x_layout = gemm::forward_image(g, 4), d_layout = gemm::gradient_image(g, 4);
  const LevelBuffer x = draw_image(draw, x_bits, x_layout, x_zero), d = draw_image(draw, d_bits, d_layout, d_zero);
  LevelBuffer w(w_bits, g.k() * g.n());
  for (int64_t i = 0; i < w.size(); ++i) w.set(i, draw(0, w.top()));
  std::vector<int32_t> w_zeros, d_zeros;
  std::vector<double> scales{0.37};
  for (int64_t c = 0; by_channel && c < g.n(); ++c) {
    w_zeros.push_back(static_cast<int32_t>(draw(0, w.top())));
    d_zeros.push_back(static_cast<int32_t>(draw(0, d.top())));
    if (c > 0) scales.push_back(1.0 / static_cast<double>(c + 2));
  }
  const gemm::Levels weights = w.levels(w_zero, w_zeros);
  return {compare(gemm::depthwise_forward(g, x_layout), gemm::forward_products(g, x_layout), x.levels(x_zero), weights,
                  scales, g.m() * g.n()),
          compare(gemm::depthwise_grad_lhs(g, d_layout), gemm::grad_lhs_products(g, d_layout), d.levels(d_zero),
                  weights, scales, g.batch * g.height * g.width * g.in_channels),
          compare(gemm::depthwise_grad_rhs(g, x_layout, d_layout), gemm::grad_rhs_products(g, x_layout, d_layout),
                  x.levels(x_zero), d.levels(d_zero, d_zeros), scales, g.k() * g.n())};
}

}  // namespace

TEST_CASE("depthwise: only as many groups as channels in and out are") {
  ConvGeometry g = depthwise(4, 4, 6, 3, 1, 1);
  const PaddedImage layout = gemm::forward_image(g, 4);
  CHECK(gemm::depthwise_forward(g, layout).size() == 1);
  g.groups = 3;
  CHECK(gemm::depthwise_forward(g, layout).empty());
  g.groups = 6;
  g.out_channels = 12;
  CHECK(gemm::depthwise_forward(g, layout).empty());
  CHECK(gemm::depthwise_grad_lhs(g, layout).empty());
  CHECK(gemm::depthwise_grad_rhs(g, layout, layout).empty());
  CHECK(gemm::depthwise_forward(ConvGeometry::matrix(1, 1, 1), layout).empty());
}

TEST_CASE("depthwise: integer products equal those of the groups") {
  for (const ConvGeometry& g : depthwise_convolutions()) {
    CAPTURE(g.height);
    CAPTURE(g.in_channels);
    CAPTURE(g.kernel);
    CAPTURE(g.stride);
    // Of up to 49 taps, and sums over pixels of which at least a row fits.
    for (const auto& [x, w, d] : {std::array{6, 6, 6}, {2, 3, 8}, {8, 8, 8}, {12, 9, 7}, {8, 12, 10}}) {
      const int x_bits = x;  // a captured binding does not build in clang 14
      CAPTURE(x_bits);
      const Direct direct = compare(g, x_bits, w, d, x_bits % 4 == 0);
      CHECK(direct.forward);
      CHECK(direct.grad_lhs);
      CHECK(direct.grad_rhs);
    }
  }
}

TEST_CASE("depthwise: words of 16 bits, and what does not fit int32 or int16 is not direct") {
  const ConvGeometry g = depthwise(5, 9, 19, 3, 1, 1);
  const Direct narrow = compare(g, 16, 8, 8, false);  // levels less a bias
  CHECK(narrow.forward);
  CHECK(narrow.grad_lhs);
  CHECK(narrow.grad_rhs);
  const Direct wide = compare(g, 16, 16, 8, true);
  CHECK(!wide.forward);
  CHECK(!wide.grad_lhs);
  CHECK(wide.grad_rhs);
  CHECK(!compare(g, 8, 8, 16, true).grad_rhs);
  const Direct runs = compare(g, 12, 12, 12, false);  // 128 terms at most: rows of pixels are added up in int64
  CHECK(runs.forward);
  CHECK(runs.grad_rhs);
  CHECK(!gemm::is_direct(gemm::depthwise_forward(depthwise(9, 9, 2, 9, 1, 4), {})[0]));  // 81 taps
}

TEST_CASE("depthwise: sums of bytes over more pixels than int32 holds") {
  ConvGeometry g = depthwise(96, 96, 2, 3, 1, 1);
  g.batch = 4;
  const PaddedImage x_layout = gemm::forward_image(g, 4), d_layout = gemm::gradient_image(g, 4);
  LevelBuffer x(8, x_layout.size()), d(8, d_layout.size());
  for (int64_t i = 0; i < x.size(); ++i) x.set(i, 255);
  for (int64_t i = 0; i < d.size(); ++i) d.set(i, i % 4 < 2 ? 255 : 0);
  const std::vector<DepthwiseProduct> direct = gemm::depthwise_grad_rhs(g, x_layout, d_layout);
  std::vector<float> out(18);
  gemm::depthwise_product(direct[0], x.levels(0), d.levels(0), std::vector{1.0}, out.data());
  for (const float value : out) CHECK(value == static_cast<float>(4.0 * 96 * 96 * 255 * 255));
}

TEST_CASE("depthwise: float products are the chains of the groups") {
  for (const ConvGeometry& g : depthwise_convolutions()) {
    CAPTURE(g.height);
    CAPTURE(g.in_channels);
    CAPTURE(g.kernel);
    CAPTURE(g.stride);
    Draw draw(11);
    const auto image = [&](const PaddedImage& layout) {
      std::vector<float> values(static_cast<size_t>(layout.size() + 16), 0.0f);
      for (int64_t n = 0; n < layout.batch; ++n)
        for (int64_t y = 0; y < layout.height; ++y)
          for (int64_t x = 0; x < layout.width; ++x)
            for (int64_t c = 0; c < layout.channels; ++c)
              values[static_cast<size_t>(layout.offset(n, y, x) + c)] = static_cast<float>(draw(-99999, 99999)) * 1e-4f;
      return values;
    };
    const PaddedImage x_layout = gemm::forward_image(g, 1), d_layout = gemm::gradient_image(g, 1);
    const std::vector<float> x = image(x_layout), d = image(d_layout),
                             w = image({1, 1, g.k(), g.n(), 0, 0, 0, 0, g.n()});
    const auto compare = [](const std::vector<DepthwiseProduct>& direct, const std::vector<GatherProduct>& groups,
                            const std::vector<float>& lhs, const std::vector<float>& rhs, int64_t size) {
      std::vector<float> expected(static_cast<size_t>(size), kUntouched);
      for (const GatherProduct& product : groups) gemm::float_product(product, lhs.data(), rhs.data(), expected.data());
      everywhere([&] {
        std::vector<float> out(expected.size(), kUntouched);
        for (const DepthwiseProduct& product : direct)
          gemm::depthwise_product(product, lhs.data(), rhs.data(), out.data());
        CHECK(out == expected);
      });
    };
    compare(gemm::depthwise_forward(g, x_layout), gemm::forward_products(g, x_layout), x, w, g.m() * g.n());
    compare(gemm::depthwise_grad_lhs(g, d_layout), gemm::grad_lhs_products(g, d_layout), d, w,
            g.batch * g.height * g.width * g.in_channels);
    compare(gemm::depthwise_grad_rhs(g, x_layout, d_layout), gemm::grad_rhs_products(g, x_layout, d_layout), x, d,
            g.k() * g.n());
  }
}
