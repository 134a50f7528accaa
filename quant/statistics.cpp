#include "quant/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "quant/operand.h"

namespace fqt::quant {
namespace {

constexpr int64_t kMostBins = 64;

/// Calls visit(element index, channel, place in the layout).
template <typename Visit>
void for_each_element(const gemm::PaddedImage& layout, const Visit& visit) {
  int64_t element = 0;
  for (int64_t n = 0; n < layout.batch; ++n)
    for (int64_t y = 0; y < layout.height; ++y)
      for (int64_t x = 0; x < layout.width; ++x)
        for (int64_t c = 0; c < layout.channels; ++c, ++element) visit(element, c, layout.offset(n, y, x) + c);
}

double decibels(double signal, double noise) {
  if (noise == 0) return std::numeric_limits<double>::infinity();
  return signal == 0 ? -std::numeric_limits<double>::infinity() : 10 * std::log10(signal / noise);
}

}  // namespace

OperandStatistics measure(const Tensor& values, const gemm::PaddedImage& layout, const OperandPrecision& precision,
                          const Operand& operand) {
  OperandStatistics result{.precision = precision, .grids = operand.grids};
  if (values.size() == 0) return result;
  const auto [low, high] = std::minmax_element(values.data(), values.data() + values.size());
  result.low = *low;
  result.high = *high;
  if (operand.is_float()) {
    result.sqnr_db = std::numeric_limits<double>::infinity();
    return result;
  }
  const int64_t levels = operand.grids.front().max_level + 1;
  std::vector<int64_t> counts(static_cast<size_t>(levels));
  int64_t clipped = 0;
  double signal = 0, noise = 0;
  for_each_element(layout, [&](int64_t element, int64_t channel, int64_t place) {
    const Grid& grid = operand.grids[operand.per_channel() ? static_cast<size_t>(channel) : 0];
    const double x = values.data()[element];
    const int level = operand.level(place);
    const double error = x - double{grid.scale} * (level - grid.zero);
    ++counts[static_cast<size_t>(level)];
    clipped += x < double{grid.scale} * -grid.zero || x > double{grid.scale} * (grid.max_level - grid.zero);
    signal += x * x;
    noise += error * error;
  });
  const double size = static_cast<double>(values.size());
  result.clip_rate = static_cast<double>(clipped) / size;
  result.levels_used =
      static_cast<double>(levels - std::count(counts.begin(), counts.end(), 0)) / static_cast<double>(levels);
  result.sqnr_db = decibels(signal, noise);
  const int64_t width = (levels + kMostBins - 1) / kMostBins;
  result.histogram.resize(static_cast<size_t>((levels + width - 1) / width));
  for (int64_t level = 0; level < levels; ++level)
    result.histogram[static_cast<size_t>(level / width)] += counts[static_cast<size_t>(level)];
  return result;
}

}  // namespace fqt::quant
