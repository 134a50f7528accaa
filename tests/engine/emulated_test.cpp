#include "engine/gemm/emulated.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "engine/check.h"
#include "engine/gemm/planar.h"
#include "engine/gemm_support.h"
#include "engine/parallel.h"

using namespace fqt;
using gemm::AccumulatorFormat;
using gemm::emulated_product;
using gemm::emulated_sums;
using gemm::GatherProduct;
using test::Draw;
using test::LevelBuffer;

namespace {

struct Result {
  int64_t sum, overflows;
};

/// One sum of the given terms: left levels are term + kZero, right ones stand for 1.
Result sum_of(const std::vector<int>& terms, const AccumulatorFormat& format) {
  constexpr int kZero = 300;
  LevelBuffer a(10, static_cast<int64_t>(terms.size())), b(2, a.size());
  for (int64_t k = 0; k < a.size(); ++k) {
    a.set(k, terms[static_cast<size_t>(k)] + kZero);
    b.set(k, 1);
  }
  const GatherProduct product = test::matrix_product(1, a.size(), 1, a.size(), false);
  std::vector<int64_t> sums(1);
  const int64_t overflows = emulated_sums(product, a.levels(kZero), b.levels(0), format, sums);
  return {sums[0], overflows};
}

/// The definition once more, on differences already taken: step by step, range by comparison.
struct Oracle {
  AccumulatorFormat format;
  int64_t overflows = 0;

  int64_t add(int64_t sum, int64_t term) {
    const int64_t low = -(int64_t{1} << (format.bits - 1)), high = -low - 1;
    sum += term;
    if (sum < low || sum > high) ++overflows;
    while (sum > high) sum = format.saturate ? high : sum - 2 * (high + 1);
    while (sum < low) sum = format.saturate ? low : sum + 2 * (high + 1);
    return sum;
  }
  int64_t operator()(const std::vector<int64_t>& terms) {
    if (format.chunk == 0) {
      int64_t sum = 0;
      for (const int64_t term : terms) sum = add(sum, term);
      return sum;
    }
    int64_t total = 0, sum = 0, count = 0;
    for (const int64_t term : terms) {
      sum = add(sum, term);
      if (++count < format.chunk) continue;
      total = add(total, sum);
      sum = count = 0;
    }
    return count > 0 ? add(total, sum) : total;
  }
};

}  // namespace

TEST_CASE("emulated: accumulators of 8 bits, by hand") {
  struct Row {
    std::vector<int> terms;
    bool saturate;
    int64_t chunk, sum, overflows;
  };
  for (const Row& row : {
           Row{{100, 27}, false, 0, 127, 0},
           {{127, 1}, false, 0, -128, 1},  // wraps
           {{127, 1}, true, 0, 127, 1},    // saturates
           {{-128, -1}, false, 0, 127, 1},
           {{-128, -1}, true, 0, -128, 1},
           {{127, 1, -1}, false, 0, 127, 2},  // wraps there and back
           {{127, 1, -1}, true, 0, 126, 1},   // what saturation took is gone
           {{1, -1, 127}, true, 0, 127, 0},   // the order matters
           {{100, 100, 100}, false, 0, 44, 1},
           {{100, 100, 100}, true, 0, 127, 2},
           // A term past the range: 0 + 300 = 44 mod 256, and 255 = -1.
           {{300}, false, 0, 44, 1},
           {{255}, false, 0, -1, 1},
           {{300}, true, 0, 127, 1},
           {{-300, 100}, true, 0, -28, 1},
           // It is the exact sum that has to stay in range.
           {{-100, 200}, true, 0, 100, 0},
           // Chunks of two: 100 + 50 and -100 - 50 overflow each for itself; -106 + 106 does not.
           {{100, 50, -100, -50}, false, 2, 0, 2},
           {{100, 50, -100, -50}, true, 2, -1, 2},
           {{100, 50, -100, -50}, true, 0, -23, 1},
           // No chunk overflows, their sum does.
           {{60, 10, 60, 10}, false, 2, -116, 1},
           {{60, 10, 60, 10}, true, 2, 127, 1},
           // The last chunk may be short; one larger than the sum is the sum, added to 0.
           {{60, 10, 60}, true, 2, 127, 1},
           {{60, 10, 50}, true, 2, 120, 0},
           {{127, 1, -1}, true, 5, 126, 1},
           // Chunks of one are added one by one, each twice: first to 0.
           {{127, 1, -1}, true, 1, 126, 1},
           {{300, -1}, true, 1, 126, 1},
           {{}, true, 0, 0, 0},
       }) {
    CAPTURE(row.terms.size());
    CAPTURE(row.saturate);
    CAPTURE(row.chunk);
    const Result result = sum_of(row.terms, {8, row.saturate, row.chunk});
    CHECK(result.sum == row.sum);
    CHECK(result.overflows == row.overflows);
  }
}

