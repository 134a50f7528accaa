#pragma once

#include <cstdint>
#include <vector>

#include "engine/gemm/geometry.h"

namespace fqt::gemm {

/// The left operand of a product, read where it lies. Row i's terms are `segments.size()` runs of `length` contiguous
/// elements: element (i, s, j) is data[rows[i] + segments[s] + j].
struct LhsGather {
  std::vector<int32_t> rows;
  std::vector<int32_t> segments;
  int64_t length = 0;
};

/// The right operand: term (s, j) of column n is data[segments[s] + j * term_stride + n * column_stride]. Each run of
/// `length` terms is filled up with zeros to `padded_length`.
struct RhsGather {
  std::vector<int32_t> segments;
  int64_t length = 0;
  int64_t padded_length = 0;
  int64_t term_stride = 1;
  int64_t column_stride = 1;
  int64_t columns = 0;
};

/// An NHWC image batch with a border of zeros on each side and channels filled up to a multiple of the group.
struct PaddedImage {
  int64_t batch, height, width, channels;  ///< without border
  int64_t top = 0, left = 0, bottom = 0, right = 0;
  int64_t pixel = 0;  ///< elements from one pixel to the next, >= channels

  int64_t padded_height() const { return height + top + bottom; }
  int64_t padded_width() const { return width + left + right; }
  int64_t size() const { return batch * padded_height() * padded_width() * pixel; }
  /// Offset of pixel (n, y, x); y and x may lie in the border.
  int64_t offset(int64_t n, int64_t y, int64_t x) const {
    return ((n * padded_height() + y + top) * padded_width() + x + left) * pixel;
  }
  /// True where the elements are those of the plain tensor, in its order.
  bool plain() const { return top + left + bottom + right == 0 && pixel == channels; }
};

/// The same elements, one channel after another within an image, so that neighbours along a row are contiguous. Columns
/// are split by their remainder modulo `stride`: [batch, channels, stride, padded height, row()], row() >= padded width
/// / stride.
struct PlanarImage {
  PaddedImage source;
  int64_t stride = 1;

  /// Elements from one image row to the next. Never a multiple of 512: the same pixel of neighbouring channels would
  /// share a cache set.
  int64_t row() const {
    const int64_t width = (source.padded_width() + stride - 1) / stride;
    return width % 512 == 0 ? width + 64 : width;
  }
  int64_t plane() const { return source.padded_height() * row(); }
  int64_t size() const { return source.batch * source.channels * stride * plane(); }
};

/// One product: where its operands' elements lie and where its rows go.
struct GatherProduct {
  LhsGather lhs;
  RhsGather rhs;
  /// Offset of each result row in the output; empty: row i starts at i * rhs.columns.
  std::vector<int32_t> out_rows;
  int64_t terms = 0;  ///< of each sum
};

/// The padded image the forward product reads X from, and grad_rhs after it. `group`: see kernels::kGroup.
PaddedImage forward_image(const ConvGeometry& geometry, int group);
/// The padded image both backward products read dY from.
PaddedImage gradient_image(const ConvGeometry& geometry, int group);

/// Y = X * W: X in forward_image, W as [kernel, kernel, C_in, C_out].
GatherProduct forward_product(const ConvGeometry& geometry, const PaddedImage& x);

/// dX = dY * W^T, dY in gradient_image. With stride s the pixels of X fall into s * s classes by which taps of the
/// kernel reach them; each class is one product without a wasted term. Pixels no tap reaches are in no product.
std::vector<GatherProduct> grad_lhs_products(const ConvGeometry& geometry, const PaddedImage& dy);

/// dW = X^T * dY: X in the planar form of forward_image, dY in gradient_image.
GatherProduct grad_rhs_product(const ConvGeometry& geometry, const PlanarImage& x, const PaddedImage& dy, int group);

}  // namespace fqt::gemm
