#pragma once

#include "engine/gemm/geometry.h"
#include "quant/context.h"
#include "quant/site.h"

namespace fqt::quant {

/// The quantized product, the only place where fqt multiplies matrices in training: Y = lhs * rhs, where lhs[M x K] is
/// read from an image batch by `geometry` (a plain matrix is a batch of one row of M pixels) and rhs is [K x N], rows
/// ordered (kernel row, kernel column, input channel). Both operands are quantized at the site's precision, multiplied
/// on integers exactly, and scaled. The gradient quantizes dY once and runs the same integer code for
/// grad_lhs = dY * rhs^T and grad_rhs = lhs^T * dY. fp32 is the identity format on the same path.
///
/// lhs: [N, H, W, C_in] (or [M, K] for a plain matrix); rhs: [kernel, kernel, C_in / groups, C_out] (or
/// [K, N]); result [N, H_out, W_out, C_out] (or [M, N]).
/// Error(usage) for shapes that do not fit, Error(data) for NaN or infinity, naming the site, the operand and the step.
Var product(const Context& context, Site& site, const Var& lhs, const Var& rhs, const ConvGeometry& geometry);

/// The plain matrix product lhs[M, K] * rhs[K, N].
Var matmul(const Context& context, Site& site, const Var& lhs, const Var& rhs);

}  // namespace fqt::quant
