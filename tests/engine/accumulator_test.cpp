#include "engine/gemm/accumulator.h"

#include <doctest/doctest.h>

#include <atomic>
#include <string>

#include "engine/check.h"
#include "engine/gemm_support.h"
#include "engine/parallel.h"

using namespace fqt;
using gemm::Accumulator;
using gemm::OperandBounds;
using gemm::plan_accumulator;
using Kind = gemm::Accumulator::Kind;

namespace {

constexpr int64_t kInt32Max = 2147483647;

/// Levels 0 .. top of each side with zero level 0: the largest magnitudes of a width.
OperandBounds widest(int lhs_bits, int rhs_bits) {
  const int64_t lhs = (int64_t{1} << lhs_bits) - 1, rhs = (int64_t{1} << rhs_bits) - 1;
  const int64_t bias = lhs_bits == 16 ? 32768 : 0;
  return {{-bias, lhs - bias}, {0, lhs}, {0, rhs}};
}

/// One row times two columns of `terms` products, each the largest of the widths: +, and - by the zero level.
bool extremes_are_exact(int lhs_bits, int rhs_bits, int64_t terms) {
  const int64_t stride = (terms + 3) / 4 * 4;
  test::LevelBuffer a(lhs_bits, stride), b(rhs_bits, 2 * terms);
  const int64_t lhs = a.top(), rhs = b.top();
  const std::vector<int32_t> zeros{0, b.top()};
  const gemm::GatherProduct product = test::matrix_product(1, terms, 2, stride, true);
  for (int64_t k = 0; k < terms; ++k) {
    a.set(k, lhs);
    b.set(k, rhs);
    b.set(terms + k, 0);
  }
  std::vector<int64_t> sums(2);
  gemm::integer_sums(product, a.levels(0), b.levels(0, zeros), sums);
  if (sums[0] != terms * lhs * rhs || sums[1] != -terms * lhs * rhs) return false;
  // The other end of the left grid: as the kernel sees it, the largest negative values.
  for (int64_t k = 0; k < terms; ++k) a.set(k, 0);
  gemm::integer_sums(product, a.levels(a.top()), b.levels(0, zeros), sums);
  return sums[0] == -terms * lhs * rhs && sums[1] == terms * lhs * rhs;
}

}  // namespace

TEST_CASE("accumulator: the choice and its words, by hand") {
  struct Row {
    OperandBounds bounds;
    int64_t terms;
    Kind kind;
    int64_t run_terms;
    std::string words;
  };
  const OperandBounds bytes{{0, 255}, {0, 255}, {-255, 0}};
  // Affine 8 bits about its middle: 255 * 128 = 32640, and 2147483647 / 32640 = 65793.0.
  const OperandBounds affine{{0, 255}, {-128, 127}, {-128, 127}};
  // 16 bits, zero in the middle: the left levels less 32768.
  const OperandBounds middle{{-32768, 32767}, {-32768, 32767}, {-32768, 32767}};
  const Row rows[] = {
      {{{0, 63}, {-31, 32}, {-31, 32}},
       576,
       Kind::int32,
       1065220,
       "int32: 576 terms of at most 63 x 32 stay below 2^31"},
      // 255 * 255 = 65025, and 2147483647 / 65025 = 33025.5.
      {bytes, 33025, Kind::int32, 33025, "int32: 33025 terms of at most 255 x 255 stay below 2^31"},
      {bytes, 33026, Kind::runs, 33025,
       "int64: int32 holds runs of 33025 terms of at most 255 x 255, which are added up"},
      {affine, 65793, Kind::int32, 65793, "int32: 65793 terms of at most 255 x 128 stay below 2^31"},
      {affine, 131072, Kind::runs, 65793,
       "int64: int32 holds runs of 65793 terms of at most 255 x 128, which are added up"},
      // 4095 * 4095 * 128 = 2146435200 just fits: 12 bits are the widest that are not split.
      {{{0, 4095}, {0, 4095}, {0, 4095}},
       1000,
       Kind::runs,
       128,
       "int64: int32 holds runs of 128 terms of at most 4095 x 4095, which are added up"},
      // |-32768 * 256| * 255 = 2139095040 fits, 256 terms would be 2^31.
      {{{-32768, 32767}, {0, 65535}, {-65535, 0}},
       1000,
       Kind::split,
       255,
       "int64: right differences are split as 256 high + low, and int32 holds runs of 255 terms of at most 32768 x "
       "256, "
       "which are added up"},
      // -32768 * -32768 is 2^30: one term fits, two are 2^31. Halves: high in -128 .. 127, low to 255.
      {middle, 1, Kind::int32, 1, "int32: 1 terms of at most 32768 x 32768 stay below 2^31"},
      {middle, 2, Kind::split, 257,
       "int64: right differences are split as 256 high + low, and int32 holds runs of 257 terms of at most 32768 x "
       "255, "
       "which are added up"},
      // 3 * 65535 fits int32 but 65535 fits no int16.
      {{{0, 3}, {0, 3}, {0, 65535}},
       1,
       Kind::split,
       2807168,
       "int64: right differences are split as 256 high + low, and int32 holds runs of 2807168 terms of at most 3 x "
       "255, "
       "which are added up"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.words);
    const Accumulator plan = plan_accumulator(row.bounds, row.terms);
    CHECK(plan.kind == row.kind);
    CHECK(plan.run_terms == row.run_terms);
    CHECK(plan.describe() == row.words);
  }
  const OperandBounds huge{{0, 1 << 16}, {0, 1 << 16}, {0, 1 << 16}};
  CHECK_THROWS_AS(plan_accumulator(huge, int64_t{1} << 40), Error);
}

