#pragma once

#include <cstdint>

namespace fqt {

/// The matrix product behind a convolution of an NHWC image batch, or of a plain matrix (one row of M pixels).
struct ConvGeometry {
  int64_t batch = 1, height = 1, width = 1, in_channels = 1;
  int64_t out_channels = 1;
  int64_t kernel = 1, stride = 1, padding = 0;

  /// The product [rows x depth] * [depth x columns].
  static ConvGeometry matrix(int64_t rows, int64_t depth, int64_t columns);

  int64_t out_height() const { return (height + 2 * padding - kernel) / stride + 1; }
  int64_t out_width() const { return (width + 2 * padding - kernel) / stride + 1; }
  int64_t m() const { return batch * out_height() * out_width(); }  ///< rows of the forward product
  int64_t n() const { return out_channels; }                        ///< its columns
  int64_t k() const { return kernel * kernel * in_channels; }       ///< terms of its sums
  /// Error(usage) naming `where`, for extents below 1, a kernel larger than the padded image, or more than 2^31 - 1
  /// elements in an operand.
  void check(const char* where) const;
};

}  // namespace fqt
