// The three products of convolutions against their definition, and their geometry.
#include <doctest/doctest.h>

#include <span>
#include <vector>

#include "engine/check.h"
#include "engine/gemm/gemm.h"
#include "engine/gemm/planar.h"
#include "engine/gemm_support.h"
#include "support/conv_geometry.h"

using namespace fqt;
using gemm::GatherProduct;
using gemm::PaddedImage;
using test::Draw;
using test::draw_image;
using test::LevelBuffer;

namespace {

ConvGeometry convolution(int64_t size, int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding,
                         int64_t groups = 1) {
  return test::convolution({size, size + 1}, in, out, kernel, stride, padding, groups);
}

/// Every kernel, stride and padding there is, odd numbers of channels, groups of one channel, of odd ones and of many.
std::vector<ConvGeometry> sampled_convolutions() {
  return {convolution(5, 3, 7, 3, 1, 1),     convolution(6, 4, 16, 3, 2, 1),     convolution(7, 5, 18, 3, 2, 1),
          convolution(6, 8, 3, 1, 2, 0),     convolution(4, 6, 5, 1, 1, 0),      convolution(9, 2, 4, 5, 3, 2),
          convolution(8, 3, 2, 2, 2, 0),     convolution(8, 1, 1, 3, 3, 0),      convolution(5, 2, 3, 3, 1, 2),
          convolution(5, 6, 10, 3, 1, 1, 2), convolution(6, 14, 6, 3, 2, 1, 2),  convolution(4, 8, 40, 1, 1, 0, 2),
          convolution(6, 9, 15, 3, 1, 1, 3), convolution(7, 3, 6, 3, 2, 1, 3),   convolution(6, 15, 3, 2, 2, 0, 3),
          convolution(5, 7, 7, 3, 1, 1, 7),  convolution(6, 5, 5, 3, 2, 1, 5),   convolution(6, 6, 12, 5, 1, 2, 6),
          convolution(9, 4, 4, 5, 3, 2, 4),  convolution(4, 17, 17, 1, 1, 0, 17)};
}

/// An image's values at (n, y, x, c), 0 in the border, whatever they are stored as.
template <typename Value>
struct Image {
  PaddedImage layout;
  std::vector<Value> values;  ///< by layout.offset, borders and all

