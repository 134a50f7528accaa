#include "quant/plan/shape.h"

namespace fqt::quant {

ProductShape SiteShape::product(ProductKind kind, int64_t batch) const {
  const ConvGeometry& g = geometry;
  const int64_t uses = batch * calls, rows = uses * g.m();
  const int64_t x = uses * g.batch * g.height * g.width * g.in_channels, dy = rows * g.n();
  const int64_t w = rhs_is_activation ? uses * g.k() * g.n() : weights();
  const int64_t taps = g.kernel * g.kernel;
  ProductShape shape{};
  switch (kind) {
    case ProductKind::forward:
      shape = {rows, g.group_out(), g.k(), 0, x, w, 0, 0};
      break;
    case ProductKind::grad_lhs:
      shape = {uses * g.batch * g.height * g.width, g.group_in(), taps * g.group_out(), 0, dy, w, 0, 0};
      break;
    case ProductKind::grad_rhs:
      shape = {g.k(), g.group_out(), rows, 0, x, dy, 0, 0};
      break;
  }
  if (rhs_is_activation) (kind == ProductKind::grad_rhs ? shape.terms : shape.m) = g.m();
  // All three multiply the same pairs. (At a stride grad_lhs sums fewer terms than all taps for each pixel.)
  shape.multiplies = rows * g.k() * g.n();
  const double samples = static_cast<double>(batch), multiplies = static_cast<double>(shape.multiplies);
  // A weight is one element for all samples; each sample has activations and gradients of its own.
  shape.lhs_uses = multiplies / static_cast<double>(shape.lhs_size);
  shape.rhs_uses = multiplies / static_cast<double>(shape.rhs_size);
  if (kind != ProductKind::grad_rhs && !rhs_is_activation) shape.rhs_uses /= samples;
  return shape;
}

std::vector<SiteShape> site_shapes(const ShapeTrace& trace) {
  std::vector<SiteShape> shapes;
  int64_t height = -1, width = -1;
  bool pixels = true;
  int stage = 0;
  for (const TracedProduct& product : trace.products()) {
    const ConvGeometry& g = product.geometry;
    const Site& site = *product.site;
    const bool convolution = site.kind != "linear";
    if (g.out_height() != height || g.out_width() != width || convolution != pixels) ++stage;
    height = g.out_height();
    width = g.out_width();
    pixels = convolution;
    shapes.push_back({site.name, std::string(site.kind), site.role, g, product.calls,
                      site.block > 0 ? site.block : stage, static_cast<int>(shapes.size()) + 1,
                      site.rhs_is_activation(), product.lhs_is_data});
  }
  return shapes;
}

}  // namespace fqt::quant