TEST_CASE("emulated: the largest sum on the way, by hand") {
  struct Row {
    std::vector<int> terms;
    int64_t chunk, peak;
  };
  for (const Row& row : {
           Row{{100, 50, -120, 3}, 0, 150},  // ends at 33
           {{-100, -50, 120}, 0, 150},
           {{1, 2, 3}, 0, 6},  // no sum is larger than the last
           {{}, 0, 0},
           // Chunks of two: 100, 150 and -120, -117; then 150, 33.
           {{100, 50, -120, 3}, 2, 150},
           {{100, -90, -200, 3}, 2, 200},  // the second chunk starts at 0
           {{100, -90, -200, 3}, 0, 190},
           {{100, 50, -120, 3}, 1, 150},  // 120 in a chunk of its own, 150 over the chunks
       }) {
    CAPTURE(row.chunk);
    CAPTURE(row.peak);
    constexpr int kZero = 300;
    const int64_t terms = static_cast<int64_t>(row.terms.size());
    LevelBuffer a(10, terms), b(2, terms);
    for (int64_t k = 0; k < terms; ++k) {
      a.set(k, row.terms[static_cast<size_t>(k)] + kZero);
      b.set(k, 1);
    }
    const GatherProduct product = test::matrix_product(1, terms, 1, terms, false);
    CHECK(gemm::running_peak(product, a.levels(kZero), b.levels(0), row.chunk) == row.peak);
  }
}

TEST_CASE("emulated: widths") {
  // 2^15 - 1 + 1, and the same in a bit more.
  CHECK(sum_of(std::vector<int>(128, 256), {16, false, 0}).sum == -32768);
  CHECK(sum_of(std::vector<int>(128, 256), {16, true, 0}).sum == 32767);
  CHECK(sum_of(std::vector<int>(128, 256), {17, false, 0}).sum == 32768);
  CHECK(sum_of(std::vector<int>(128, 256), {17, false, 0}).overflows == 0);
  CHECK(sum_of(std::vector<int>(128, 256), {0, true, 3}).sum == 32768);
  for (const int bits : {-1, 1, 7, 33, 64}) CHECK_THROWS_AS(sum_of({1}, {bits, false, 0}), Error);
  CHECK_THROWS_AS(sum_of({1}, {8, false, -1}), Error);
}

