#pragma once

#include <vector>

#include "engine/gemm/geometry.h"

namespace fqt::test {

using Doubles = std::vector<double>;

/// The three products of a convolution in float64, as they are defined.
struct NaiveProducts {
  Doubles y, dx, dw;
};

/// x NHWC, w [kernel, kernel, C_in / groups, C_out], dy like y.
NaiveProducts naive_products(const ConvGeometry& geometry, const Doubles& x, const Doubles& w, const Doubles& dy);

/// A geometry for tests: `size` x (size + 1) pixels.
struct GeometryCase {
  int64_t size, in, out, kernel, stride, padding, groups = 1;
  ConvGeometry geometry() const;
};

/// Kernels 1, 2, 3 and 5, strides 1 to 3, channels on and off the multiples of 4 and 16, pixels that no tap reaches,
/// groups and depthwise.
inline constexpr GeometryCase kGeometries[] = {
    {6, 3, 16, 3, 1, 1},   {7, 16, 5, 3, 2, 1},    {6, 4, 18, 1, 2, 0},   {5, 7, 33, 1, 1, 0},
    {9, 2, 4, 5, 1, 2},    {8, 5, 3, 5, 2, 2},     {7, 3, 2, 2, 3, 0},    {5, 20, 6, 3, 1, 2},
    {6, 6, 9, 3, 1, 1, 3}, {7, 10, 4, 3, 2, 1, 2}, {6, 7, 7, 3, 2, 1, 7}, {7, 18, 18, 2, 3, 0, 18},
};

}  // namespace fqt::test
