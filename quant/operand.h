#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "engine/gemm/depthwise.h"
#include "engine/gemm/gather.h"
#include "engine/gemm/gemm.h"
#include "engine/gemm/panels.h"
#include "quant/noise.h"
#include "quant/precision.h"
#include "quant/range.h"
#include "quant/statistics.h"

namespace fqt::quant {

/// A tensor as a product reads it: levels on a grid, or the float values themselves (fp32, the identity format).
struct Operand {
  /// Bytes for up to 8 bits, words beyond.
  std::variant<Buffer<float>, Buffer<uint8_t>, Buffer<uint16_t>> elements;
  /// One; or one for each channel, the last axis. Empty for fp32.
  std::vector<Grid> grids;
  /// What it is packed to as a right operand; null unless several calls share it.
  std::shared_ptr<gemm::PanelMemo> panels;
  /// What a probe is told; null where nobody asked.
  std::shared_ptr<const OperandStatistics> statistics;
  /// The values before they were rounded, each where its level is; null where no probe asked.
  std::shared_ptr<const Operand> values;

  bool is_float() const { return std::holds_alternative<Buffer<float>>(elements); }
  bool per_channel() const { return grids.size() > 1; }
  int64_t size() const;
  std::span<const float> floats() const { return std::get<Buffer<float>>(elements).span(); }
  /// The level at a place of the layout.
  int level(int64_t place) const;
};

/// Elements of a panel's group: what the channels of a padded image are filled up to.
int channel_group(const OperandPrecision& precision);

/// The grid over each range. None for fp32.
std::vector<Grid> fit_grids(const OperandPrecision& precision, std::span<const Range> ranges);

/// Rounds `values` (NHWC, as many as layout has without borders) to the grids and lays them out with the layout's
/// borders and fill, which stand for 0. fp32 copies, or shares the storage where the layout is plain.
/// Error(usage) for several grids in a layout that is not plain, and for fewer given words of noise
/// than elements.
Operand encode(const Tensor& values, const gemm::PaddedImage& layout, const OperandPrecision& precision,
               const std::vector<Grid>& grids, const Noise& noise);

/// The same elements in planar order.
Operand to_planar(const Operand& operand, const gemm::PlanarImage& planar);

/// lhs * rhs by the products' gathers (one for each group of channels), on integers where the operands are. `out` must
/// cover the products' rows. Returns how many additions left the accumulator's range, where one is emulated.
///
/// Here the rule on reusing codes is kept: a sum can be scaled once only if no scale varies along its terms. A grid for
/// each channel is allowed for rhs where the channels are the product's columns. Error(internal) otherwise.
int64_t multiply(std::span<const gemm::GatherProduct> products, const Operand& lhs, const Operand& rhs,
                 const gemm::AccumulatorFormat& accumulator, float* out);

/// The operands of one product.
struct OperandPair {
  Operand lhs, rhs;
};

/// out = the float32 sum of what multiply() gives for each pair of integers, one after another; where `add`, from what
/// is in `out` on: the same bits, but block by block (gemm::add_integer_products).
void add_products(std::span<const gemm::GatherProduct> products, const std::vector<OperandPair>& pairs, float* out,
                  bool add);

/// What multiply() does by the products of a depthwise convolution, all channels at once: the same bits, but faster.
/// Returns false, and does nothing, where there are none or the kernels do not take one of them: multiply() does then.
bool multiply_depthwise(std::span<const gemm::DepthwiseProduct> products, const Operand& lhs, const Operand& rhs,
                        float* out);

/// The sums of one product before scaling, row-major. The same rule holds.
void integer_sums(const gemm::GatherProduct& product, const Operand& lhs, const Operand& rhs, std::span<int64_t> sums);
/// The same as the accumulator leaves them. Returns how many additions left its range.
int64_t integer_sums(const gemm::GatherProduct& product, const Operand& lhs, const Operand& rhs,
                     const gemm::AccumulatorFormat& accumulator, std::span<int64_t> sums);

/// The largest magnitude that exact sums reach on their way, in the accumulator's order of additions.
int64_t running_peak(const gemm::GatherProduct& product, const Operand& lhs, const Operand& rhs,
                     const gemm::AccumulatorFormat& accumulator);

/// How multiply() holds the sums of a product, in words.
std::string describe_accumulator(const gemm::GatherProduct& product, const Operand& lhs, const Operand& rhs,
                                 const gemm::AccumulatorFormat& accumulator);

}  // namespace fqt::quant
