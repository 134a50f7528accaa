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
  std::string kind;  ///< "convolution", "depthwise", "linear", "lstm", "attention"
  SiteRole role;
  ConvGeometry geometry;  ///< of one call, for one sample
  int64_t calls;          ///< for one sample: time steps of a recurrent layer, heads of attention
  int stage;  ///< depth from the input, from 1: the site's block, or runs of layers of one output resolution
  int layer;  ///< depth from the input, from 1: layers in the order they are first called

  /// The right operand is an activation too: each call has one of its own, and there is no weight.
  bool rhs_is_activation = false;
  /// The left operand is what the model reads: nobody wants its gradient.
  bool lhs_is_data = false;

  bool is_convolution() const { return kind == "convolution" || kind == "depthwise"; }
  /// Whether a training step computes the product: grad_lhs of what the model reads is left out.
  bool computes(ProductKind kind) const { return kind != ProductKind::grad_lhs || !lhs_is_data; }
  /// A grouped convolution is `groups` products side by side, attention one for each head of each sample: M, N and
  /// terms are those of one.
  ProductShape product(ProductKind kind, int64_t batch) const;
  int64_t weights() const { return rhs_is_activation ? 0 : geometry.k() * geometry.n(); }
};

/// The sites of a pass over one sample.
std::vector<SiteShape> site_shapes(const ShapeTrace& trace);

}  // namespace fqt::quant
