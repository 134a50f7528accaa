// Integer products whose sums an accumulator of few bits holds.
#include <algorithm>
#include <array>

#include "trainer/vectors/topics.h"

namespace fqt::trainer::vectors {
namespace {

/// Accumulators, and operands whose sums reach their ends.
struct Width {
  int accumulator, lhs, rhs;
};

constexpr Width kAccumulatorWidths[] = {{8, 2, 2},  {8, 4, 4},   {9, 4, 3},    {10, 4, 4},  {11, 5, 4},
                                        {12, 5, 5}, {14, 6, 6},  {16, 7, 7},   {16, 8, 8},  {18, 8, 8},
                                        {20, 9, 9}, {24, 12, 9}, {31, 15, 15}, {32, 16, 16}};
/// One term, one beyond the sum and a divisor are among them; 0: in order.
constexpr int64_t kChunks[] = {0, 1, 4, 5, 12, 100};
constexpr int64_t kTerms = 12;

Json accumulator_case(const quant::Quantized& lhs, const quant::Quantized& rhs,
                      const gemm::AccumulatorFormat& accumulator) {
  const quant::EmulatedSums emulated = quant::emulated_matmul(lhs, rhs, accumulator);
  return {{"lhs", operand_json(lhs)},
          {"rhs", operand_json(rhs)},
          {"accumulator_bits", accumulator.bits},
          {"accumulator_overflow", accumulator.saturate ? "saturate" : "wrap"},
          {"accumulator_chunk", accumulator.chunk},
          {"sums", emulated.sums},
          {"overflows", emulated.overflows}};
}

}  // namespace

std::vector<Json> accumulator_cases(uint64_t seed) {
  const std::vector<const quant::Format*> formats = integer_formats();
  std::vector<Json> cases;
  for (const Width& width : kAccumulatorWidths)
    for (const quant::Range& range : {quant::Range{-1, 1}, {0, 1}})  // sums to and fro, and sums that only grow
      for (const bool saturate : {false, true})
        for (const int64_t chunk : kChunks) {
          const size_t i = cases.size();
          const Tensor x = uniform({2, kTerms}, {0, 1}, random_key(seed, {9, i}));
          const Tensor w = uniform({kTerms, 3}, range, random_key(seed, {10, i}));
          quant::OperandPrecision rhs{formats[i / 2 % formats.size()], width.rhs};
          rhs.per_channel = i % 5 == 4;
          cases.push_back(accumulator_case(quant::quantize(x, {&quant::find_format("affine"), width.lhs}),
                                           quant::quantize(w, rhs), {width.accumulator, saturate, chunk}));
        }
  return cases;
}

}  // namespace fqt::trainer::vectors
