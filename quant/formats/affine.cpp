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
  const double bottom = std::min(low, 0.0f), above = std::max(high, 0.0f);
  const double width = above - bottom;  // float64: may exceed float32
  grid.scale = std::max(static_cast<float>(width / top), std::numeric_limits<float>::min());
  // A side that holds values has at least one level, however short it is.
  grid.zero = static_cast<int>(
      std::clamp(std::nearbyint(-bottom / grid.scale), bottom < 0 ? 1.0 : 0.0, above > 0 ? top - 1.0 : 1.0 * top));
  // Rounding the zero point shifts the grid by up to half a step. The step grows until it covers both ends again: a
  // clipped end would bias stochastic rounding.
  if (bottom < 0) grid.scale = std::max(grid.scale, covering_step(-bottom, grid.zero));
  if (above > 0) grid.scale = std::max(grid.scale, covering_step(above, top - grid.zero));
  return grid;
}

}  // namespace fqt::quant
