#include "quant/plan/trace.h"

#include "engine/check.h"

namespace fqt::quant {

void ShapeTrace::record(const Site& site, const ConvGeometry& geometry, int64_t calls, bool lhs_is_data) {
  for (TracedProduct& product : products_) {
    if (product.site != &site) continue;
    if (product.geometry.k() != geometry.k() || product.geometry.n() != geometry.n() ||
        product.geometry.m() != geometry.m())
      fail(ErrorKind::internal, "[trace] site '{}' multiplies matrices of different shapes", site.name);
    product.calls += calls;
    product.lhs_is_data = product.lhs_is_data && lhs_is_data;
    return;
  }
  products_.push_back({&site, geometry, calls, lhs_is_data});
}

}  // namespace fqt::quant
