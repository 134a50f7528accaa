#include "quant/rhs_gradients.h"

#include <utility>

#include "engine/check.h"
#include "engine/profile.h"
#include "quant/product_kind.h"

namespace fqt::quant {

bool RhsGradients::leave(const ConvGeometry& geometry, const Shape& shape, const Operand& lhs,
                         const gemm::PaddedImage& lhs_layout, const Operand& dy, const gemm::PaddedImage& dy_layout) {
  if (lhs.is_float() || gemm::reads_planar(geometry)) return false;
  if (runs_.empty() || runs_.back().geometry != geometry)
    runs_.push_back({geometry, gemm::grad_rhs_products(geometry, lhs_layout, dy_layout), {}});
  shape_ = shape;
  runs_.back().calls.push_back({lhs, dy});
  return true;
}

Tensor RhsGradients::sum(Tensor returned) {
  if (runs_.empty()) return returned;
  if (returned.defined()) fail(ErrorKind::internal, "[rhs_gradients] some calls left their gradients, some did not");
  const profile::Scope scope(profile::Phase::gemm, {}, kProductNames[static_cast<size_t>(ProductKind::grad_rhs)]);
  Tensor sum(shape_);
  bool add = false;
  for (const Run& run : std::exchange(runs_, {}))
    add_products(run.products, run.calls, sum.data(), std::exchange(add, true));
  return sum;
}

}  // namespace fqt::quant
