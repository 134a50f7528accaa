#include <algorithm>
#include <cmath>
#include <limits>

#include "quant/formats/format.h"

namespace fqt::quant {

Grid fit_affine(float low, float high, int bits) {
  const int top = (1 << bits) - 1;
  Grid grid{1.0f, 0, top};
  if (low == high) {
    // One value c: a step of |c| holds it exactly, one level from zero.
    if (low != 0) grid.scale = std::fabs(low);
    grid.zero = low < 0 ? 1 : 0;
    return grid;
  }
  const double bottom = std::min(low, 0.0f), width = std::max(high, 0.0f) - bottom;  // float64: may exceed float32
  grid.scale = std::max(static_cast<float>(width / top), std::numeric_limits<float>::min());
  grid.zero = static_cast<int>(std::clamp(std::nearbyint(-bottom / grid.scale), 0.0, static_cast<double>(top)));
  return grid;
}

}  // namespace fqt::quant
