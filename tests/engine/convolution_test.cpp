#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "engine/check.h"
#include "engine/gemm/gemm.h"
#include "engine/gemm_support.h"

using namespace fqt;
using gemm::GatherProduct;
using gemm::Levels;

TEST_CASE("geometry: more elements than int32 offsets reach are refused, widened planar rows included") {
  ConvGeometry g;
  g.batch = 119;  // 119 * 512 * 512 * 64 fits 2^31 - 1; with planar rows of 576 it does not
  g.height = g.width = 512;
  g.in_channels = g.out_channels = 64;
  CHECK_THROWS_AS(g.check("test"), Error);
  g.batch = 64;
  CHECK_NOTHROW(g.check("test"));
}

namespace {

/// Convolution as it is written, on differences from zero; borders count 0.
int64_t pixel(const std::vector<uint8_t>& image, int zero, const gemm::PaddedImage& layout, int64_t n, int64_t y,
              int64_t x, int64_t c) {
  if (y < 0 || y >= layout.height || x < 0 || x >= layout.width) return 0;
  return int64_t{image[static_cast<size_t>(layout.offset(n, y, x) + c)]} - zero;
}

}  // namespace

TEST_CASE("gemm: the three products of a convolution equal their definitions") {
  std::mt19937 random(3);
  struct Case {
    int64_t size, in, out, kernel, stride, padding;
  };
  for (const Case& k : {Case{5, 3, 7, 3, 1, 1},
                        {6, 4, 16, 3, 2, 1},
                        {7, 5, 18, 3, 2, 1},
                        {6, 8, 3, 1, 2, 0},
                        {4, 6, 5, 1, 1, 0},
                        {9, 2, 4, 5, 3, 2},
                        {8, 3, 2, 2, 2, 0},
                        {8, 1, 1, 3, 3, 0},
                        {5, 2, 3, 3, 1, 2}}) {
    ConvGeometry g;
    g.batch = 2;
    g.height = k.size;
    g.width = k.size + 1;
    g.in_channels = k.in;
    g.out_channels = k.out;
    g.kernel = k.kernel;
    g.stride = k.stride;
    g.padding = k.padding;
    g.check("test");
    CAPTURE(k.kernel);
    CAPTURE(k.stride);
    const int x_zero = 11, w_zero = 9, d_zero = 30, top = 63;
    const auto image = [&](const gemm::PaddedImage& layout, int zero) {
      std::vector<uint8_t> levels(static_cast<size_t>(layout.size() + 64), static_cast<uint8_t>(zero));
      for (int64_t n = 0; n < layout.batch; ++n)
        for (int64_t y = 0; y < layout.height; ++y)
          for (int64_t x = 0; x < layout.width; ++x)
            for (int64_t c = 0; c < layout.channels; ++c)
              levels[static_cast<size_t>(layout.offset(n, y, x) + c)] = static_cast<uint8_t>(random() % 64);
      return levels;
    };
    const gemm::PaddedImage x_layout = gemm::forward_image(g, 4), d_layout = gemm::gradient_image(g, 4);
    const std::vector<uint8_t> x = image(x_layout, x_zero), d = image(d_layout, d_zero);
    std::vector<uint8_t> w(static_cast<size_t>(g.k() * g.n() + 64));
    for (auto& v : w) v = static_cast<uint8_t>(random() % 64);
    const auto weight = [&](int64_t ky, int64_t kx, int64_t c, int64_t o) {
      return int64_t{w[static_cast<size_t>(((ky * g.kernel + kx) * g.in_channels + c) * g.out_channels + o)]} - w_zero;
    };
    std::vector<int64_t> y(static_cast<size_t>(g.m() * g.n())), dw(static_cast<size_t>(g.k() * g.n())),
        dx(static_cast<size_t>(g.batch * g.height * g.width * g.in_channels));
    for (int64_t n = 0; n < g.batch; ++n)
      for (int64_t oy = 0; oy < g.out_height(); ++oy)
        for (int64_t ox = 0; ox < g.out_width(); ++ox)
          for (int64_t o = 0; o < g.out_channels; ++o)
            for (int64_t ky = 0; ky < g.kernel; ++ky)
              for (int64_t kx = 0; kx < g.kernel; ++kx)
                for (int64_t c = 0; c < g.in_channels; ++c) {
                  const int64_t iy = oy * g.stride + ky - g.padding, ix = ox * g.stride + kx - g.padding;
                  const int64_t row = (n * g.out_height() + oy) * g.out_width() + ox;
                  const int64_t xv = pixel(x, x_zero, x_layout, n, iy, ix, c), wv = weight(ky, kx, c, o);
                  const int64_t dv = pixel(d, d_zero, d_layout, n, oy, ox, o);
                  y[static_cast<size_t>(row * g.n() + o)] += xv * wv;
                  dw[static_cast<size_t>(((ky * g.kernel + kx) * g.in_channels + c) * g.n() + o)] += xv * dv;
                  if (iy >= 0 && iy < g.height && ix >= 0 && ix < g.width)
                    dx[static_cast<size_t>(((n * g.height + iy) * g.width + ix) * g.in_channels + c)] += dv * wv;
                }
    // The planar form, element by element from its definition.
    gemm::PlanarImage planar{x_layout, g.stride};
    std::vector<uint8_t> planes(static_cast<size_t>(planar.size() + 64), 77);
    for (int64_t n = 0; n < x_layout.batch; ++n)
      for (int64_t c = 0; c < x_layout.channels; ++c)
        for (int64_t py = 0; py < x_layout.padded_height(); ++py)
          for (int64_t px = 0; px < x_layout.padded_width(); ++px)
            planes[static_cast<size_t>(((n * x_layout.channels + c) * g.stride + px % g.stride) * planar.plane() +
                                       py * planar.row() + px / g.stride)] =
                x[static_cast<size_t>(x_layout.offset(n, py - x_layout.top, px - x_layout.left) + c)];
    test::for_each_isa([&] {
      const Levels xl{x.data(), x_zero, top}, wl{w.data(), w_zero, top}, dl{d.data(), d_zero, top};
      std::vector<int64_t> sums(y.size());
      gemm::integer_sums(gemm::forward_product(g, x_layout), xl, wl, sums);
      CHECK(sums == y);
      sums.assign(dw.size(), 0);
      gemm::integer_sums(gemm::grad_rhs_product(g, planar, d_layout, 4), Levels{planes.data(), x_zero, top}, dl, sums);
      CHECK(sums == dw);
      std::vector<float> out(dx.size(), 0.0f);
      const double one = 1.0;
      for (const GatherProduct& product : gemm::grad_lhs_products(g, d_layout))
        gemm::integer_product(product, dl, wl, {&one, 1}, out.data());
      CHECK(std::equal(out.begin(), out.end(), dx.begin(),
                       [](float a, int64_t b) { return a == static_cast<float>(b); }));
    });
  }
}
