#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "quant/formats/format.h"

namespace fqt::quant {

struct Range {
  float low = 0, high = 0;
};

/// What an estimator may look at.
struct RangeInput {
  std::span<const float> values;  ///< at least one, all finite
  Range extremes;                 ///< the smallest and the largest of them
  int64_t samples = 1;            ///< equal parts that `values` consists of, one for each sample of a batch
  const Format* format = nullptr;
  int bits = 8;
  double percentile = 99.9;  ///< share of the values, in percent, that lie within
};

/// Where the grid of an operand is laid. Values outside are clipped to its ends.
struct RangeEstimator {
  std::string_view name;
  std::string_view description;
  Range (*estimate)(const RangeInput& input);
  /// In training, too, the grid lies over the running average of the estimates.
  bool running = false;
};

/// extremes, sample_mean, running, percentile, mse.
std::span<const RangeEstimator> range_estimators();
/// Error(usage) naming the known ones where there is none of this name.
const RangeEstimator& find_range_estimator(std::string_view name);

// The rows of the table that need more than a line, one file each.

/// The mean of each sample's smallest value and the mean of each sample's largest (Banner et al. 2018, later code).
Range estimate_sample_mean(const RangeInput& input);
/// With n sorted values and t = floor((100 - percentile) * (n - 1) / 200): values t and n - 1 - t.
Range estimate_percentile(const RangeInput& input);
/// Of the extremes shrunk to k/64, k = 1 ... 64, the one whose grid has the least squared error under nearest rounding;
/// the largest where several have it. Errors are taken at the centres of 2048 bins between the extremes; zeros, which
/// every grid holds exactly, are left out.
Range estimate_mse(const RangeInput& input);

}  // namespace fqt::quant
