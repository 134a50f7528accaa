#include "engine/gemm/gemm.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "engine/gemm/planar.h"
#include "engine/gemm_support.h"
#include "engine/parallel.h"

using namespace fqt;
using gemm::GatherProduct;
using gemm::Levels;
using test::Draw;
using test::for_each_isa;
using test::LevelBuffer;
using test::matrix_product;

namespace {

constexpr int kLeastBits = 2, kMostBits = 16, kWidths = kMostBits - kLeastBits + 1;

/// The ways operands lie in memory: X * W, dY * W^T, and X^T * dY, whose X is read across its rows or was transposed by
/// to_planar.
enum class Order { plain, rhs_transposed, lhs_transposed, lhs_planar };
constexpr int kOrders = 4;

/// One random product of given widths, with its sums as they are written, in int64.
class RandomProduct {
 public:
  RandomProduct(Draw& draw, int lhs_bits, int rhs_bits, Order order)
      : rows(draw(0, 17)),
        columns(draw(0, 7) ? draw(0, 17) : draw(18, 35)),
        terms(draw(0, 9) ? draw(1, 40) : draw(200, 600)),
        order_(order),
        lhs_(lhs_bits, rows * stride()),
        rhs_(rhs_bits, terms * columns) {
    if (order >= Order::lhs_transposed && (rows == 0 || columns == 0)) rows = columns = 0;
    const int lhs_top = lhs_.top(), rhs_top = rhs_.top();
    // Now and then every level at an end of the range: the largest sums there are.
    const bool extreme = draw(0, 3) == 0;
    const auto level = [&](int top) { return extreme ? (draw(0, 7) ? top : 0) : draw(0, top); };
    const auto zero = [&](int top) { return static_cast<int>(extreme ? draw(0, 1) * top : draw(0, top)); };
    for (int64_t i = 0; i < lhs_.size(); ++i) lhs_.set(i, level(lhs_top));
    for (int64_t i = 0; i < rhs_.size(); ++i) rhs_.set(i, level(rhs_top));
    lhs_zero_ = zero(lhs_top);
    rhs_zero_ = zero(rhs_top);
    if (draw(0, 3) == 0)
      for (int64_t n = 0; n < columns; ++n) column_zeros_.push_back(zero(rhs_top));
    for (int64_t n = draw(0, 1) * columns; n < columns; ++n)
      scales.push_back(std::ldexp(static_cast<double>(draw(1, 1 << 20)), -30));
    if (scales.empty()) scales.push_back(0.001);
    sum();
    arrange();
  }

  Levels lhs() const { return arranged_.empty() ? lhs_.levels(lhs_zero_) : arranged_.front().levels(lhs_zero_); }
  Levels rhs() const { return rhs_.levels(rhs_zero_, column_zeros_); }
  float scaled(size_t i) const {
    const double scale = scales.size() == 1 ? scales[0] : scales[i % static_cast<size_t>(columns)];
    return static_cast<float>(static_cast<double>(sums[i]) * scale);
  }

  int64_t rows, columns, terms;
  std::vector<double> scales;
  std::vector<int64_t> sums;
  GatherProduct product;

 private:
  int64_t stride() const { return (terms + 3) / 4 * 4; }

  void sum() {
    sums.assign(static_cast<size_t>(rows * columns), 0);
    std::vector<int32_t> column(static_cast<size_t>(terms));  // differences: of at most 16 bits and a sign
    for (int64_t n = 0; n < columns; ++n) {
      const int64_t zero = column_zeros_.empty() ? rhs_zero_ : column_zeros_[static_cast<size_t>(n)];
      for (int64_t k = 0; k < terms; ++k)
        column[static_cast<size_t>(k)] =
            static_cast<int32_t>(rhs_[order_ == Order::rhs_transposed ? n * terms + k : k * columns + n] - zero);
      for (int64_t i = 0; i < rows; ++i) {
        int64_t sum = 0;
        for (int64_t k = 0; k < terms; ++k)
          sum += (lhs_[i * stride() + k] - lhs_zero_) * column[static_cast<size_t>(k)];
        sums[static_cast<size_t>(i * columns + n)] = sum;
      }
    }
  }

