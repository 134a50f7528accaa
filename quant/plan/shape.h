#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "quant/plan/trace.h"
#include "quant/site.h"

namespace fqt::quant {

/// One matrix product of a site, for a batch: [M x terms] * [terms x N].
struct ProductShape {
  int64_t m, n, terms;
  int64_t multiplies;          ///< multiply-accumulates
  int64_t lhs_size, rhs_size;  ///< elements of the operands
  /// How often an element of an operand is used for one sample, on average over the operand.
  double lhs_uses, rhs_uses;
};

/// A site as a plan sees it: shapes alone.
struct SiteShape {
  std::string name;
  std::string kind;  ///< "convolution", "depthwise", "linear"
  SiteRole role;
  ConvGeometry geometry;  ///< of one call, for one sample
  int64_t calls;          ///< for one sample
  int stage;              ///< depth from the input, from 1: runs of layers of one output resolution
  int layer;              ///< depth from the input, from 1: layers in the order they are first called

  /// A grouped convolution is `groups` products side by side: M, N and terms are those of one group.
  ProductShape product(ProductKind kind, int64_t batch) const;
  int64_t weights() const { return geometry.k() * geometry.n(); }
};

/// The sites of a pass over one sample.
std::vector<SiteShape> site_shapes(const ShapeTrace& trace);

}  // namespace fqt::quant
