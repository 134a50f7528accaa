#pragma once

#include <cstdint>

namespace fqt {

/// The matrix product behind a convolution of an NHWC image batch, or of a plain matrix (one row of M pixels). Output
/// channels fall into `groups` equal runs; each is computed from the matching run of input channels alone, so that
/// weights are [kernel, kernel, in_channels / groups, out_channels]. groups = in_channels is a depthwise convolution.
struct ConvGeometry {
  int64_t batch = 1, height = 1, width = 1, in_channels = 1;
  int64_t out_channels = 1;
  int64_t kernel = 1, stride = 1, padding = 0;
  int64_t groups = 1;

  /// The product [rows x depth] * [depth x columns].
  static ConvGeometry matrix(int64_t rows, int64_t depth, int64_t columns);

  int64_t out_height() const { return (height + 2 * padding - kernel) / stride + 1; }
  int64_t out_width() const { return (width + 2 * padding - kernel) / stride + 1; }
  int64_t m() const { return batch * out_height() * out_width(); }  ///< rows of the forward product
  int64_t n() const { return out_channels; }                        ///< its columns
  int64_t k() const { return kernel * kernel * group_in(); }        ///< terms of its sums
  int64_t group_in() const { return in_channels / groups; }         ///< input channels of a group
  int64_t group_out() const { return out_channels / groups; }       ///< output channels of a group
  /// Error(usage) naming `where`, for extents below 1, channels that do not divide into the groups, a kernel larger
  /// than the padded image, or more than 2^31 - 1 elements in an operand.
  void check(const char* where) const;

  bool operator==(const ConvGeometry&) const = default;
};

}  // namespace fqt