TEST_CASE("emulated: random products equal the definition, on any number of threads, and exact ones integer_sums") {
  Draw draw(1);
  int64_t overflowed = 0;
  for (int repeat = 0; repeat < 400; ++repeat) {
    const int lhs_bits = static_cast<int>(draw(2, 16)), rhs_bits = static_cast<int>(draw(2, 16));
    const int64_t rows = draw(1, 9), terms = draw(1, 50), columns = draw(1, 20), stride = (terms + 3) / 4 * 4;
    LevelBuffer a(lhs_bits, rows * stride), b(rhs_bits, terms * columns);
    for (LevelBuffer* operand : {&a, &b})
      for (int64_t i = 0; i < operand->size(); ++i) operand->set(i, draw(0, operand->top()));
    const int a_zero = static_cast<int>(draw(0, a.top()));
    std::vector<int32_t> zeros;
    for (int64_t n = 0; n < columns; ++n) zeros.push_back(static_cast<int32_t>(draw(0, b.top())));
    const GatherProduct product = test::matrix_product(rows, terms, columns, stride, false);
    const AccumulatorFormat format{static_cast<int>(draw(8, 32)), draw(0, 1) == 1, draw(0, 1) * draw(1, 20)};
    Oracle oracle{format};
    std::vector<int64_t> expected;
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t n = 0; n < columns; ++n) {
        std::vector<int64_t> row;
        for (int64_t k = 0; k < terms; ++k)
          row.push_back((a[i * stride + k] - a_zero) * (b[k * columns + n] - zeros[static_cast<size_t>(n)]));
        expected.push_back(oracle(row));
      }
    overflowed += oracle.overflows > 0;
    // The largest sum on the way says whether any addition overflows: the range has one value more below 0.
    const int64_t end = int64_t{1} << (format.bits - 1);
    const int64_t peak = gemm::running_peak(product, a.levels(a_zero), b.levels(0, zeros), format.chunk);
    if (peak < end) CHECK(oracle.overflows == 0);
    if (peak > end) CHECK(oracle.overflows > 0);
    for (const int count : {1, 3}) {
      set_threads(count);
      std::vector<int64_t> sums(expected.size());
      CHECK(emulated_sums(product, a.levels(a_zero), b.levels(0, zeros), format, sums) == oracle.overflows);
      CHECK(sums == expected);
      std::vector<int64_t> exact(sums.size()), plain(sums.size());
      gemm::integer_sums(product, a.levels(a_zero), b.levels(0, zeros), plain);
      CHECK(emulated_sums(product, a.levels(a_zero), b.levels(0, zeros), {}, exact) == 0);
      CHECK(exact == plain);
      if (oracle.overflows == 0) CHECK(sums == plain);
    }
  }
  set_threads(2);
  CHECK(overflowed > 100);
  CHECK(overflowed < 350);
}

TEST_CASE("emulated: convolutions and their groups are read and written like integer_product's") {
  struct Case {
    int64_t groups, stride;
  };
  // With stride 1 images are read whole.
  for (const Case& row : {Case{1, 2}, {2, 2}, {6, 2}, {1, 1}, {2, 1}}) {
    CAPTURE(row.groups);
    CAPTURE(row.stride);
    ConvGeometry g;
    g.batch = 2;
    g.height = 6;
    g.width = 5;
    g.in_channels = g.out_channels = 6;
    g.kernel = 3;
    g.stride = row.stride;
    g.padding = 1;
    g.groups = row.groups;
    g.check("test");
    Draw draw(3);
    const gemm::PaddedImage x_layout = gemm::forward_image(g, 4), d_layout = gemm::gradient_image(g, 4);
    LevelBuffer x(6, x_layout.size()), d(12, d_layout.size()), w(6, g.k() * g.n());
    for (LevelBuffer* operand : {&x, &d, &w})
      for (int64_t i = 0; i < operand->size(); ++i) operand->set(i, draw(0, operand->top()));
    const std::vector<double> scales{0.5, 1, 2, 3, 0.125, 7};
    const size_t size = static_cast<size_t>(std::max(x_layout.size(), d_layout.size()));
    const auto compare = [&](const std::vector<GatherProduct>& products, const gemm::Levels& lhs,
                             const gemm::Levels& rhs) {
      std::vector<float> out(size, -1.0f), exact(size, -1.0f);
      int64_t overflows = 0;
      for (const GatherProduct& product : products) {
        overflows += emulated_product(product, lhs, rhs, {32, true, 7}, scales, out.data());
        gemm::integer_product(product, lhs, rhs, scales, exact.data());
      }
      CHECK(overflows == 0);
      CHECK(out == exact);
      // Ten bits are few: every pixel of a window overflows sooner or later, and the values change.
      for (const GatherProduct& product : products)
        overflows += emulated_product(product, lhs, rhs, {10, false, 0}, scales, out.data());
      CHECK(overflows > 0);
      CHECK(out != exact);
    };
    compare(gemm::forward_products(g, x_layout), x.levels(13), w.levels(31));
    compare(gemm::grad_lhs_products(g, d_layout), d.levels(2000), w.levels(31));
    const gemm::PlanarImage planar{x_layout, g.stride};
    LevelBuffer planes(6, planar.size());
    gemm::to_planar(planar, x.bytes(), planes.bytes());
    compare(gemm::grad_rhs_products(g, planar, d_layout, 4), planes.levels(13), d.levels(2000));
  }
}
