#include "quant/rounding.h"

#include <doctest/doctest.h>

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "engine/check.h"
#include "quant/operand.h"

using namespace fqt;
using namespace fqt::quant;

TEST_CASE("rounding: names lead there and back") {
  for (int i = 0; i < kernels::kRoundings; ++i)
    CHECK(parse_rounding(rounding_name(static_cast<Rounding>(i))) == static_cast<Rounding>(i));
  CHECK_THROWS_WITH_AS(parse_rounding("up"), doctest::Contains("known: nearest, nearest_away, toward_zero, stochastic"),
                       Error);
}

TEST_CASE("rounding: injected words decide each draw, in every width and per channel") {
  // Fractions 1/4 on a grid of steps of 1: up where word + 1/2 < 16384.
  const Tensor values({4, 2}, std::vector<float>{0.25f, 1.25f, 2.25f, -0.75f, 0.25f, 1.25f, 2.25f, -0.75f});
  const std::vector<uint16_t> words{0, 16383, 16384, 65535, 16383, 16384, 0, 40000};
  const std::vector<int> floors{0, 1, 2, -1, 0, 1, 2, -1}, ups{1, 1, 0, 0, 1, 0, 1, 0};
  for (const int bits : {4, 12}) {
    const Grid grid{1.0f, 3, (1 << bits) - 1};
    const OperandPrecision precision{&find_format("affine"), bits, Rounding::stochastic};
    const gemm::PaddedImage plain{1, 1, 4, 2, 0, 0, 0, 0, 2};
    for (const std::vector<Grid>& grids : {std::vector{grid}, {grid, grid}}) {
      const Operand operand = encode(values, plain, precision, grids, Noise(words));
      for (size_t i = 0; i < 8; ++i) CHECK(operand.level(static_cast<int64_t>(i)) == floors[i] + ups[i] + 3);
    }
  }
  const OperandPrecision precision{&find_format("affine"), 4, Rounding::stochastic};
  CHECK_THROWS_WITH_AS(encode(values, {1, 1, 4, 2, 0, 0, 0, 0, 2}, precision, {{1.0f, 3, 15}},
                              Noise(std::span<const uint16_t>(words).first(7))),
                       doctest::Contains("7 words of noise for 8 elements"), Error);
}

TEST_CASE("rounding: no words are not the words of a stream") {
  const OperandPrecision precision{&find_format("affine"), 4, Rounding::stochastic};
  const Grid grid{1.0f, 3, 15};
  const Noise none{std::span<const uint16_t>()};
  for (const std::vector<Grid>& grids : {std::vector{grid}, {grid, grid}}) {
    try {
      encode(Tensor::full({4, 2}, 0.25f), {1, 1, 4, 2, 0, 0, 0, 0, 2}, precision, grids, none);
      FAIL("elements were rounded without words");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::usage);
      CHECK(std::string(error.what()) == "[encode] 0 words of noise for 8 elements; give one for each");
    }
    CHECK(encode(Tensor({0, 2}), {1, 1, 0, 2, 0, 0, 0, 0, 2}, precision, grids, none).size() == 0);
  }
}

TEST_CASE("rounding: 2^24 draws of a fixed seed are unbiased: |z| < 5 at every width") {
  // Values i/8192 + 1/3 steps from zero: the shares of ups add up to n * mean fraction, with the variance of n coins.
  constexpr int64_t kCount = 1 << 22;  // for each of four widths
  const gemm::PaddedImage plain{1, 1, kCount, 1, 0, 0, 0, 0, 1};
  for (const int bits : {3, 8, 12, 16}) {
    const int top = (1 << bits) - 1;
    const Grid grid{1.0f, top / 2, top};
    Tensor values({kCount});
    double expected = 0, variance = 0;
    for (int64_t i = 0; i < kCount; ++i) {
      const double fraction = static_cast<double>(i % 8192) / 8192;
      values.data()[i] = static_cast<float>(static_cast<double>(i % 5 - 2) + fraction);
      if (values.data()[i] > top - grid.zero) values.data()[i] = 0;  // 3 bits reach no further
      const double rest = values.data()[i] - std::floor(values.data()[i]);
      expected += rest;
      variance += rest * (1 - rest);
    }
    const Operand operand =
        encode(values, plain, {&find_format("affine"), bits, Rounding::stochastic}, {grid}, RandomKey{42, 7});
    double ups = 0;
    for (int64_t i = 0; i < kCount; ++i) ups += operand.level(i) - grid.zero - std::floor(values.data()[i]);
    CAPTURE(bits);
    CHECK(std::fabs(ups - expected) / std::sqrt(variance) < 5);
  }
}
