#pragma once

#include <span>
#include <string_view>

#include "engine/random.h"
#include "engine/tensor.h"
#include "quant/quantize.h"
#include "trainer/exact.h"
#include "trainer/vectors/vectors.h"

namespace fqt::trainer::vectors {

// The topics.
std::vector<Json> grid_cases(const quant::Format& format, uint64_t seed);
std::vector<Json> range_cases(uint64_t seed);
std::vector<Json> running_range_cases(uint64_t seed);
std::vector<Json> tensor_cases(uint64_t seed);
std::vector<Json> philox_cases(uint64_t seed);
std::vector<Json> product_cases(uint64_t seed);
std::vector<Json> accumulator_cases(uint64_t seed);

// How floats are put: json[key] for people, json[key + "_bits"] for programs.
void put(Json& json, const std::string& key, float value);
void put(Json& json, const std::string& key, std::span<const float> values);
/// The second of the two alone.
void put_bits(Json& json, const std::string& key, std::span<const float> values);
/// "scale" and "zero_point", lists of one or of one for each channel.
void put_grids(Json& json, const std::vector<quant::Grid>& grids);

/// The codes of a product's operand and how to read them.
Json operand_json(const quant::Quantized& quantized);

/// Values that are anything from low to high.
Tensor uniform(const Shape& shape, const quant::Range& range, const RandomKey& key);
/// Values like a layer's: mostly small, a few larger; every ninth is 0.
Tensor layer_like(const Shape& shape, const RandomKey& key);

/// Formats that are integers.
std::vector<const quant::Format*> integer_formats();

inline constexpr quant::Rounding kRoundings[] = {quant::Rounding::nearest, quant::Rounding::nearest_away,
                                                 quant::Rounding::toward_zero, quant::Rounding::stochastic};
static_assert(std::size(kRoundings) == kernels::kRoundings);

}  // namespace fqt::trainer::vectors
