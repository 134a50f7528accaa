#include <algorithm>
#include <vector>

#include "quant/ranges/estimator.h"

namespace fqt::quant {

Range estimate_percentile(const RangeInput& input) {
  std::vector<float> values(input.values.begin(), input.values.end());
  const double tail = (100 - input.percentile) * static_cast<double>(values.size() - 1) / 200;
  const auto low = values.begin() + static_cast<int64_t>(tail), high = values.end() - 1 - static_cast<int64_t>(tail);
  std::nth_element(values.begin(), low, values.end());
  const float lowest = *low;
  std::nth_element(low, high, values.end());  // what stands before `low` is no larger
  return {lowest + 0.0f, *high + 0.0f};       // -0 becomes 0
}

}  // namespace fqt::quant
