#pragma once

#include <vector>

#include "engine/gemm/geometry.h"
#include "quant/operand.h"

namespace fqt::quant {

/// The gradients of a right operand that several calls in one step share: lhs^T dY of every call, added up in float32
/// in the order in which the calls left them. Operands are kept until then, so that a block of the sum stays in the
/// cache while all calls add to it. The bits are those of adding up whole gradients.
class RhsGradients {
 public:
  /// Takes the operands of one call, dY in gemm::gradient_image, lhs in gemm::forward_image; `shape` is the gradient's,
  /// the same for all. Returns false, and takes nothing, where the sum does not go together: for floats, and windows of
  /// several pixels.
  bool leave(const ConvGeometry& geometry, const Shape& shape, const Operand& lhs, const gemm::PaddedImage& lhs_layout,
             const Operand& dy, const gemm::PaddedImage& dy_layout);

  /// `returned`, or the sum of what was left, whichever there is; undefined where neither is. Forgets what was left.
  Tensor sum(Tensor returned);

 private:
  /// Calls of one geometry, one after another.
  struct Run {
    ConvGeometry geometry;
    std::vector<gemm::GatherProduct> products;
    std::vector<OperandPair> calls;
  };
  Shape shape_;
  std::vector<Run> runs_;
};

}  // namespace fqt::quant
