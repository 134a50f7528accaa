#pragma once

#include <string>
#include <vector>

#include "quant/product_kind.h"

namespace fqt::quant {

/// Widths of the two operands of one product.
struct ProductBits {
  int lhs = 0, rhs = 0;
  bool operator==(const ProductBits&) const = default;
};

/// What a plan says of one site.
struct SiteBits {
  std::string site;
  bool is_float = true;  ///< then the widths mean nothing
  ByProduct<ProductBits> products{};

  /// The same width for every operand.
  static SiteBits uniform(std::string site, int bits) {
    return {std::move(site), false, {{ProductBits{bits, bits}, {bits, bits}, {bits, bits}}}};
  }
  bool operator==(const SiteBits&) const = default;
};

/// A model's sites in order, each with its bits: what every kind of plan comes down to.
using BitTable = std::vector<SiteBits>;

}  // namespace fqt::quant