  Value at(int64_t n, int64_t y, int64_t x, int64_t c) const {
    if (y < 0 || y >= layout.height || x < 0 || x >= layout.width) return Value{};
    return values[static_cast<size_t>(layout.offset(n, y, x) + c)];
  }
};

/// The products as sums over (pixel, tap, channel), in the tensors' own layouts.
template <typename Value>
struct Definition {
  std::vector<Value> y, dx, dw;
};

/// A right operand may have a zero level for each column of its product, so that its values depend on which product
/// reads them: w(tap, channel in the group, output) in forward, w_back (with the channel of the image) in grad_lhs,
/// d_right in grad_rhs.
template <typename Value, typename Weight, typename Back, typename Right>
Definition<Value> define(const ConvGeometry& g, const Image<Value>& x, const Image<Value>& d, const Weight& w,
                         const Back& w_back, const Right& d_right) {
  Definition<Value> all;
  all.y.resize(static_cast<size_t>(g.m() * g.n()));
  all.dw.resize(static_cast<size_t>(g.k() * g.n()));
  all.dx.resize(static_cast<size_t>(g.batch * g.height * g.width * g.in_channels));
  for (int64_t n = 0; n < g.batch; ++n)
    for (int64_t oy = 0; oy < g.out_height(); ++oy)
      for (int64_t ox = 0; ox < g.out_width(); ++ox)
        for (int64_t o = 0; o < g.out_channels; ++o)
          for (int64_t ky = 0; ky < g.kernel; ++ky)
            for (int64_t kx = 0; kx < g.kernel; ++kx)
              for (int64_t c = 0; c < g.group_in(); ++c) {
                const int64_t iy = oy * g.stride + ky - g.padding, ix = ox * g.stride + kx - g.padding;
                const int64_t row = (n * g.out_height() + oy) * g.out_width() + ox, tap = ky * g.kernel + kx;
                const int64_t channel = o / g.group_out() * g.group_in() + c;
                const Value xv = x.at(n, iy, ix, channel);
                all.y[static_cast<size_t>(row * g.n() + o)] += xv * w(tap, c, o);
                all.dw[static_cast<size_t>((tap * g.group_in() + c) * g.n() + o)] += xv * d_right(n, oy, ox, o);
                if (iy >= 0 && iy < g.height && ix >= 0 && ix < g.width)
                  all.dx[static_cast<size_t>(((n * g.height + iy) * g.width + ix) * g.in_channels + channel)] +=
                      d.at(n, oy, ox, o) * w_back(tap, c, o, channel);
              }
  return all;
}

Image<int64_t> differences(const PaddedImage& layout, const LevelBuffer& levels, int zero) {
  Image<int64_t> image{layout, {}};
  for (int64_t i = 0; i < layout.size(); ++i) image.values.push_back(levels[i] - zero);
  return image;
}

std::vector<int32_t> draw_zeros(Draw& draw, int64_t count, int top) {
  std::vector<int32_t> zeros;
  for (int64_t i = 0; i < count; ++i) zeros.push_back(static_cast<int32_t>(draw(0, top)));
  return zeros;
}

/// integer_product of all products; what none of them writes stays 0.
std::vector<float> run(const std::vector<GatherProduct>& products, const gemm::Levels& lhs, const gemm::Levels& rhs,
                       std::span<const double> scales, size_t size) {
  std::vector<float> out(size, 0.0f);
  for (const GatherProduct& product : products) gemm::integer_product(product, lhs, rhs, scales, out.data());
  return out;
}

/// Column n of every row of `sums` times scales[n], rounded as integer_product says.
std::vector<float> scaled(const std::vector<int64_t>& sums, std::span<const double> scales) {
  std::vector<float> out;
  for (size_t i = 0; i < sums.size(); ++i)
    out.push_back(static_cast<float>(static_cast<double>(sums[i]) * scales[i % scales.size()]));
  return out;
}

void check_integers(const ConvGeometry& g, int x_bits, int w_bits, int d_bits, bool by_column) {
  Draw draw(static_cast<uint64_t>(g.in_channels * 1000 + g.out_channels * 10 + g.kernel));
  const int x_zero = (1 << x_bits) / 5, w_zero = (1 << w_bits) / 3, d_zero = (1 << d_bits) / 2 - 2;
  const PaddedImage x_layout = gemm::forward_image(g, 4), d_layout = gemm::gradient_image(g, 4);
  const LevelBuffer x = draw_image(draw, x_bits, x_layout, x_zero), d = draw_image(draw, d_bits, d_layout, d_zero);
  LevelBuffer w(w_bits, g.k() * g.n());
  for (int64_t i = 0; i < w.size(); ++i) w.set(i, draw(0, w.top()));
  // Per column of each product: outputs, inputs, outputs.
  const int64_t count = by_column ? 1 : 0;
  const std::vector<int32_t> y_zeros = draw_zeros(draw, count * g.out_channels, w.top()),
                             dx_zeros = draw_zeros(draw, count * g.in_channels, w.top()),
                             dw_zeros = draw_zeros(draw, count * g.out_channels, d.top());
  const auto level = [&](int64_t tap, int64_t c, int64_t o) { return w[(tap * g.group_in() + c) * g.n() + o]; };
  const auto expected = define<int64_t>(
      g, differences(x_layout, x, x_zero), differences(d_layout, d, d_zero),
      [&](int64_t tap, int64_t c, int64_t o) {
        return level(tap, c, o) - (by_column ? y_zeros[static_cast<size_t>(o)] : w_zero);
      },
      [&](int64_t tap, int64_t c, int64_t o, int64_t channel) {
        return level(tap, c, o) - (by_column ? dx_zeros[static_cast<size_t>(channel)] : w_zero);
      },
      [&](int64_t n, int64_t oy, int64_t ox, int64_t o) {
        return d[d_layout.offset(n, oy, ox) + o] - (by_column ? dw_zeros[static_cast<size_t>(o)] : d_zero);
      });
  const gemm::PlanarImage planar{x_layout, g.stride};
  LevelBuffer planes(x_bits, planar.size());
  if (x_bits <= 8)
    gemm::to_planar(planar, x.bytes(), planes.bytes());
  else
    gemm::to_planar(planar, x.words(), planes.words());
  std::vector<double> out_scales{0.5}, in_scales{0.25};
  for (int64_t n = 1; by_column && n < g.out_channels; ++n) out_scales.push_back(1.0 / static_cast<double>(n + 2));
  for (int64_t n = 1; by_column && n < g.in_channels; ++n) in_scales.push_back(1.0 / static_cast<double>(n + 4));
  test::for_each_isa([&] {
    CHECK(run(gemm::forward_products(g, x_layout), x.levels(x_zero), w.levels(w_zero, y_zeros), out_scales,
              expected.y.size()) == scaled(expected.y, out_scales));
    CHECK(run(gemm::grad_lhs_products(g, d_layout), d.levels(d_zero), w.levels(w_zero, dx_zeros), in_scales,
              expected.dx.size()) == scaled(expected.dx, in_scales));
    CHECK(run(gemm::grad_rhs_products(g, planar, d_layout, 4), planes.levels(x_zero), d.levels(d_zero, dw_zeros),
              out_scales, expected.dw.size()) == scaled(expected.dw, out_scales));
    CHECK(run(gemm::grad_rhs_products(g, x_layout, d_layout), x.levels(x_zero), d.levels(d_zero, dw_zeros), out_scales,
              expected.dw.size()) == scaled(expected.dw, out_scales));
  });
}

}  // namespace

