// Values on a grid over a given range: every width, every rounding.
#include <algorithm>
#include <cmath>
#include <limits>

#include "trainer/vectors/topics.h"

namespace fqt::trainer::vectors {
namespace {

constexpr float kLargest = std::numeric_limits<float>::max(), kSmallest = std::numeric_limits<float>::min();
constexpr float kDenormal = std::numeric_limits<float>::denorm_min();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

constexpr quant::Range kRanges[] = {
    {0, 0},  // nothing but zeros
    {1.5f, 1.5f},
    {-0.3f, -0.3f},    // one value
    {1e-42f, 1e-42f},  // one denormal
    {-1, 1},
    {-1, 1e-20f},  // a side far shorter than a step
    {-1, 2},       // both sides
    {0, 6},
    {-3, 0},  // one side
    {0.5f, 4},
    {-4, -0.25f},  // real 0 outside
    {-0.001f, 1},
    {-1, 1e-6f},        // one side shorter than a step
    {-1e-40f, 3e-39f},  // denormal: the scale's least value
    {-3e38f, 3.3e38f},  // wider than float32
};
constexpr uint64_t kRandomRanges = 3;

/// Zeros, the ends of the range and beyond, halves between levels and their neighbours, levels, and anything.
std::vector<float> values_around(const quant::Grid& grid, const quant::Range& range, const RandomKey& key) {
  std::vector<float> values{0.0f,
                            -0.0f,
                            kDenormal,
                            -kDenormal,
                            kSmallest,
                            -kSmallest,
                            1.0f,
                            -1.0f,
                            kLargest,
                            -kLargest,
                            range.low,
                            range.high,
                            2 * range.low,
                            2 * range.high,
                            std::nextafterf(range.low, -kInfinity),
                            std::nextafterf(range.high, kInfinity)};
  for (const int level : {0, grid.zero - 1, grid.zero, grid.zero + 1, grid.max_level - 1}) {
    const float half = grid.scale * (static_cast<float>(level - grid.zero) + 0.5f);
    values.insert(values.end(), {std::nextafterf(half, -kInfinity), half, std::nextafterf(half, kInfinity)});
  }
  for (const int level : {0, grid.max_level}) values.push_back(grid.value(level));
  const float width = range.high * 0.5f - range.low * 0.5f;
  for (uint64_t i = 0; i < 8; ++i) values.push_back(range.low + width * (2.4f * random_uniform(key, i) - 0.2f));
  std::erase_if(values, [](float value) { return !std::isfinite(value); });
  return values;
}

/// The words at which rounding turns: the ends, those about a half, and that at the threshold of the value itself.
std::vector<uint16_t> words_for(const std::vector<float>& values, const quant::Grid& grid) {
  std::vector<uint16_t> words;
  for (size_t i = 0; i < values.size(); ++i) {
    const float ratio = values[i] / grid.scale, fraction = ratio - std::floor(ratio);
    const float threshold =
        std::isfinite(ratio) ? std::clamp(fraction * 65536 - static_cast<float>(i % 2), 0.0f, 65535.0f) : 0;
    const uint16_t choices[] = {0, 65535, 32767, 32768, static_cast<uint16_t>(threshold)};
    words.push_back(choices[i % std::size(choices)]);
  }
  return words;
}

Json grid_case(const quant::Format& format, int bits, const quant::Range& range, const RandomKey& key) {
  quant::OperandPrecision precision{&format, bits};
  const std::vector<quant::Grid> grids = quant::fit_grids(precision, {&range, 1});
  const quant::Grid& grid = grids.front();
  const std::vector<float> values = values_around(grid, range, key);
  const std::vector<uint16_t> words = words_for(values, grid);
  const Shape shape{static_cast<int64_t>(values.size())};

  Json json{{"bits", bits}};
  put(json, "low", range.low);
  put(json, "high", range.high);
  put(json, "scale", grid.scale);
  json["zero_point"] = grid.zero_point();
  put(json, "values", values);
  json["words"] = words;
  for (const quant::Rounding rounding : kRoundings) {
    precision.rounding = rounding;
    const gemm::PaddedImage layout{1, 1, 1, shape[0], 0, 0, 0, 0, shape[0]};
    const quant::Quantized quantized{
        shape, precision, quant::encode(Tensor(shape, values), layout, precision, grids, quant::Noise(words))};
    Json& result = json["results"][std::string(quant::rounding_name(rounding))];
    result["codes"] = quantized.codes();
    put_bits(result, "decoded", quantized.decode().values());
  }
  return json;
}

}  // namespace

std::vector<Json> grid_cases(const quant::Format& format, uint64_t seed) {
  std::vector<quant::Range> ranges(std::begin(kRanges), std::end(kRanges));
  const RandomKey key = random_key(seed, {1});
  for (uint64_t i = 0; i < kRandomRanges; ++i)
    ranges.push_back({-4 * random_uniform(key, 2 * i), 4 * random_uniform(key, 2 * i + 1)});
  std::vector<Json> cases;
  for (int bits = quant::kMinBits; bits <= quant::kMaxBits; ++bits)
    for (const quant::Range& range : ranges)
      cases.push_back(grid_case(format, bits, range, random_key(seed, {2, cases.size()})));
  return cases;
}

}  // namespace fqt::trainer::vectors
