// Where grids are laid, and the words of stochastic rounding.
#include <fmt/format.h>

#include <algorithm>

#include "engine/kernels/table.h"
#include "quant/range.h"
#include "trainer/vectors/topics.h"

namespace fqt::trainer::vectors {
namespace {

constexpr double kPercentiles[] = {50, 90, 99, 99.9, 100};
constexpr int kWidths[] = {2, 3, 4, 8, 12, 16};

/// What an estimator reads beside the values: one way for each that matters to it.
std::vector<quant::OperandPrecision> ways(const quant::RangeEstimator& range) {
  std::vector<quant::OperandPrecision> list;
  const auto add = [&](const quant::Format* format, int bits, double percentile) {
    list.push_back({format, bits, quant::Rounding::nearest, &range, percentile});
  };
  const quant::Format* const any = integer_formats().front();
  if (range.name == "percentile") {
    for (const double percentile : kPercentiles) add(any, 8, percentile);
  } else if (range.name == "mse") {
    for (const quant::Format* format : integer_formats())
      for (const int bits : kWidths) add(format, bits, 100);
  } else {
    add(any, 8, 100);
  }
  return list;
}

Json range_case(const Tensor& values) {
  static const std::string site = "vectors";
  Json json{{"shape", values.shape()}};
  put(json, "values", values.values());
  Json& estimates = json["estimates"] = Json::array();
  for (const quant::RangeEstimator& estimator : quant::range_estimators()) {
    if (estimator.running) continue;
    for (const quant::OperandPrecision& way : ways(estimator)) {
      const quant::Range range = quant::estimate_range(values.values(), values.dim(0), way, {"an element", site, 0});
      Json estimate{{"range", estimator.name}};
      if (estimator.name == "percentile") estimate["percentile"] = way.percentile;
      if (estimator.name == "mse") estimate.update({{"format", way.format->name}, {"bits", way.bits}});
      put(estimate, "low", range.low);
      put(estimate, "high", range.high);
      estimates.push_back(std::move(estimate));
    }
  }
  return json;
}

}  // namespace

std::vector<Json> range_cases(uint64_t seed) {
  std::vector<Json> cases;
  for (const std::vector<float>& row :
       {std::vector<float>{0, 0, -0.0f, 0}, {2.5f, 2.5f}, {-7}, {-0.0f, 3}, {1e-42f, -3e-43f, 0}, {-3e38f, 3e38f, 1}})
    cases.push_back(range_case(Tensor({1, static_cast<int64_t>(row.size())}, row)));
  for (const Shape& shape : {Shape{1, 5}, {2, 2}, {7, 9}, {4, 64}, {2, 501}}) {
    Tensor values = layer_like(shape, random_key(seed, {3, cases.size()}));
    cases.push_back(range_case(values));
    for (float& value : values.values()) value = std::max(value, 0.0f);  // what a ReLU leaves
    cases.push_back(range_case(values));
  }
  return cases;
}

std::vector<Json> running_range_cases(uint64_t seed) {
  std::vector<Json> cases;
  for (const double momentum : {0.9, 0.1, 0.0, 1.0}) {
    Tensor running = Tensor::zeros({2});
    std::vector<float> low, high, running_low, running_high;
    const RandomKey key = random_key(seed, {4, cases.size()});
    for (uint64_t step = 0; step < 8; ++step) {
      low.push_back(-random_uniform(key, 2 * step));
      high.push_back(3 * random_uniform(key, 2 * step + 1));
      quant::update_running(running, {low.back(), high.back()}, momentum);
      running_low.push_back(running.data()[0]);
      running_high.push_back(running.data()[1]);
    }
    Json json;
    put(json, "momentum", static_cast<float>(momentum));
    put(json, "low", low);
    put(json, "high", high);
    put(json, "running_low", running_low);
    put(json, "running_high", running_high);
    cases.push_back(std::move(json));
  }
  return cases;
}

std::vector<Json> philox_cases(uint64_t seed) {
  struct Place {
    uint64_t seed, stream, block;
    int64_t blocks;
  };
  const std::vector<Place> places{
      // The authors' known answers: all zeros, all ones, the digits of pi.
      {0, 0, 0, 1},
      {~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}, 1},
      {0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88, 1},
      // Many at once; blocks whose number carries into its upper half.
      {seed, 0, 0, 37},
      {seed, 1, 5, 3},
      {seed, random_key(seed, {5}).stream, 0xffffffff - 2, 20},
      {~seed, ~uint64_t{0}, uint64_t{1} << 40, 2},
  };
  const auto hexadecimal = [](uint64_t number) { return fmt::format("{:016x}", number); };
  std::vector<Json> cases;
  for (const Place& place : places) {
    std::vector<uint16_t> words(static_cast<size_t>(8 * place.blocks));
    kernels::active().codes.random_words({place.seed, place.stream}, place.block, place.blocks, words.data());
    cases.push_back({{"seed", hexadecimal(place.seed)},
                     {"stream", hexadecimal(place.stream)},
                     {"first_block", hexadecimal(place.block)},
                     {"words", words}});
  }
  return cases;
}

}  // namespace fqt::trainer::vectors
