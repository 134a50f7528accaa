#pragma once

#include <cstdint>
#include <vector>

#include "engine/gemm/geometry.h"
#include "quant/site.h"

namespace fqt::quant {

/// One site's product as a pass over a model met it.
struct TracedProduct {
  const Site* site;
  ConvGeometry geometry;
  int64_t calls = 1;         ///< how often, in one pass
  bool lhs_is_data = false;  ///< of every call: the left operand is a constant, of which no gradient is wanted
};

/// Collects the products of a model in the order of their first calls: a walk with shapes, without arithmetic.
class ShapeTrace {
 public:
  /// `calls`: of this product at once. Error(internal) where a site is called with products of different shapes.
  void record(const Site& site, const ConvGeometry& geometry, int64_t calls = 1, bool lhs_is_data = false);
  const std::vector<TracedProduct>& products() const { return products_; }

 private:
  std::vector<TracedProduct> products_;
};

}  // namespace fqt::quant
