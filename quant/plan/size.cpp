#include "quant/plan/size.h"

namespace fqt::quant {

PlanSize plan_size(std::span<const SiteShape> sites, const PrecisionTable& precision, int64_t batch) {
  PlanSize size;
  double operands = 0, bits = 0, weight = 0, weighted = 0;
  for (const SiteShape& site : sites) {
    const Precision& row = precision.at(site.name);
    for (const ProductKind kind : kProducts) {
      const ProductShape shape = site.product(kind, batch);
      const auto& [lhs, rhs] = row.products[kind];
      const double multiplies = site.computes(kind) ? static_cast<double>(shape.multiplies) : 0;
      size.multiplies += multiplies;
      size.bit_operations += multiplies * lhs.bits * rhs.bits;
      if (kind == ProductKind::forward && !site.rhs_is_activation)
        size.weights += static_cast<double>(shape.rhs_size) * rhs.bits;
      if (kind == ProductKind::grad_lhs && site.rhs_is_activation)
        size.activations += static_cast<double>(shape.rhs_size) * rhs.bits;
      if (kind == ProductKind::grad_lhs)
        size.gradients += static_cast<double>(shape.lhs_size) *
                          (site.lhs_is_data ? row.products[ProductKind::grad_rhs].rhs.bits : lhs.bits);
      if (kind == ProductKind::grad_rhs) size.activations += static_cast<double>(shape.lhs_size) * lhs.bits;
      if (row.is_float() || !site.computes(kind)) continue;
      operands += 2;
      bits += lhs.bits + rhs.bits;
      weight += 2 * multiplies;
      weighted += multiplies * (lhs.bits + rhs.bits);
    }
  }
  if (operands > 0) {
    size.mean_bits = bits / operands;
    size.weighted_bits = weighted / weight;
  }
  return size;
}

}  // namespace fqt::quant
