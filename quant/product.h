#pragma once

#include "engine/gemm/batch.h"
#include "engine/gemm/geometry.h"
#include "quant/context.h"
#include "quant/shared_rhs.h"
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
/// A site that multiplies several times in one step numbers its calls from 0: random numbers are those of the call.
/// Calls of one step whose rhs is the same may hand on one `shared`.
/// Error(usage) for shapes that do not fit, Error(data) for NaN or infinity, naming the site, the operand and the step.
Var product(const Context& context, Site& site, const Var& lhs, const Var& rhs, const ConvGeometry& geometry,
            int64_t call = 0, SharedRhs* shared = nullptr);

/// The plain matrix product lhs[M, K] * rhs[K, N].
Var matmul(const Context& context, Site& site, const Var& lhs, const Var& rhs, int64_t call = 0,
           SharedRhs* shared = nullptr);

enum class Transposed { no, yes };

/// Matrix by matrix, lhs [P, M, K] * rhs [P, K, N] -> [P, M, N]; transposed, rhs is [P, N, K] and the product lhs *
/// rhs^T. An operand has one range and one scale for all its matrices, whatever the recipe says of channels, is
/// quantized once and read in place. Where the site says that rhs is an activation, it is quantized in evaluation by
/// its running range, as lhs is. Errors as product.
Var batched_product(const Context& context, Site& site, const Var& lhs, const Var& rhs, Transposed transposed);

}  // namespace fqt::quant
