#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/tensor.h"
#include "quant/product_kind.h"

namespace fqt::quant {

enum class SiteRole {
  body,
  first,  ///< the model's first product
  head,   ///< the classifier of a CNN
  apart,  ///< in float whatever the recipe says: no part of what a customized model varies
};

/// A place in a model where matrices are multiplied. A layer owns it; precision is looked up by its name.
struct Site {
  explicit Site(std::string name, SiteRole role = SiteRole::body, std::string_view kind = "product");

  std::string name;  ///< "stage2.block0.conv1"
  uint64_t key;      ///< hash of the name: names this site's random numbers
  SiteRole role;
  std::string_view kind;  ///< of layer: "convolution", "linear"
  /// Depth from the input, from 1, where the model says so: the LSTM layer, the Transformer block, the layer of a
  /// customized model. 0: not known; plans then
  /// count runs of layers of one output resolution.
  int block = 0;
  /// [low, high] of lhs, a running average over training batches; {0, 0} until the first.
  Tensor lhs_range;
  /// The same of rhs where that is an activation too, as in attention. Undefined where it is a weight: its values are
  /// at hand in evaluation.
  Tensor rhs_range;
  /// Additions that left the range of an emulated accumulator since the site was made, by ProductKind.
  ByProduct<int64_t> overflows{};

  bool rhs_is_activation() const { return rhs_range.defined(); }
};

/// A site of which both operands are activations.
Site activation_site(std::string name, std::string_view kind);

}  // namespace fqt::quant
