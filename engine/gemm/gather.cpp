#include "engine/gemm/gather.h"

#include <algorithm>

#include "engine/gemm/taps.h"

namespace fqt::gemm {
namespace {

int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }
int32_t narrow(int64_t offset) { return static_cast<int32_t>(offset); }  // ConvGeometry::check bounds every offset

/// Offsets first, first + step, ...: `count` of them, from `to` on. Returns where the next ones go.
int32_t* put_steps(int32_t* to, int64_t first, int64_t step, int64_t count) {
  const int32_t start = narrow(first), each = narrow(step);
  for (int32_t i = 0; i < static_cast<int32_t>(count); ++i) to[i] = start + i * each;
  return to + count;
}

/// Zeros needed before and after `outputs` values of dY so that no tap of any class reads outside.
void borders(int64_t extent, int64_t outputs, const ConvGeometry& g, int64_t* before, int64_t* after) {
  *before = *after = 0;
  for (int64_t remainder = 0; remainder < g.stride; ++remainder) {
    const TapClass c = tap_class(extent, g.kernel, g.stride, g.padding, remainder);
    if (c.empty()) continue;
    *before = std::max(*before, -c.low);
    *after = std::max(*after, c.low + (c.count - 1) + (c.taps - 1) - (outputs - 1));
  }
}

/// Elements of lhs read for a pixel of one group: all of the pixel where there is one group, fill included, so that
/// neighbouring pixels are one run.
int64_t group_pixel(const ConvGeometry& g, int64_t group_channels, const PaddedImage& image) {
  return g.groups == 1 ? image.pixel : round_up(group_channels, image.group);
}

/// Runs of lhs for the taps of a window of `rows` x `columns` pixels, from `channel` of each pixel on.
void add_window(const ConvGeometry& g, const PaddedImage& image, int64_t rows, int64_t columns, int64_t channel,
                int64_t pixel, LhsGather& lhs) {
  const bool contiguous = g.groups == 1;  // a row of the window is one run
  for (int64_t y = 0; y < rows; ++y)
    for (int64_t x = 0; x < (contiguous ? 1 : columns); ++x)
      lhs.segments.push_back(narrow((y * image.padded_width() + x) * image.pixel + channel));
  lhs.length = contiguous ? columns * pixel : pixel;
}

}  // namespace

PaddedImage forward_image(const ConvGeometry& g, int group) {
  return {g.batch,       g.height,  g.width,
          g.in_channels, g.padding, g.padding,
          g.padding,     g.padding, round_up(g.in_channels, group),
          group};
}

PaddedImage gradient_image(const ConvGeometry& g, int group) {
  PaddedImage image{g.batch, g.out_height(), g.out_width(), g.out_channels};
  borders(g.height, image.height, g, &image.top, &image.bottom);
  borders(g.width, image.width, g, &image.left, &image.right);
  image.pixel = round_up(g.out_channels, group);
  image.group = group;
  return image;
}

std::vector<GatherProduct> forward_products(const ConvGeometry& g, const PaddedImage& x) {
  Buffer<int32_t> rows(g.m());
  int32_t* to = rows.data();
  for (int64_t n = 0; n < g.batch; ++n)
    for (int64_t oy = 0; oy < g.out_height(); ++oy)
      to = put_steps(to, x.offset(n, oy * g.stride - g.padding, -g.padding), g.stride * x.pixel, g.out_width());
  const Offsets shared(std::move(rows));
  const int64_t pixel = group_pixel(g, g.group_in(), x);
  std::vector<GatherProduct> products(static_cast<size_t>(g.groups));
  for (int64_t group = 0; group < g.groups; ++group) {
    GatherProduct& product = products[static_cast<size_t>(group)];
    product.terms = g.k();
    product.first_column = group * g.group_out();
    product.out_stride = g.out_channels;
    product.lhs.rows = shared;
    add_window(g, x, g.kernel, g.kernel, group * g.group_in(), pixel, product.lhs);
    for (int64_t tap = 0; tap < g.kernel * g.kernel; ++tap)
      product.rhs.segments.push_back(narrow(tap * g.group_in() * g.out_channels + product.first_column));
    product.rhs.length = g.group_in();
    product.rhs.padded_length = pixel;
    product.rhs.term_stride = g.out_channels;
    product.rhs.column_stride = 1;
    product.rhs.columns = g.group_out();
  }
  return products;
}