TEST_CASE("accumulator: every pair of widths is in int32 up to its largest safe number of terms and not beyond") {
  for (int lhs_bits = 2; lhs_bits <= 16; ++lhs_bits)
    for (int rhs_bits = 2; rhs_bits <= 16; ++rhs_bits) {
      CAPTURE(lhs_bits);
      CAPTURE(rhs_bits);
      const OperandBounds bounds = widest(lhs_bits, rhs_bits);
      const int64_t lhs = bounds.lhs_differences.high, rhs = bounds.rhs.high;
      const int64_t safe = kInt32Max / (lhs * rhs);
      if (rhs_bits < 16) CHECK((plan_accumulator(bounds, safe).kind == Kind::int32));
      const Accumulator beyond = plan_accumulator(bounds, safe + 1);
      CHECK((beyond.kind != Kind::int32));
      // The proof, once more: a run fits, one term more might not.
      const int64_t most =
          bounds.lhs.magnitude() * (beyond.kind == Kind::split ? std::max<int64_t>(rhs >> 8, 255) : rhs);
      CHECK(beyond.run_terms * most <= kInt32Max);
      CHECK((beyond.run_terms + 1) * most > kInt32Max);
      CHECK(beyond.run_terms >= gemm::kShortestRun);
    }
}

TEST_CASE("accumulator: sums of the largest products are exact at the last safe number of terms and past every run") {
  constexpr int64_t kLongest = 20000;  // terms that are run: longer sums are left to the proof
  std::atomic<int> run = 0, wrong = 0;
  test::for_each_isa([&] {
    parallel_for(15 * 15, 1, [&](int64_t begin, int64_t end) {
      for (int64_t pair = begin; pair < end; ++pair) {
        const int lhs_bits = static_cast<int>(2 + pair / 15), rhs_bits = static_cast<int>(2 + pair % 15);
        const OperandBounds bounds = widest(lhs_bits, rhs_bits);
        const int64_t safe = kInt32Max / (bounds.lhs_differences.high * bounds.rhs.high);
        const int64_t length = plan_accumulator(bounds, safe + 1).run_terms;
        for (const int64_t terms : {safe, safe + 1, length - 1, length, length + 1, 2 * length + 2}) {
          if (terms < 1 || terms > kLongest) continue;
          ++run;
          wrong += !extremes_are_exact(lhs_bits, rhs_bits, terms);
        }
      }
    });
  });
  CHECK(run >= 300);
  CHECK(wrong == 0);
}

TEST_CASE("accumulator: that of a product follows from its operands' grids, column by column") {
  const gemm::GatherProduct product = test::matrix_product(2, 576, 3, 576, true);
  test::LevelBuffer bytes(8, 3 * 576), words(16, 3 * 576);
  // About the middle: level - zero is -128 ... 127; the left levels count whole, 0 ... 255.
  CHECK(gemm::product_accumulator(product, bytes.levels(128), bytes.levels(128)).describe() ==
        "int32: 576 terms of at most 255 x 128 stay below 2^31");
  // A column about level 200 has differences to -200.
  const std::vector<int32_t> zeros{128, 200, 90};
  CHECK(gemm::product_accumulator(product, bytes.levels(128), bytes.levels(0, zeros)).describe() ==
        "int32: 576 terms of at most 255 x 200 stay below 2^31");
  const Accumulator wide = gemm::product_accumulator(product, words.levels(32768), words.levels(32768));
  CHECK(wide.kind == Kind::split);
  CHECK(wide.run_terms == 257);
}