  /// The gathers; for the last two orders X as it lies in a layer, [terms x rows], and its planar form.
  void arrange() {
    if (order_ < Order::lhs_transposed || rows == 0) {
      product = matrix_product(rows, terms, columns, stride(), order_ == Order::rhs_transposed);
      return;
    }
    const ConvGeometry g = ConvGeometry::matrix(terms, rows, columns);
    const gemm::PaddedImage layout = gemm::forward_image(g, 4);
    const gemm::PaddedImage gradient{1, 1, terms, columns, 0, 0, 0, 0, columns};
    const gemm::PlanarImage planar{layout, 1};
    const int bits = lhs_.top() == 65535 ? 16 : static_cast<int>(std::log2(lhs_.top() + 1));
    LevelBuffer x(bits, layout.size());
    for (int64_t k = 0; k < terms; ++k)
      for (int64_t i = 0; i < rows; ++i) x.set(k * layout.pixel + i, lhs_[i * stride() + k]);
    if (order_ == Order::lhs_transposed) {
      product = gemm::grad_rhs_products(g, layout, gradient).front();
      arranged_.push_back(std::move(x));
      return;
    }
    arranged_.emplace_back(bits, planar.size());
    if (bits <= 8)
      gemm::to_planar(planar, x.bytes(), arranged_.front().bytes());
    else
      gemm::to_planar(planar, x.words(), arranged_.front().words());
    product = gemm::grad_rhs_products(g, planar, gradient, 4).front();
  }

  Order order_;
  LevelBuffer lhs_, rhs_;
  int lhs_zero_ = 0, rhs_zero_ = 0;
  std::vector<int32_t> column_zeros_;
  std::vector<LevelBuffer> arranged_;  ///< lhs as it lies in memory, where that is not lhs_
};

}  // namespace

TEST_CASE("gemm: products equal a naive int64 one for every pair of widths, every order, every ISA") {
  constexpr int kRepeats = 120;  // for each pair of widths and order
  constexpr int64_t kPairs = kWidths * kWidths, kCases = kPairs * kOrders * kRepeats;
  static_assert(kCases >= 100'000);
  std::atomic<int64_t> cases = 0, mismatches = 0;
  for_each_isa([&] {
    parallel_for(kCases, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        Draw draw(static_cast<uint64_t>(i));
        const int64_t pair = i % kPairs;
        const RandomProduct p(draw, static_cast<int>(kLeastBits + pair / kWidths),
                              static_cast<int>(kLeastBits + pair % kWidths), static_cast<Order>(i / kPairs % kOrders));
        std::vector<int64_t> sums(p.sums.size(), -1);
        gemm::integer_sums(p.product, p.lhs(), p.rhs(), sums);
        mismatches += sums != p.sums;
        ++cases;
        if (i % 4) continue;
        std::vector<float> out(p.sums.size(), -1.0f);
        gemm::integer_product(p.product, p.lhs(), p.rhs(), p.scales, out.data());
        bool scaled = true;
        for (size_t k = 0; k < out.size(); ++k) scaled = scaled && out[k] == p.scaled(k);
        mismatches += !scaled;
      }
    });
  });
  CHECK(cases >= kCases);
  CHECK(mismatches == 0);
}

TEST_CASE("gemm: results added up at once have the bits of whole results added one after another") {
  constexpr int kRepeats = 40;
  constexpr int64_t kPairs = kWidths * kWidths;
  std::atomic<int64_t> mismatches = 0;
  for_each_isa([&] {
    parallel_for(kPairs * kOrders * kRepeats, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        Draw draw(static_cast<uint64_t>(i));
        const int64_t pair = i % kPairs;
        const RandomProduct p(draw, static_cast<int>(kLeastBits + pair / kWidths),
                              static_cast<int>(kLeastBits + pair % kWidths), static_cast<Order>(i / kPairs % kOrders));
        // The same levels on three grids.
        const bool add = draw(0, 1) == 1;
        std::vector<gemm::ProductOperands> all;
        std::vector<float> expected(p.sums.size(), 0.125f), out = expected, one = expected;
        const std::vector<double> thirds{1.0 / 3};
        for (int64_t k = 0; k < 3; ++k) {
          Levels lhs = p.lhs();
          lhs.zero = static_cast<int>(draw(0, lhs.max_level));
          all.push_back({lhs, p.rhs(), k == 1 ? thirds : p.scales});
          gemm::integer_product(p.product, all.back().lhs, all.back().rhs, all.back().scales, one.data());
          for (size_t n = 0; n < one.size(); ++n) expected[n] = k > 0 || add ? expected[n] + one[n] : one[n];
        }
        gemm::add_integer_products(p.product, all, out.data(), add);
        mismatches += out != expected;
      }
    });
  });
  CHECK(mismatches == 0);
}