namespace {

/// The products of all groups for one class of pixels.
void add_grad_lhs(const ConvGeometry& g, const PaddedImage& dy, const TapClass& cy, const TapClass& cx,
                  std::vector<GatherProduct>& products) {
  const bool every_row = g.stride == 1;  // one class: in order
  Buffer<int32_t> rows(g.batch * cy.count * cx.count), out_rows(every_row ? 0 : rows.size());
  int32_t *to = rows.data(), *to_out = out_rows.data();
  for (int64_t n = 0; n < g.batch; ++n)
    for (int64_t iy = 0; iy < cy.count; ++iy) {
      to = put_steps(to, dy.offset(n, cy.low + iy, cx.low), dy.pixel, cx.count);
      if (every_row) continue;
      const int64_t y = cy.first + iy * g.stride;
      to_out = put_steps(to_out, ((n * g.height + y) * g.width + cx.first) * g.in_channels, g.stride * g.in_channels,
                         cx.count);
    }
  const Offsets shared(std::move(rows)), shared_out(std::move(out_rows));
  const int64_t pixel = group_pixel(g, g.group_out(), dy);
  for (int64_t group = 0; group < g.groups; ++group) {
    GatherProduct product;
    product.terms = cy.taps * cx.taps * g.group_out();
    product.first_column = group * g.group_in();
    product.out_stride = g.in_channels;
    product.out_rows = shared_out;
    product.lhs.rows = shared;
    add_window(g, dy, cy.taps, cx.taps, group * g.group_out(), pixel, product.lhs);
    for (int64_t ty = 0; ty < cy.taps; ++ty)
      for (int64_t tx = 0; tx < cx.taps; ++tx)
        product.rhs.segments.push_back(
            narrow((cy.tap(ty, g.stride) * g.kernel + cx.tap(tx, g.stride)) * g.group_in() * g.out_channels +
                   group * g.group_out()));
    product.rhs.length = g.group_out();
    product.rhs.padded_length = pixel;
    product.rhs.term_stride = 1;
    product.rhs.column_stride = g.out_channels;
    product.rhs.columns = g.group_in();
    products.push_back(std::move(product));
  }
}

}  // namespace

std::vector<GatherProduct> grad_lhs_products(const ConvGeometry& g, const PaddedImage& dy) {
  std::vector<GatherProduct> products;
  for (int64_t ry = 0; ry < g.stride; ++ry)
    for (int64_t rx = 0; rx < g.stride; ++rx) {
      const TapClass cy = tap_class(g.height, g.kernel, g.stride, g.padding, ry);
      const TapClass cx = tap_class(g.width, g.kernel, g.stride, g.padding, rx);
      if (!cy.empty() && !cx.empty()) add_grad_lhs(g, dy, cy, cx, products);
    }
  return products;
}

