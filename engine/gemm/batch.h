#pragma once

#include <cstdint>
#include <vector>

#include "engine/gemm/gather.h"

namespace fqt {

/// `count` products of matrices side by side, [rows x depth] * [depth x columns] each. Left operands lie one behind the
/// other as [count, rows, depth], right ones as [count, depth, columns], or transposed as [count, columns, depth],
/// results as [count, rows, columns].
struct BatchGeometry {
  int64_t count = 1, rows = 1, depth = 1, columns = 1;
  bool transposed = false;

  /// Error(usage) naming `where`, for extents below 1 or more than 2^31 - 1 elements in an operand.
  void check(const char* where) const;
};

}  // namespace fqt

namespace fqt::gemm {

/// The left operands as the forward product reads them, and grad_rhs after it. `group`: see kernels::kGroup.
PaddedImage forward_image(const BatchGeometry& geometry, int group);
/// dY as both backward products read it.
PaddedImage gradient_image(const BatchGeometry& geometry, int group);

// The three products, one for each pair of matrices. All operands are read in place, transposed or not.

std::vector<GatherProduct> forward_products(const BatchGeometry& geometry, const PaddedImage& x);

/// dX = dY * W^T, as [count, rows, depth].
std::vector<GatherProduct> grad_lhs_products(const BatchGeometry& geometry, const PaddedImage& dy);

/// dW = X^T * dY, as [count, depth, columns]. Of transposed right operands it is dY^T * X, [count, columns, depth]: the
/// product's left operand is then dY, and its right one X.
std::vector<GatherProduct> grad_rhs_products(const BatchGeometry& geometry, const PaddedImage& x,
                                             const PaddedImage& dy);

}  // namespace fqt::gemm