TEST_CASE("gemm: long sums and wide results cross every block, on any number of threads") {
  for (const auto& [lhs_bits, rhs_bits] :
       {std::array<int, 2>{4, 4}, {6, 6}, {7, 7}, {8, 8}, {6, 16}, {16, 16}, {12, 8}})
    for (const auto& [rows, terms, columns] :
         {std::array<int64_t, 3>{7, 5000, 3}, {101, 1031, 290}, {250, 40, 17}, {3, 2049, 257}, {4, 0, 20}}) {
      Draw draw(4);
      const int64_t stride = (terms + 3) / 4 * 4;
      LevelBuffer a(lhs_bits, rows * stride), b(rhs_bits, terms * columns);
      for (LevelBuffer* operand : {&a, &b})
        for (int64_t i = 0; i < operand->size(); ++i) operand->set(i, draw(0, operand->top()));
      const int a_zero = 3, b_zero = b.top() / 2;
      // Of some panels only a few values differ from zero: they are added up deeper than others.
      for (int64_t i = 0; i < b.size(); ++i)
        if (i % columns % 48 < 32 && draw(0, i % columns % 48 < 16 ? 50 : 3) > 0) b.set(i, b_zero);
      std::vector<int64_t> expected(static_cast<size_t>(rows * columns), 0);
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t k = 0; k < terms; ++k)
          for (int64_t n = 0; n < columns; ++n)
            expected[static_cast<size_t>(i * columns + n)] +=
                (a[i * stride + k] - a_zero) * (b[k * columns + n] - b_zero);
      const GatherProduct product = matrix_product(rows, terms, columns, stride, false);
      for_each_isa([&] {
        for (const int count : {1, 3}) {
          set_threads(count);
          std::vector<int64_t> sums(expected.size(), -1);
          gemm::integer_sums(product, a.levels(a_zero), b.levels(b_zero), sums);
          CHECK(sums == expected);
        }
      });
    }
  set_threads(2);
}

TEST_CASE("gemm: sums past int32 are added in int64") {
  // 131,072 products of 255 * 128 and of 255 * 255 overflow int32; so do shorter runs of the wide path.
  for (const int zero : {128, 0, 255}) {
    const int64_t terms = 131072 + 4, rows = 3, columns = 2;
    std::vector<uint8_t> a(static_cast<size_t>(rows * terms + 64), 255);
    std::vector<uint8_t> b(static_cast<size_t>(columns * terms + 64), static_cast<uint8_t>(zero > 128 ? 0 : 255));
    const Levels lhs{a.data(), 0, 255}, rhs{b.data(), zero, 255};
    const GatherProduct product = matrix_product(rows, terms, columns, terms, true);
    const int64_t expected = terms * 255 * (zero > 128 ? -255 : 255 - zero);
    for_each_isa([&] {
      std::vector<int64_t> sums(static_cast<size_t>(rows * columns));
      gemm::integer_sums(product, lhs, rhs, sums);
      for (const int64_t sum : sums) CHECK(sum == expected);
      std::vector<float> scaled(static_cast<size_t>(rows * columns));
      const double quarter = 0.25;
      gemm::integer_product(product, lhs, rhs, {&quarter, 1}, scaled.data());
      for (const float value : scaled) CHECK(value == static_cast<float>(static_cast<double>(expected) * quarter));
    });
  }
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
    const GatherProduct product = matrix_product(rows, terms, columns, terms, false);
    for_each_isa([&] {
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