TEST_CASE("geometry: more elements than int32 offsets reach are refused, widened planar rows included") {
  ConvGeometry g;
  g.batch = 119;  // 119 * 512 * 512 * 64 fits 2^31 - 1; with planar rows of 576 it does not
  g.height = g.width = 512;
  g.in_channels = g.out_channels = 64;
  CHECK_THROWS_AS(g.check("test"), Error);
  g.batch = 64;
  CHECK_NOTHROW(g.check("test"));
}

TEST_CASE("geometry: channels divide into the groups") {
  ConvGeometry g = convolution(6, 12, 8, 3, 1, 1);
  CHECK(g.k() == 108);
  g.groups = 4;
  CHECK_NOTHROW(g.check("test"));
  CHECK(g.k() == 27);
  CHECK(g.group_in() == 3);
  CHECK(g.group_out() == 2);
  for (const int64_t groups : {-1, 0, 3, 8, 5}) {
    CAPTURE(groups);
    g.groups = groups;
    CHECK_THROWS_AS(g.check("test"), Error);
  }
}

TEST_CASE("convolution: the three products equal their definitions, groups and zero levels of columns included") {
  for (const ConvGeometry& g : sampled_convolutions()) {
    CAPTURE(g.in_channels);
    CAPTURE(g.out_channels);
    CAPTURE(g.kernel);
    CAPTURE(g.stride);
    CAPTURE(g.groups);
    check_integers(g, 6, 6, 6, false);
    check_integers(g, 8, 8, 8, true);
    check_integers(g, 16, 16, 16, false);
    check_integers(g, 6, 12, 16, true);
  }
}

TEST_CASE("convolution: terms that lie side by side are one run, and small images are read whole") {
  const auto products = [](const ConvGeometry& g, int group) {
    const PaddedImage x = gemm::forward_image(g, group), d = gemm::gradient_image(g, group);
    return gemm::reads_planar(g) ? gemm::grad_rhs_products(g, gemm::PlanarImage{x, g.stride}, d, group)
                                 : gemm::grad_rhs_products(g, x, d);
  };
  const auto runs = [&](const ConvGeometry& g, int group) { return products(g, group).front().lhs.segments.size(); };
  const ConvGeometry pixels = convolution(7, 6, 20, 1, 1, 0), small = convolution(6, 5, 18, 3, 1, 1),
                     wide = convolution(31, 4, 4, 3, 1, 1);
  CHECK(runs(pixels, 4) == 1);
  CHECK(runs(convolution(7, 6, 20, 1, 2, 0), 4) == static_cast<size_t>(pixels.batch) * 4);  // every other pixel
  CHECK(runs(small, 4) == static_cast<size_t>(small.batch));
  CHECK(products(small, 4).front().rhs.joined == 6);
  CHECK(runs(small, 1) == static_cast<size_t>(small.batch) * 6);  // floats have nothing to fill
  CHECK(runs(wide, 4) == static_cast<size_t>(wide.batch) * 31);   // fill would cost more than it saves
  for (const ConvGeometry& g : {pixels, small, convolution(13, 3, 33, 3, 1, 1), convolution(6, 4, 6, 5, 1, 2, 2)}) {
    CAPTURE(g.kernel);
    check_integers(g, 6, 6, 6, false);
    check_integers(g, 8, 8, 8, true);
    check_integers(g, 6, 12, 16, true);
    check_integers(g, 16, 16, 16, false);
  }
}