namespace {

/// What both forms of grad_rhs share: all but the left operand.
GatherProduct grad_rhs_group(const ConvGeometry& g, const PaddedImage& dy, int64_t group, int64_t padded_length) {
  GatherProduct product;
  product.terms = g.m();
  product.first_column = group * g.group_out();
  product.out_stride = g.out_channels;
  for (int64_t n = 0; n < g.batch; ++n)
    for (int64_t oy = 0; oy < g.out_height(); ++oy)
      product.rhs.segments.push_back(narrow(dy.offset(n, oy, 0) + product.first_column));
  product.rhs.length = g.out_width();
  product.rhs.padded_length = padded_length;
  product.rhs.term_stride = dy.pixel;
  product.rhs.column_stride = 1;
  product.rhs.columns = g.group_out();
  return product;
}

/// Rows in the order of the weights, (tap, channel of the group): offset(ky, kx, channel).
template <typename Offset>
std::vector<int32_t> weight_rows(const ConvGeometry& g, int64_t group, const Offset& offset) {
  std::vector<int32_t> rows;
  for (int64_t ky = 0; ky < g.kernel; ++ky)
    for (int64_t kx = 0; kx < g.kernel; ++kx)
      for (int64_t c = group * g.group_in(); c < (group + 1) * g.group_in(); ++c)
        rows.push_back(narrow(offset(ky, kx, c)));
  return rows;
}

/// Whether the planar form is better read an image at a time than row by row: what lies between the rows meets zeros
/// of dY then, but starting on a row costs about three quarters of a group of terms. A few percent would be lost again
/// in packing groups that lie across two rows. Floats have no groups to fill.
bool whole_images(const ConvGeometry& g, int64_t pitch, int group) {
  constexpr int64_t kWidest = 16;  // the last row's fill is read as far past the image as the window is wide
  const int64_t image_groups = round_up(g.out_height() * pitch, group) / group;
  const int64_t row_groups = round_up(g.out_width(), group) / group;
  return group > 1 && g.kernel <= kWidest && 400 * image_groups < 93 * g.out_height() * (4 * row_groups + 3);
}

/// Makes one run of all where each follows the one before without a gap in both operands.
void join_runs(GatherProduct& product) {
  LhsGather& lhs = product.lhs;
  RhsGather& rhs = product.rhs;
  if (lhs.length != rhs.length || rhs.padded_length != rhs.length) return;
  for (size_t s = 1; s < rhs.segments.size(); ++s)
    if (lhs.segments[s] - lhs.segments[s - 1] != lhs.length * lhs.term_stride ||
        rhs.segments[s] - rhs.segments[s - 1] != rhs.length * rhs.term_stride)
      return;
  lhs.length = rhs.length = rhs.padded_length = rhs.length * static_cast<int64_t>(rhs.segments.size());
  lhs.segments.resize(1);
  rhs.segments.resize(1);
}

}  // namespace

bool reads_planar(const ConvGeometry& g) { return g.kernel > 1; }

std::vector<GatherProduct> grad_rhs_products(const ConvGeometry& g, const PlanarImage& x, const PaddedImage& dy,
                                             int group_size) {
  std::vector<GatherProduct> products;
  const int64_t height = g.out_height(), pitch = g.stride * x.row();  // from the terms of a row of dY to the next
  const bool image = whole_images(g, pitch, group_size);
  const int64_t length = image ? pitch : round_up(g.out_width(), group_size);
  for (int64_t group = 0; group < g.groups; ++group) {
    GatherProduct product = grad_rhs_group(g, dy, group, length);
    product.lhs.rows = weight_rows(g, group, [&](int64_t ky, int64_t kx, int64_t c) {
      return (c * g.stride + kx % g.stride) * x.plane() + ky * x.row() + kx / g.stride;
    });
    for (int64_t n = 0; n < g.batch; ++n)
      for (int64_t oy = 0; oy < (image ? 1 : height); ++oy)
        product.lhs.segments.push_back(narrow(n * g.in_channels * g.stride * x.plane() + oy * pitch));
    product.rhs.joined = image ? height : 1;
    product.lhs.length = product.rhs.joined * length;
    products.push_back(std::move(product));
  }
  return products;
}

std::vector<GatherProduct> grad_rhs_products(const ConvGeometry& g, const PaddedImage& x, const PaddedImage& dy) {
  std::vector<GatherProduct> products;
  for (int64_t group = 0; group < g.groups; ++group) {
    GatherProduct product = grad_rhs_group(g, dy, group, g.out_width());
    product.lhs.rows = weight_rows(
        g, group, [&](int64_t ky, int64_t kx, int64_t c) { return (ky * x.padded_width() + kx) * x.pixel + c; });
    for (int64_t n = 0; n < g.batch; ++n)
      for (int64_t oy = 0; oy < g.out_height(); ++oy)
        product.lhs.segments.push_back(narrow(x.offset(n, oy * g.stride - g.padding, -g.padding)));
    product.lhs.length = g.out_width();
    product.lhs.term_stride = g.stride * x.pixel;
    join_runs(product);
    products.push_back(std::move(product));
  }
  return products;
}

}  // namespace fqt::gemm
