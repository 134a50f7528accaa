#include <algorithm>
#include <cmath>
#include <limits>

#include "quant/formats/format.h"

namespace fqt::quant {

Grid fit_symmetric(float low, float high, int bits) {
  const int top = (1 << (bits - 1)) - 1;
  Grid grid{1.0f, top, 2 * top};
  const float largest = std::max(std::fabs(low), std::fabs(high));
  if (largest == 0) return grid;
  // One value c: a step of |c| holds it exactly.
  grid.scale = low == high ? largest : std::max(covering_step(largest, top), std::numeric_limits<float>::min());
  return grid;
}

}  // namespace fqt::quant
