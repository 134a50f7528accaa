#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/buffer.h"
#include "engine/gemm/geometry.h"

namespace fqt::gemm {

/// Offsets that do not change any more: the products of a convolution's groups share them. A large convolution has
/// more than the system's allocator keeps, hence the Buffer.
class Offsets {
 public:
  Offsets() = default;
  Offsets(Buffer<int32_t> values) : values_(std::move(values)) {}  // NOLINT: values that stay as they are
  Offsets(const std::vector<int32_t>& values) : values_(static_cast<int64_t>(values.size())) {  // NOLINT
    std::copy(values.begin(), values.end(), values_.data());
  }

  size_t size() const { return static_cast<size_t>(values_.size()); }
  bool empty() const { return values_.empty(); }
  const int32_t* data() const { return values_.data(); }
  int32_t operator[](size_t i) const { return values_.data()[i]; }

 private:
  Buffer<int32_t> values_;
};

/// The left operand of a product, read where it lies. Row i's terms are `segments.size()` runs of `length` elements:
/// element (i, s, j) is data[rows[i] + segments[s] + j * term_stride]. Where rhs is filled up, it may be anything.
/// Operands are readable for 64 bytes past their
/// last element, as Buffers are: whole groups of terms and whole vectors of rows are loaded.
struct LhsGather {
  Offsets rows;
  std::vector<int32_t> segments;
  int64_t length = 0;
  int64_t term_stride = 1;
};

/// The right operand: term (s, j) of column n is data[segments[s] + j * term_stride + n * column_stride]. Each run of
/// `length` terms is filled up with zeros to `padded_length`; every `joined` of them in a row, which divides their
/// number, are one run of lhs, filled up to whole groups. Integers are readable for 64 bytes past the last one.
struct RhsGather {
  std::vector<int32_t> segments;
  int64_t length = 0;
  int64_t padded_length = 0;
  int64_t joined = 1;
  int64_t term_stride = 1;
  int64_t column_stride = 1;
  int64_t columns = 0;

  bool operator==(const RhsGather&) const = default;
};

/// An NHWC image batch with a border of zeros on each side and channels filled up to a multiple of the group.
struct PaddedImage {
  int64_t batch, height, width, channels;  ///< without border
  int64_t top = 0, left = 0, bottom = 0, right = 0;
  int64_t pixel = 0;  ///< elements from one pixel to the next, >= channels
  int64_t group = 1;  ///< what runs of channels are read in multiples of; see kernels::kGroup

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

/// One product: where its operands' elements lie and where its results go: row i, column n to
/// (out_rows[i], or i * out_stride where that is empty) + first_column + n.
struct GatherProduct {
  LhsGather lhs;
  RhsGather rhs;
  Offsets out_rows;
  int64_t out_stride = 0;
  /// Of this product's columns among those of the whole result, to which its groups contribute side by side. Scales and
  /// zero levels of columns are looked up at first_column + n.
  int64_t first_column = 0;
  int64_t terms = 0;  ///< of each sum

  int64_t rows() const { return static_cast<int64_t>(lhs.rows.size()); }
  int64_t out_offset(int64_t row) const {
    return (out_rows.empty() ? row * out_stride : out_rows[static_cast<size_t>(row)]) + first_column;
  }
};

/// The padded image the forward product reads X from, and grad_rhs after it. `group`: see kernels::kGroup.
PaddedImage forward_image(const ConvGeometry& geometry, int group);
/// The padded image both backward products read dY from.
PaddedImage gradient_image(const ConvGeometry& geometry, int group);

// The three products of a convolution, one for each group of channels (grad_lhs: times a few), in rising order of the
// groups. Operands are read in place: a group is a run of columns of rhs and of terms or rows of lhs.

/// Y = X * W: X in forward_image, W as [kernel, kernel, C_in / groups, C_out].
std::vector<GatherProduct> forward_products(const ConvGeometry& geometry, const PaddedImage& x);

/// dX = dY * W^T, dY in gradient_image. With stride s the pixels of X fall into s * s classes by which taps of the
/// kernel reach them; each class is one product without a wasted term. Pixels no tap reaches are in no product.
std::vector<GatherProduct> grad_lhs_products(const ConvGeometry& geometry, const PaddedImage& dy);

/// dW = X^T * dY, dY in gradient_image: X in forward_image, or in its planar form, which is faster where
/// reads_planar says so: for windows of several pixels.
bool reads_planar(const ConvGeometry& geometry);
std::vector<GatherProduct> grad_rhs_products(const ConvGeometry& geometry, const PaddedImage& x, const PaddedImage& dy);
std::vector<GatherProduct> grad_rhs_products(const ConvGeometry& geometry, const PlanarImage& x, const PaddedImage& dy,
                                             int group);

}  // namespace fqt::gemm