TEST_CASE("convolution: the three products in float32 are chains over the same terms") {
  // Small integers: every sum is exact, so that the order of the definition does not matter.
  for (const ConvGeometry& g : sampled_convolutions()) {
    CAPTURE(g.kernel);
    CAPTURE(g.groups);
    Draw draw(9);
    const auto image = [&](const PaddedImage& layout) {
      Image<float> result{layout, std::vector<float>(static_cast<size_t>(layout.size() + 16), 0.0f)};
      for (int64_t n = 0; n < layout.batch; ++n)
        for (int64_t y = 0; y < layout.height; ++y)
          for (int64_t x = 0; x < layout.width; ++x)
            for (int64_t c = 0; c < layout.channels; ++c)
              result.values[static_cast<size_t>(layout.offset(n, y, x) + c)] = static_cast<float>(draw(-9, 9));
      return result;
    };
    const Image<float> x = image(gemm::forward_image(g, 1)), d = image(gemm::gradient_image(g, 1));
    std::vector<float> w(static_cast<size_t>(g.k() * g.n()));
    for (float& value : w) value = static_cast<float>(draw(-9, 9));
    const auto weight = [&](int64_t tap, int64_t c, int64_t o) {
      return w[static_cast<size_t>((tap * g.group_in() + c) * g.n() + o)];
    };
    const auto expected = define<float>(
        g, x, d, weight, [&](int64_t tap, int64_t c, int64_t o, int64_t) { return weight(tap, c, o); },
        [&](int64_t n, int64_t oy, int64_t ox, int64_t o) { return d.at(n, oy, ox, o); });
    const gemm::PlanarImage planar{x.layout, g.stride};
    std::vector<float> planes(static_cast<size_t>(planar.size()));
    gemm::to_planar(planar, x.values.data(), planes.data());
    const auto multiply = [](const std::vector<GatherProduct>& products, const std::vector<float>& lhs,
                             const std::vector<float>& rhs, size_t size) {
      std::vector<float> out(size, 0.0f);
      for (const GatherProduct& product : products) gemm::float_product(product, lhs.data(), rhs.data(), out.data());
      return out;
    };
    test::for_each_isa([&] {
      CHECK(multiply(gemm::forward_products(g, x.layout), x.values, w, expected.y.size()) == expected.y);
      CHECK(multiply(gemm::grad_lhs_products(g, d.layout), d.values, w, expected.dx.size()) == expected.dx);
      CHECK(multiply(gemm::grad_rhs_products(g, planar, d.layout, 1), planes, d.values, expected.dw.size()) ==
            expected.dw);
      CHECK(multiply(gemm::grad_rhs_products(g, x.layout, d.layout), x.values, d.values, expected.dw.size()) ==
            expected.dw);
    });
  }
}

TEST_CASE("planar: every element lies where the planar form says, borders and all") {
  for (const ConvGeometry& g : sampled_convolutions()) {
    const PaddedImage layout = gemm::forward_image(g, 4);
    const gemm::PlanarImage planar{layout, g.stride};
    Draw draw(5);
    for (const int bits : {8, 16}) {
      const LevelBuffer source = draw_image(draw, bits, layout, 3);
      LevelBuffer planes(bits, planar.size());
      if (bits == 8)
        gemm::to_planar(planar, source.bytes(), planes.bytes());
      else
        gemm::to_planar(planar, source.words(), planes.words());
      bool equal = true;
      for (int64_t n = 0; n < layout.batch; ++n)
        for (int64_t c = 0; c < layout.channels; ++c)
          for (int64_t py = 0; py < layout.padded_height(); ++py)
            for (int64_t px = 0; px < layout.padded_width(); ++px)
              equal = equal && planes[((n * layout.channels + c) * g.stride + px % g.stride) * planar.plane() +
                                      py * planar.row() + px / g.stride] ==
                                   source[layout.offset(n, py - layout.top, px - layout.left) + c];
      CHECK(equal);
    }
  }
}
