#include "engine/gemm/gather.h"

#include <algorithm>

namespace fqt::gemm {
namespace {

int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }
int32_t narrow(int64_t offset) { return static_cast<int32_t>(offset); }  // ConvGeometry::check bounds every offset

/// Along one axis, the pixels x of the input that taps remainder, remainder + stride, ... of the kernel reach: pixel
/// first + i * stride, from the outputs low + i ... low + i + taps - 1, in that order.
struct TapClass {
  int64_t remainder, taps;
  int64_t first, count;
  int64_t low;
};

/// Output o takes pixel o * stride + tap - padding: pixel x is reached by the taps congruent to x + padding, and tap
/// remainder + t * stride reaches it from output (x + padding - remainder) / stride - t.
TapClass tap_class(int64_t extent, int64_t kernel, int64_t stride, int64_t padding, int64_t remainder) {
  const int64_t taps = remainder < kernel ? (kernel - remainder + stride - 1) / stride : 0;
  const int64_t first = ((remainder - padding) % stride + stride) % stride;
  const int64_t count = first < extent ? (extent - first + stride - 1) / stride : 0;
  return {remainder, taps, first, count, (first + padding - remainder) / stride - (taps - 1)};
}

/// Zeros needed before and after `outputs` values of dY so that no tap of any class reads outside.
void borders(int64_t extent, int64_t outputs, const ConvGeometry& g, int64_t* before, int64_t* after) {
  *before = *after = 0;
  for (int64_t remainder = 0; remainder < g.stride; ++remainder) {
    const TapClass c = tap_class(extent, g.kernel, g.stride, g.padding, remainder);
    if (c.taps == 0 || c.count == 0) continue;
    *before = std::max(*before, -c.low);
    *after = std::max(*after, c.low + (c.count - 1) + (c.taps - 1) - (outputs - 1));
  }
}

}  // namespace

PaddedImage forward_image(const ConvGeometry& g, int group) {
  return {g.batch,       g.height,  g.width,
          g.in_channels, g.padding, g.padding,
          g.padding,     g.padding, round_up(g.in_channels, group)};
}

PaddedImage gradient_image(const ConvGeometry& g, int group) {
  PaddedImage image{g.batch, g.out_height(), g.out_width(), g.out_channels};
  borders(g.height, image.height, g, &image.top, &image.bottom);
  borders(g.width, image.width, g, &image.left, &image.right);
  image.pixel = round_up(g.out_channels, group);
  return image;
}

GatherProduct forward_product(const ConvGeometry& g, const PaddedImage& x) {
  GatherProduct product;
  product.terms = g.k();
  product.lhs.rows.reserve(static_cast<size_t>(g.m()));
  for (int64_t n = 0; n < g.batch; ++n)
    for (int64_t oy = 0; oy < g.out_height(); ++oy)
      for (int64_t ox = 0; ox < g.out_width(); ++ox)
        product.lhs.rows.push_back(narrow(x.offset(n, oy * g.stride - g.padding, ox * g.stride - g.padding)));
  // A row of the window is contiguous: `kernel` neighbouring pixels.
  for (int64_t ky = 0; ky < g.kernel; ++ky) product.lhs.segments.push_back(narrow(ky * x.padded_width() * x.pixel));
  product.lhs.length = g.kernel * x.pixel;
  for (int64_t tap = 0; tap < g.kernel * g.kernel; ++tap)
    product.rhs.segments.push_back(narrow(tap * g.in_channels * g.out_channels));
  product.rhs.length = g.in_channels;
  product.rhs.padded_length = x.pixel;
  product.rhs.term_stride = g.out_channels;
  product.rhs.column_stride = 1;
  product.rhs.columns = g.out_channels;
  return product;
}

std::vector<GatherProduct> grad_lhs_products(const ConvGeometry& g, const PaddedImage& dy) {
  std::vector<GatherProduct> products;
  for (int64_t ry = 0; ry < g.stride; ++ry)
    for (int64_t rx = 0; rx < g.stride; ++rx) {
      const TapClass cy = tap_class(g.height, g.kernel, g.stride, g.padding, ry);
      const TapClass cx = tap_class(g.width, g.kernel, g.stride, g.padding, rx);
      if (cy.taps * cx.taps == 0 || cy.count * cx.count == 0) continue;
      GatherProduct product;
      product.terms = cy.taps * cx.taps * g.out_channels;
      for (int64_t n = 0; n < g.batch; ++n)
        for (int64_t iy = 0; iy < cy.count; ++iy)
          for (int64_t ix = 0; ix < cx.count; ++ix) {
            product.lhs.rows.push_back(narrow(dy.offset(n, cy.low + iy, cx.low + ix)));
            const int64_t y = cy.first + iy * g.stride, x = cx.first + ix * g.stride;
            product.out_rows.push_back(narrow(((n * g.height + y) * g.width + x) * g.in_channels));
          }
      if (g.stride == 1) product.out_rows.clear();  // one class: every row, in order
      // Rising outputs meet falling taps: the kernel is read backwards.
      for (int64_t ty = 0; ty < cy.taps; ++ty) {
        product.lhs.segments.push_back(narrow(ty * dy.padded_width() * dy.pixel));
        for (int64_t tx = 0; tx < cx.taps; ++tx) {
          const int64_t ky = ry + (cy.taps - 1 - ty) * g.stride, kx = rx + (cx.taps - 1 - tx) * g.stride;
          product.rhs.segments.push_back(narrow((ky * g.kernel + kx) * g.in_channels * g.out_channels));
        }
      }
      product.lhs.length = cx.taps * dy.pixel;
      product.rhs.length = g.out_channels;
      product.rhs.padded_length = dy.pixel;
      product.rhs.term_stride = 1;
      product.rhs.column_stride = g.out_channels;
      product.rhs.columns = g.in_channels;
      products.push_back(std::move(product));
    }
  return products;
}

GatherProduct grad_rhs_product(const ConvGeometry& g, const PlanarImage& x, const PaddedImage& dy, int group) {
  GatherProduct product;
  product.terms = g.m();
  for (int64_t ky = 0; ky < g.kernel; ++ky)
    for (int64_t kx = 0; kx < g.kernel; ++kx)
      for (int64_t c = 0; c < g.in_channels; ++c)
        product.lhs.rows.push_back(narrow((c * g.stride + kx % g.stride) * x.plane() + ky * x.row() + kx / g.stride));
  for (int64_t n = 0; n < g.batch; ++n)
    for (int64_t oy = 0; oy < g.out_height(); ++oy) {
      product.lhs.segments.push_back(narrow(n * g.in_channels * g.stride * x.plane() + oy * g.stride * x.row()));
      product.rhs.segments.push_back(narrow(dy.offset(n, oy, 0)));
    }
  product.lhs.length = round_up(g.out_width(), group);
  product.rhs.length = g.out_width();
  product.rhs.padded_length = product.lhs.length;
  product.rhs.term_stride = dy.pixel;
  product.rhs.column_stride = 1;
  product.rhs.columns = g.out_channels;
  return product;
}

}  // namespace fqt::gemm
