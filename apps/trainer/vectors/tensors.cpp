// Whole tensors, from values to codes; and products of two.
#include "quant/range.h"
#include "trainer/vectors/topics.h"

namespace fqt::trainer::vectors {
namespace {

constexpr int kAllWidths = quant::kMaxBits - quant::kMinBits + 1;

Json tensor_case(const Tensor& values, const quant::OperandPrecision& precision, uint64_t seed) {
  const quant::Quantized quantized = quant::quantize(values, precision, RandomKey{seed, 0});
  Json json{{"shape", values.shape()},
            {"format", precision.format->name},
            {"bits", precision.bits},
            {"rounding", quant::rounding_name(precision.rounding)},
            {"range", precision.range->name},
            {"percentile", precision.percentile},
            {"per_channel", precision.per_channel},
            {"seed", seed}};
  put(json, "values", values.values());
  put_grids(json, quantized.operand.grids);
  json["codes"] = quantized.codes();
  put_bits(json, "decoded", quantized.decode().values());
  return json;
}

Json product_case(const quant::Quantized& lhs, const quant::Quantized& rhs) {
  Json json{{"lhs", operand_json(lhs)}, {"rhs", operand_json(rhs)}, {"sums", quant::integer_matmul(lhs, rhs)}};
  put_bits(json, "result", quant::matmul(lhs, rhs).values());
  return json;
}

/// All `value` but for one 0: levels at one end of an affine grid, and its other end.
Tensor one_sided(const Shape& shape, float value) {
  Tensor tensor = Tensor::full(shape, value);
  tensor.data()[tensor.size() / 2] = 0;
  return tensor;
}

}  // namespace

std::vector<Json> tensor_cases(uint64_t seed) {
  const std::vector<Tensor> tensors{
      Tensor::zeros({2, 3}),
      Tensor::full({2, 2}, -0.0f),
      Tensor::full({5}, 0.7f),
      Tensor::full({2, 2}, -3.0f),
      Tensor::full({1}, 1e-42f),
      Tensor::scalar(-2.5f),
      Tensor({0, 3}),
      Tensor({0}),
      layer_like({1, 7}, random_key(seed, {6, 0})),
      layer_like({6, 5}, random_key(seed, {6, 1})),
      layer_like({3, 2, 1}, random_key(seed, {6, 2})),
      layer_like({2, 3, 2, 4}, random_key(seed, {6, 3})),
  };
  std::vector<const quant::RangeEstimator*> ranges;
  for (const quant::RangeEstimator& range : quant::range_estimators())
    if (!range.running) ranges.push_back(&range);
  std::vector<Json> cases;
  for (const Tensor& values : tensors)
    for (const quant::Format* format : integer_formats())
      for (const quant::Rounding rounding : kRoundings)
        for (const bool per_channel : {false, true}) {
          if (per_channel && values.rank() > 0 && values.dim(-1) == 0) continue;  // no channels
          // Widths and ranges take turns, out of step with the loops.
          const size_t i = cases.size();
          quant::OperandPrecision precision{format, quant::kMinBits + static_cast<int>(7 * i % kAllWidths), rounding,
                                            ranges[i / 3 % ranges.size()], i % 2 ? 90.0 : 99.9};
          precision.per_channel = per_channel;
          cases.push_back(tensor_case(values, precision, seed + i));
        }
  return cases;
}

std::vector<Json> product_cases(uint64_t seed) {
  struct Extents {
    int64_t m, k, n;
  };
  constexpr Extents kExtents[] = {{3, 5, 4}, {1, 1, 1}, {2, 7, 3}, {5, 3, 1}, {4, 4, 4}, {1, 9, 2}, {3, 2, 5}};
  constexpr quant::Range kRanges[] = {{-1, 1}, {0, 3}, {-1, 2}, {-4, 0.5f}, {-2, 0}};
  const std::vector<const quant::Format*> formats = integer_formats();
  std::vector<Json> cases;
  for (int lhs_bits = quant::kMinBits; lhs_bits <= quant::kMaxBits; ++lhs_bits)
    for (int rhs_bits = quant::kMinBits; rhs_bits <= quant::kMaxBits; ++rhs_bits) {
      const size_t i = cases.size();
      const Extents& extents = kExtents[i % std::size(kExtents)];
      const quant::OperandPrecision lhs{formats[i % formats.size()], lhs_bits};
      quant::OperandPrecision rhs{formats[i / 3 % formats.size()], rhs_bits};
      rhs.per_channel = i % 4 == 3;
      const Tensor x = uniform({extents.m, extents.k}, kRanges[i % std::size(kRanges)], random_key(seed, {7, i}));
      const Tensor w = uniform({extents.k, extents.n}, kRanges[i / 2 % std::size(kRanges)], random_key(seed, {8, i}));
      cases.push_back(product_case(quant::quantize(x, lhs), quant::quantize(w, rhs)));
    }
  // The largest sums of either sign: at 16 bits well beyond 2^31, at 8 bits beyond what 16-bit pairs can hold.
  for (int bits = quant::kMinBits; bits <= quant::kMaxBits; ++bits)
    for (const float sign : {1.0f, -1.0f}) {
      const quant::OperandPrecision precision{&quant::find_format("affine"), bits};
      cases.push_back(product_case(quant::quantize(one_sided({2, 33}, 1.0f), precision),
                                   quant::quantize(one_sided({33, 3}, sign), precision)));
    }
  return cases;
}

}  // namespace fqt::trainer::vectors
