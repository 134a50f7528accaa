#include <algorithm>
#include <array>
#include <cmath>

#include "quant/ranges/estimator.h"

namespace fqt::quant {
namespace {

constexpr int kBins = 2048;
constexpr int kCandidates = 64;

/// Values other than 0, counted in equal bins between the extremes.
struct Histogram {
  double low, step;
  std::array<int64_t, kBins> counts{};

  double centre(int bin) const { return low + (bin + 0.5) * step; }
};

Histogram count_values(const RangeInput& input) {
  const double low = input.extremes.low;
  Histogram histogram{low, (input.extremes.high - low) / kBins};
  for (const float value : input.values)
    if (value != 0)
      ++histogram.counts[static_cast<size_t>(std::clamp((value - low) / histogram.step, 0.0, kBins - 1.0))];
  return histogram;
}

/// Sum over the bins of the squared distance to the nearest level.
double squared_error(const Histogram& histogram, const Grid& grid) {
  double error = 0;
  for (int bin = 0; bin < kBins; ++bin) {
    const int64_t count = histogram.counts[static_cast<size_t>(bin)];
    if (count == 0) continue;
    const double ratio =
        std::clamp(histogram.centre(bin) / grid.scale, -1.0 * grid.zero, 1.0 * grid.max_level - grid.zero);
    const double distance = histogram.centre(bin) - std::nearbyint(ratio) * grid.scale;
    error += static_cast<double>(count) * distance * distance;
  }
  return error;
}

}  // namespace

Range estimate_mse(const RangeInput& input) {
  const Range whole = input.extremes;
  if (whole.low == whole.high) return whole;
  const Histogram histogram = count_values(input);
  Range best = whole;
  double least = 0;
  for (int k = kCandidates; k >= 1; --k) {
    const float share = static_cast<float>(k) / kCandidates;
    const Range range{whole.low * share, whole.high * share};
    const double error = squared_error(histogram, input.format->fit(range.low, range.high, input.bits));
    if (k < kCandidates && error >= least) continue;
    best = range;
    least = error;
  }
  return best;
}

}  // namespace fqt::quant
