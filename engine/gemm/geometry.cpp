#include "engine/gemm/geometry.h"

#include <limits>

#include "engine/check.h"

namespace fqt {

ConvGeometry ConvGeometry::matrix(int64_t rows, int64_t depth, int64_t columns) {
  ConvGeometry geometry;
  geometry.width = rows;
  geometry.in_channels = depth;
  geometry.out_channels = columns;
  return geometry;
}

void ConvGeometry::check(const char* where) const {
  fqt::check(
      batch >= 1 && height >= 1 && width >= 1 && in_channels >= 1 && out_channels >= 1 && kernel >= 1 && stride >= 1 &&
          padding >= 0 && groups >= 1,
      "[{}] every extent must be at least 1: batch {}, image {}x{}x{}, {} output channels, kernel {}, stride {}, "
      "padding {}, {} groups",
      where, batch, height, width, in_channels, out_channels, kernel, stride, padding, groups);
  fqt::check(in_channels % groups == 0 && out_channels % groups == 0,
             "[{}] {} input and {} output channels do not divide into {} groups", where, in_channels, out_channels,
             groups);
  fqt::check(height + 2 * padding >= kernel && width + 2 * padding >= kernel,
             "[{}] a kernel of {} does not fit an image of {}x{} with padding {}", where, kernel, height, width,
             padding);
  // Offsets are int32; the kernel bounds the borders of every layout, and a planar row (PlanarImage::row) is rounded up
  // to the stride and may be widened by 64 for each remainder.
  const double pixels = static_cast<double>(batch) * static_cast<double>(height + 2 * (padding + kernel)) *
                        static_cast<double>(width + 2 * (padding + kernel) + 65 * stride);
  const double widest = static_cast<double>(in_channels > out_channels ? in_channels : out_channels) + 4;
  const double weights = static_cast<double>(kernel) * static_cast<double>(kernel) * static_cast<double>(group_in()) *
                         static_cast<double>(out_channels);
  constexpr double kLimit = std::numeric_limits<int32_t>::max();
  fqt::check(
      pixels * widest <= kLimit && weights <= kLimit,
      "[{}] a batch of {} images of {}x{}x{} to {} channels has more than 2^31 - 1 elements; use a smaller batch",
      where, batch, height, width, in_channels, out_channels);
}

}  // namespace fqt
