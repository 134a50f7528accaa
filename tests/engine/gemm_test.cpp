#include "engine/gemm/gemm.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "engine/check.h"
#include "engine/gemm/accumulator.h"
#include "engine/kernels/table.h"
#include "engine/parallel.h"

using namespace fqt;
using gemm::GatherProduct;
using gemm::Levels;

namespace {

/// A plain [rows x terms] * [terms x columns] product whose operands may be stored transposed: the three products need
/// X * W, dY * W^T and X^T * dY.
enum class Order { plain, rhs_transposed };

GatherProduct matrix_product(int64_t rows, int64_t terms, int64_t columns, int64_t lhs_stride, Order order) {
  GatherProduct product;
  product.terms = terms;
  for (int64_t i = 0; i < rows; ++i) product.lhs.rows.push_back(static_cast<int32_t>(i * lhs_stride));
  product.lhs.segments = {0};
  product.lhs.length = lhs_stride;
  product.rhs.segments = {0};
  product.rhs.length = terms;
  product.rhs.padded_length = lhs_stride;
  product.rhs.term_stride = order == Order::plain ? columns : 1;
  product.rhs.column_stride = order == Order::plain ? 1 : terms;
  product.rhs.columns = columns;
  return product;
}

/// The oracle: the sum as it is written, in int64.
std::vector<int64_t> naive(int64_t rows, int64_t terms, int64_t columns, int64_t lhs_stride, Order order,
                           const Levels& lhs, const Levels& rhs) {
  std::vector<int64_t> sums(static_cast<size_t>(rows * columns), 0);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t n = 0; n < columns; ++n)
      for (int64_t k = 0; k < terms; ++k) {
        const int64_t b = order == Order::plain ? rhs.data[k * columns + n] : rhs.data[n * terms + k];
        sums[static_cast<size_t>(i * columns + n)] +=
            (int64_t{lhs.data[i * lhs_stride + k]} - lhs.zero) * (b - rhs.zero);
      }
  return sums;
}

struct ForEachIsa {
  template <typename Body>
  explicit ForEachIsa(const Body& body) {
    for (const kernels::Isa& isa : kernels::all_isas()) {
      if (!isa.supported()) continue;
      kernels::select(isa.name);
      CAPTURE(isa.name);
      body();
    }
    kernels::select("");
  }
};

}  // namespace

TEST_CASE("gemm: integer sums equal a naive int64 product for every pair of widths, every order, every ISA") {
  set_threads(1);
  std::mt19937 random(1);
  const auto draw = [&](int64_t low, int64_t high) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(high - low + 1)) + low;
  };
  int64_t cases = 0, mismatches = 0;
  const int64_t edges[] = {0, 1, 2, 3, 5, 7, 13, 15, 16, 17, 31, 33, 61};
  for (int lhs_bits = 2; lhs_bits <= 8; ++lhs_bits)
    for (int rhs_bits = 2; rhs_bits <= 8; ++rhs_bits)
      for (int repeat = 0; repeat < 410; ++repeat) {
        const int64_t rows = repeat % 2 ? draw(0, 20) : edges[draw(0, 12)];
        const int64_t columns = repeat % 3 ? draw(0, 20) : edges[draw(0, 12)];
        const int64_t terms = repeat % 5 ? draw(1, 40) : std::max<int64_t>(1, edges[draw(0, 12)] * 7);
        const Order order = repeat % 4 == 0 ? Order::rhs_transposed : Order::plain;
        const int64_t stride = (terms + 3) / 4 * 4;
        const int lhs_top = (1 << lhs_bits) - 1, rhs_top = (1 << rhs_bits) - 1;
        std::vector<uint8_t> a(static_cast<size_t>(rows * stride + 64)), b(static_cast<size_t>(terms * columns + 64));
        // Now and then every level at an end of the range: the largest sums there are.
        const bool extreme = repeat % 7 == 0;
        for (auto& v : a) v = static_cast<uint8_t>(extreme ? lhs_top : draw(0, lhs_top));
        for (auto& v : b) v = static_cast<uint8_t>(extreme ? (draw(0, 1) ? rhs_top : 0) : draw(0, rhs_top));
        const Levels lhs{a.data(), static_cast<int>(draw(0, lhs_top)), lhs_top};
        const Levels rhs{b.data(), static_cast<int>(extreme ? draw(0, 1) * rhs_top : draw(0, rhs_top)), rhs_top};
        const GatherProduct product = matrix_product(rows, terms, columns, stride, order);
        const std::vector<int64_t> expected = naive(rows, terms, columns, stride, order, lhs, rhs);
        ++cases;
        ForEachIsa([&] {
          std::vector<int64_t> sums(static_cast<size_t>(rows * columns), -1);
          gemm::integer_sums(product, lhs, rhs, sums);
          mismatches += sums != expected;
        });
      }
  set_threads(2);
  CHECK(cases >= 20000);
  CHECK(mismatches == 0);
}

TEST_CASE("gemm: long sums and wide results cross every block, on any number of threads") {
  std::mt19937 random(4);
  for (const int bits : {4, 6, 8})
    for (const auto& [rows, terms, columns] :
         {std::array<int64_t, 3>{7, 5000, 3}, {101, 1031, 290}, {250, 40, 17}, {3, 2049, 257}, {4, 0, 20}}) {
      const int top = (1 << bits) - 1;
      const int64_t stride = (terms + 3) / 4 * 4;
      std::vector<uint8_t> a(static_cast<size_t>(rows * stride + 64)), b(static_cast<size_t>(terms * columns + 64));
      for (auto* operand : {&a, &b})
        for (uint8_t& level : *operand) level = static_cast<uint8_t>(random() % static_cast<uint32_t>(top + 1));
      const Levels lhs{a.data(), 3, top}, rhs{b.data(), top / 2, top};
      const GatherProduct product = matrix_product(rows, terms, columns, stride, Order::plain);
      const std::vector<int64_t> expected = naive(rows, terms, columns, stride, Order::plain, lhs, rhs);
      ForEachIsa([&] {
        for (const int count : {1, 3}) {
          set_threads(count);
          std::vector<int64_t> sums(expected.size(), -1);
          gemm::integer_sums(product, lhs, rhs, sums);
          CHECK(sums == expected);
        }
      });
    }
  set_threads(2);
}

