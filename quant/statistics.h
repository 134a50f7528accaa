#pragma once

#include <cstdint>
#include <vector>

#include "engine/gemm/gather.h"
#include "engine/tensor.h"
#include "quant/precision.h"

namespace fqt::quant {

struct Operand;

/// How well a grid holds the values of an operand.
struct OperandStatistics {
  OperandPrecision precision;
  float low = 0, high = 0;              ///< extremes of the values
  std::vector<Grid> grids;              ///< one, or one a channel
  double clip_rate = 0;                 ///< share of the values outside their grid
  double levels_used = 0;               ///< share of a grid's levels that some value was rounded to
  double sqnr_db = 0;                   ///< 10 log10(sum x^2 / sum (x - decoded x)^2); infinite where nothing is lost
  std::vector<int64_t> histogram = {};  ///< values by level, in at most 64 equal bins
};

/// Looks at every element of an operand that encode() made from `values`. fp32 loses nothing and has no grid.
OperandStatistics measure(const Tensor& values, const gemm::PaddedImage& layout, const OperandPrecision& precision,
                          const Operand& operand);

}  // namespace fqt::quant
