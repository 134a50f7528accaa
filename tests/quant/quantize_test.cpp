#include "quant/quantize.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "engine/check.h"
#include "support/random_tensor.h"

using namespace fqt;
using namespace fqt::quant;

TEST_CASE("quantize: codes, zero points and values, by hand") {
  const Tensor x({2, 2}, std::vector<float>{-1.0f, 0.0f, 0.5f, 2.0f});
  // 4 bits, affine over [-1, 2]: steps of 0.2 from level 5; codes run from -8, so the zero point is 5 - 8 = -3.
  const Quantized affine = quantize(x, {&find_format("affine"), 4});
  CHECK(affine.codes() == std::vector<int32_t>{-8, -3, -1, 7});  // 0.5 / 0.2 = 2.5 goes to the even 2, code -1
  CHECK(affine.operand.grids[0].zero_point() == -3);
  CHECK(affine.decode().data()[0] == -1.0f);
  // symmetric over 3.5: steps of 0.5; codes are the multiples themselves.
  const Tensor y({2, 2}, std::vector<float>{-1.25f, 0.0f, 0.5f, 3.5f});
  const Quantized symmetric = quantize(y, {&find_format("symmetric"), 4});
  CHECK(symmetric.codes() == std::vector<int32_t>{-2, 0, 1, 7});  // -2.5 goes to the even -2
  CHECK(symmetric.operand.grids[0].zero_point() == 0);
}

TEST_CASE("quantize: products of all widths equal the sums of decoded codes") {
  const Tensor a = test::random_tensor({5, 7}, 1, -1, 2), b = test::random_tensor({7, 3}, 2, -3, 1);
  for (int lhs_bits = kMinBits; lhs_bits <= kMaxBits; ++lhs_bits)
    for (int rhs_bits = kMinBits; rhs_bits <= kMaxBits; ++rhs_bits)
      for (const bool per_channel : {false, true}) {
        const Quantized x = quantize(a, {&find_format("affine"), lhs_bits});
        OperandPrecision how{&find_format("symmetric"), rhs_bits};
        how.per_channel = per_channel;
        const Quantized w = quantize(b, how);
        const std::vector<int64_t> sums = integer_matmul(x, w);
        const Tensor y = matmul(x, w);
        const std::vector<int32_t> xq = x.codes(), wq = w.codes();
        int wrong = 0;
        for (size_t i = 0; i < 5; ++i)
          for (size_t n = 0; n < 3; ++n) {
            const Grid& grid = w.operand.grids[per_channel ? n : 0];
            int64_t sum = 0;
            for (size_t k = 0; k < 7; ++k)
              sum += int64_t{xq[i * 7 + k] - x.operand.grids[0].zero_point()} * (wq[k * 3 + n] - grid.zero_point());
            wrong += sums[i * 3 + n] != sum;
            const double scale = double{x.operand.grids[0].scale} * double{grid.scale};
            wrong += y.data()[i * 3 + n] != static_cast<float>(static_cast<double>(sum) * scale);
          }
        CHECK(wrong == 0);
      }
}

TEST_CASE("quantize: a product in an accumulator of few bits, by hand") {
  // Steps of 1: 7 * 7 = 49 three times is 147, which 8 bits do not hold; less 56 it is 91.
  const OperandPrecision four{&find_format("affine"), 4};
  const Quantized x = quantize(Tensor({1, 4}, std::vector<float>{7, 7, 7, -8}), four);
  const Quantized w = quantize(Tensor({4, 2}, std::vector<float>{7, 0, 7, 1, 7, -8, 7, 0}), four);
  CHECK(integer_matmul(x, w) == std::vector<int64_t>{91, -49});
  const auto held = [&](const gemm::AccumulatorFormat& format) {
    const EmulatedSums result = emulated_matmul(x, w, format);
    return std::pair(result.sums, result.overflows);
  };
  using Expected = std::pair<std::vector<int64_t>, int64_t>;
  CHECK(held({8, false, 0}) == Expected{{91, -49}, 2});  // wraps there and back
  CHECK(held({8, true, 0}) == Expected{{71, -49}, 1});
  CHECK(held({8, true, 2}) == Expected{{91, -49}, 0});  // 98 - 7
  CHECK(held({9, false, 0}) == Expected{{91, -49}, 0});
  CHECK_THROWS_AS(emulated_matmul(x, w, {7, false, 0}), Error);
}

TEST_CASE("quantize: bad input") {
  const Tensor x({2, 2}, std::vector<float>{1, 2, 3, std::numeric_limits<float>::quiet_NaN()});
  CHECK_THROWS_WITH_AS(quantize(x, {&find_format("affine"), 4}), doctest::Contains("NaN or infinity"), Error);
  CHECK_THROWS_WITH_AS(quantize(Tensor::zeros({2}), {&find_format("fp32"), 4}), doctest::Contains("no codes"), Error);
  const Quantized a = quantize(Tensor::zeros({2, 3}), {&find_format("affine"), 4});
  CHECK_THROWS_WITH_AS(matmul(a, a), doctest::Contains("shapes [2, 3] and [2, 3] do not multiply"), Error);
  const Quantized none = quantize(Tensor::zeros({0}), {&find_format("affine"), 4});
  CHECK(none.codes().empty());
  OperandPrecision per_channel{&find_format("affine"), 4};
  per_channel.per_channel = true;
  CHECK(quantize(Tensor::zeros({3, 0}), per_channel).codes().empty());
}
