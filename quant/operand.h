#pragma once

#include "engine/gemm/gather.h"
#include "engine/gemm/gemm.h"
#include "engine/random.h"
#include "quant/precision.h"
#include "quant/range.h"

namespace fqt::quant {

/// A tensor as a product reads it: levels on a grid, or the float values themselves (fp32, the identity format).
struct Operand {
  bool is_float = true;
  Grid grid;
  Buffer<uint8_t> levels;
  Buffer<float> values;

  gemm::Levels view() const { return {levels.data(), grid.zero, grid.max_level}; }
};

/// Elements of a panel's group: what the channels of a padded image are filled up to.
int channel_group(const OperandPrecision& precision);

/// The grid of an operand whose values lie in `range`.
Grid fit_grid(const OperandPrecision& precision, const Range& range);

/// Rounds `values` (NHWC, as many as layout has without borders) to the grid and lays them out with the layout's
/// borders and fill, which stand for 0. Stochastic rounding of element i takes 16-bit word i of the stream `noise`.
/// fp32 copies, or shares the storage where the layout is plain.
Operand encode(const Tensor& values, const gemm::PaddedImage& layout, const OperandPrecision& precision,
               const Grid& grid, const RandomKey& noise);

/// The same elements in planar order.
Operand to_planar(const Operand& operand, const gemm::PlanarImage& planar);

/// lhs * rhs by the product's gathers, on integers where the operands are. `out` must cover product's rows.
void multiply(const gemm::GatherProduct& product, const Operand& lhs, const Operand& rhs, float* out);

}  // namespace fqt::quant