TEST_CASE("geometry: more elements than int32 offsets reach are refused, widened planar rows included") {
  ConvGeometry g;
  g.batch = 119;  // 119 * 512 * 512 * 64 fits 2^31 - 1; with planar rows of 576 it does not
  g.height = g.width = 512;
  g.in_channels = g.out_channels = 64;
  CHECK_THROWS_AS(g.check("test"), Error);
  g.batch = 64;
  CHECK_NOTHROW(g.check("test"));
}

TEST_CASE("gemm: sums past int32 are added in int64") {
  // 131,072 products of 255 * 128 and of 255 * 255 overflow int32; so do shorter runs of the wide path.
  for (const int zero : {128, 0, 255}) {
    const int64_t terms = 131072 + 4, rows = 3, columns = 2;
    std::vector<uint8_t> a(static_cast<size_t>(rows * terms + 64), 255);
    std::vector<uint8_t> b(static_cast<size_t>(columns * terms + 64), static_cast<uint8_t>(zero > 128 ? 0 : 255));
    const Levels lhs{a.data(), 0, 255}, rhs{b.data(), zero, 255};
    const GatherProduct product = matrix_product(rows, terms, columns, terms, Order::rhs_transposed);
    const int64_t expected = terms * 255 * (zero > 128 ? -255 : 255 - zero);
    ForEachIsa([&] {
      std::vector<int64_t> sums(static_cast<size_t>(rows * columns));
      gemm::integer_sums(product, lhs, rhs, sums);
      for (const int64_t sum : sums) CHECK(sum == expected);
      std::vector<float> scaled(static_cast<size_t>(rows * columns));
      gemm::integer_product(product, lhs, rhs, 0.25, scaled.data());
      for (const float value : scaled) CHECK(value == static_cast<float>(static_cast<double>(expected) * 0.25));
    });
  }
}

TEST_CASE("accumulator: int32 exactly up to the largest safe number of terms") {
  // 255 * 255 = 65025, and 2147483647 / 65025 = 33025.5.
  CHECK(gemm::plan_accumulator(255, 255, 33025).fits_int32);
  CHECK_FALSE(gemm::plan_accumulator(255, 255, 33026).fits_int32);
  CHECK(gemm::plan_accumulator(255, 255, 1).safe_terms == 33025);
  // Symmetric 8 bits: 127 * 127 = 16129, 2147483647 / 16129 = 133144.2.
  CHECK(gemm::plan_accumulator(127, 127, 133144).fits_int32);
  CHECK_FALSE(gemm::plan_accumulator(127, 127, 133145).fits_int32);
  CHECK_THROWS_AS(gemm::plan_accumulator(1 << 16, 1 << 16, int64_t{1} << 40), Error);
}

TEST_CASE("gemm: float32 is one chain of fused multiply-adds, whatever the ISA and the number of threads") {
  std::mt19937 random(2);
  for (const auto& [rows, terms, columns] :
       {std::array<int64_t, 3>{1, 1, 1}, {37, 300, 33}, {200, 577, 16}, {5, 1030, 290}}) {
    std::vector<float> a(static_cast<size_t>(rows * terms)), b(static_cast<size_t>(terms * columns));
    for (float& v : a) v = static_cast<float>(random() % 2001) / 1000.0f - 1.0f;
    for (float& v : b) v = static_cast<float>(random() % 2001) / 1000.0f - 1.0f;
    std::vector<float> expected(static_cast<size_t>(rows * columns));
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t n = 0; n < columns; ++n) {
        float sum = 0;
        for (int64_t k = 0; k < terms; ++k)
          sum = std::fma(a[static_cast<size_t>(i * terms + k)], b[static_cast<size_t>(k * columns + n)], sum);
        expected[static_cast<size_t>(i * columns + n)] = sum;
      }
    const GatherProduct product = matrix_product(rows, terms, columns, terms, Order::plain);
    ForEachIsa([&] {
      for (const int count : {1, 2, 3}) {
        set_threads(count);
        std::vector<float> out(expected.size());
        gemm::float_product(product, a.data(), b.data(), out.data());
        CHECK(std::memcmp(out.data(), expected.data(), out.size() * sizeof(float)) == 0);
      }
    });
  }
  set_threads(2);
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
    ForEachIsa([&] {
      const Levels xl{x.data(), x_zero, top}, wl{w.data(), w_zero, top}, dl{d.data(), d_zero, top};
      std::vector<int64_t> sums(y.size());
      gemm::integer_sums(gemm::forward_product(g, x_layout), xl, wl, sums);
      CHECK(sums == y);
      sums.assign(dw.size(), 0);
      gemm::integer_sums(gemm::grad_rhs_product(g, planar, d_layout, 4), Levels{planes.data(), x_zero, top}, dl, sums);
      CHECK(sums == dw);
      std::vector<float> out(dx.size(), 0.0f);
      for (const GatherProduct& product : gemm::grad_lhs_products(g, d_layout))
        gemm::integer_product(product, dl, wl, 1.0, out.data());
      CHECK(std::equal(out.begin(), out.end(), dx.begin(),
                       [](float a, int64_t b) { return a == static_cast<float>(b); }));
    });
  }
}
