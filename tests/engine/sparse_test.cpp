#include "engine/gemm/sparse.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "engine/gemm/sparse_rows.h"
#include "engine/gemm_support.h"
#include "engine/parallel.h"

using namespace fqt;
using gemm::GatherProduct;
using test::Draw;
using test::LevelBuffer;

namespace {

/// Levels that are `zero` but for one in `rare`.
LevelBuffer draw_levels(Draw& draw, int bits, int64_t size, int zero, int64_t rare) {
  LevelBuffer levels(bits, size);
  for (int64_t i = 0; i < size; ++i) levels.set(i, draw(1, rare) == 1 ? draw(0, levels.top()) : zero);
  for (int64_t i = size; i < size + 64; ++i) levels.set(i, 255);  // readable, and of no meaning
  return levels;
}

/// lhs [terms x rows] as X^T, its rows side by side.
GatherProduct transposed_product(int64_t rows, int64_t terms, int64_t columns) {
  GatherProduct product = test::matrix_product(rows, terms, columns, terms, false);
  std::vector<int32_t> offsets;
  for (int64_t i = 0; i < rows; ++i) offsets.push_back(static_cast<int32_t>(i));
  product.lhs.rows = std::move(offsets);
  product.lhs.term_stride = rows;
  return product;
}

struct Case {
  int64_t rows, terms, columns;
};
constexpr Case kCases[] = {{70, 700, 100}, {33, 2051, 65}, {128, 514, 64}, {130, 322, 111}};

/// Whether sparse_product writes what the plain sums come to, and adds it to what is there.
bool agrees(const GatherProduct& product, const gemm::Levels& lhs, const gemm::Levels& rhs) {
  std::vector<double> scales;
  for (int64_t n = 0; n < product.rhs.columns; ++n)
    scales.push_back(std::ldexp(1.0 + 0.37 * static_cast<double>(n), -9));
  const size_t size = static_cast<size_t>(product.rows() * product.rhs.columns);
  std::vector<int64_t> sums(size);
  integer_sums(product, lhs, rhs, sums);
  std::vector<float> out(size, NAN);
  REQUIRE(sparse_product(product, lhs, rhs, scales, out.data()));
  std::vector<float> added(size, 0.75f);
  REQUIRE(sparse_product(product, lhs, rhs, scales, added.data(), true));
  for (size_t i = 0; i < size; ++i) {
    const double scale = scales[i % static_cast<size_t>(product.rhs.columns)];
    if (out[i] != static_cast<float>(static_cast<double>(sums[i]) * scale) || added[i] != 0.75f + out[i]) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("sparse: products with a left or a right operand of few non-zeros equal the plain sums") {
  for (const int threads : {1, 3}) {
    set_threads(threads);
    test::for_each_isa([&] {
      for (const Case& sizes : kCases)
        for (const int bits : {2, 6, 7}) {
          const int64_t rows = sizes.rows, terms = sizes.terms, columns = sizes.columns;
          CAPTURE(bits);
          CAPTURE(terms);
          Draw draw(static_cast<uint64_t>(terms * bits));
          const int top = (1 << bits) - 1, zero = static_cast<int>(draw(0, top)),
                    other = static_cast<int>(draw(0, top));
          const LevelBuffer few = draw_levels(draw, bits, rows * terms, zero, 60);
          const LevelBuffer dense = draw_levels(draw, bits, terms * columns, other, 1);
          for (const bool transposed : {false, true})
            CHECK(agrees(test::matrix_product(rows, terms, columns, terms, transposed), few.levels(zero),
                         dense.levels(other)));
          std::vector<int32_t> zeros;
          for (int64_t n = 0; n < columns; ++n) zeros.push_back(static_cast<int32_t>(draw(0, top)));
          CHECK(agrees(test::matrix_product(rows, terms, columns, terms, false), few.levels(zero),
                       dense.levels(other, zeros)));
          const LevelBuffer left = draw_levels(draw, bits, rows * terms, other, 1);
          const LevelBuffer right = draw_levels(draw, bits, terms * columns, zero, 60);
          CHECK(agrees(transposed_product(rows, terms, columns), left.levels(other), right.levels(zero)));
        }
    });
  }
  set_threads(1);
}

TEST_CASE("sparse: gradients of strided convolutions, whose runs of terms span several pixels") {
  struct Window {
    int64_t kernel, stride, padding;
  };
  int64_t taken = 0;
  test::for_each_isa([&] {
    for (const Window& window : {Window{3, 2, 1}, Window{5, 3, 2}, Window{1, 1, 0}})
      for (const int64_t channels : {9, 10, 34, 35, 40}) {
        CAPTURE(window.kernel);
        CAPTURE(channels);
        const ConvGeometry g{8, 17, 17, 64, channels, window.kernel, window.stride, window.padding};
        const gemm::PaddedImage layout = gemm::gradient_image(g, 4);
        Draw draw(static_cast<uint64_t>(window.kernel * channels));
        LevelBuffer dy(7, layout.size());
        for (int64_t i = 0; i < layout.size(); ++i) dy.set(i, 50);
        for (int64_t i = 0; i < layout.batch * layout.height * layout.width * channels / 60; ++i)
          dy.set(layout.offset(draw(0, layout.batch - 1), draw(0, layout.height - 1), draw(0, layout.width - 1)) +
                     draw(0, channels - 1),
                 draw(0, 127));
        const LevelBuffer w = draw_levels(draw, 7, g.k() * g.n(), 60, 1);
        const size_t size = static_cast<size_t>(g.batch * g.height * g.width * g.in_channels);
        for (const GatherProduct& product : gemm::grad_lhs_products(g, layout)) {
          std::vector<float> out(size, NAN);
          const double scale = 0.01;
          if (!sparse_product(product, dy.levels(50), w.levels(60), {&scale, 1}, out.data())) continue;
          ++taken;
          std::vector<int64_t> sums(static_cast<size_t>(product.rows() * product.rhs.columns));
          integer_sums(product, dy.levels(50), w.levels(60), sums);
          bool same = true;
          for (int64_t row = 0; row < product.rows(); ++row)
            for (int64_t n = 0; n < product.rhs.columns; ++n)
              same &= out[static_cast<size_t>(product.out_offset(row) + n)] ==
                      static_cast<float>(static_cast<double>(sums[static_cast<size_t>(row * 64 + n)]) * scale);
          CHECK(same);
        }
      }
  });
  CHECK(taken > 0);
}

TEST_CASE("sparse: what it does not take is left to the plain product") {
  const int64_t rows = kCases[0].rows, terms = kCases[0].terms, columns = kCases[0].columns;
  const GatherProduct product = test::matrix_product(rows, terms, columns, terms, false);
  Draw draw(1);
  std::vector<float> out(static_cast<size_t>(rows * columns));
  const double scale = 1;
  const auto taken = [&](int bits, int zero, int64_t rare) {
    const LevelBuffer lhs = draw_levels(draw, bits, rows * terms, zero, rare);
    const LevelBuffer rhs = draw_levels(draw, bits, terms * columns, zero, 1);
    return sparse_product(product, lhs.levels(zero), rhs.levels(zero), {&scale, 1}, out.data());
  };
  CHECK(taken(7, 64, 100));
  CHECK_FALSE(taken(7, 64, 2));    // dense
  CHECK_FALSE(taken(8, 20, 100));  // differences of up to 235
  CHECK_FALSE(taken(10, 500, 100));
  const LevelBuffer small = draw_levels(draw, 7, 32 * 32, 64, 100), other = draw_levels(draw, 7, 32 * 32, 64, 1);
  CHECK_FALSE(sparse_product(test::matrix_product(32, 32, 32, 32, false), small.levels(64), other.levels(64),
                             {&scale, 1}, out.data()));
}

TEST_CASE("sparse: an image that is read whole is left to the plain product, as rows end past its buffer") {
  ConvGeometry g;
  g.height = 13;
  g.width = 3;
  g.in_channels = g.out_channels = 128;
  g.kernel = 3;
  g.padding = 1;
  g.check("test");
  const gemm::PaddedImage x = gemm::forward_image(g, 4), d = gemm::gradient_image(g, 4);
  const gemm::PlanarImage planar{x, 1};
  const GatherProduct product = gemm::grad_rhs_products(g, planar, d, 4).front();
  REQUIRE(product.rhs.joined > 1);
  Draw draw(4);
  const LevelBuffer planes = draw_levels(draw, 6, planar.size(), 20, 100), dy = draw_levels(draw, 6, d.size(), 30, 1);
  std::vector<float> out(static_cast<size_t>(g.k() * g.n()));
  const double scale = 1;
  CHECK_FALSE(sparse_product(product, planes.levels(20), dy.levels(30), {&scale, 1}, out.data()));
}

TEST_CASE("sparse rows: hold every group that is not all zero, in order") {
  constexpr int64_t kRows = 37, kTerms = 75;
  Draw draw(5);
  const LevelBuffer levels = draw_levels(draw, 7, kRows * kTerms, 9, 20);
  std::vector<int32_t> offsets;
  for (int64_t r = 0; r < kRows; ++r) offsets.push_back(static_cast<int32_t>(r * kTerms));
  // The same levels as rows, and as the columns of their transpose.
  const gemm::ByteMatrix by_rows{levels.bytes(), kRows, kTerms, offsets.data(), 1, 9};
  const gemm::ByteMatrix by_columns{levels.bytes(), kTerms, kRows, nullptr, kTerms, 9};
  for (const gemm::ByteMatrix& matrix : {by_rows, by_columns}) {
    const gemm::SparseRows sparse = gemm::sparse_rows(matrix, 1).value();
    REQUIRE(sparse.rows() == matrix.rows);
    int64_t occupied = 0;
    for (int64_t row = 0; row < matrix.rows; ++row) {
      int64_t entry = sparse.starts[static_cast<size_t>(row)];
      for (int64_t group = 0; 4 * group < matrix.terms; ++group) {
        bool zero = true;
        for (int64_t t = 0; t < 4 && 4 * group + t < matrix.terms; ++t) {
          const int64_t term = 4 * group + t;
          zero &= levels[matrix.row_offsets ? row * kTerms + term : term * kTerms + row] == 9;
        }
        const bool listed = entry < sparse.starts[static_cast<size_t>(row) + 1] && sparse.groups.data()[entry] == group;
        if (!zero) REQUIRE(listed);
        if (!listed) continue;
        for (int64_t t = 0; t < 4 && 4 * group + t < matrix.terms; ++t) {
          const int64_t term = 4 * group + t;
          REQUIRE(sparse.values.data()[4 * entry + t] ==
                  levels[matrix.row_offsets ? row * kTerms + term : term * kTerms + row] - 9);
        }
        ++entry;
        ++occupied;
      }
      REQUIRE(entry == sparse.starts[static_cast<size_t>(row) + 1]);
    }
    CHECK(occupied > 0);
    CHECK_FALSE(gemm::sparse_rows(matrix, static_cast<double>(occupied) / static_cast<double>(matrix.rows * 100)));
    CHECK(gemm::occupied_share(matrix) > 0);
    CHECK(gemm::occupied_share(matrix) < 0.5);
  }
}
