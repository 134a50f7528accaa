#include "engine/gemm/gemm.h"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

#include "engine/gemm/accumulator.h"
#include "engine/gemm/columns.h"
#include "engine/gemm/panels.h"
#include "engine/gemm/walk.h"

namespace fqt::gemm {
namespace {

using kernels::kGroup;
using kernels::kPanelColumns;

constexpr int kBias = 32768;  ///< what kernels.center takes off

/// Words whose levels do not fit int16 are multiplied less a bias.
int bias(const Levels& lhs) { return lhs.max_level > std::numeric_limits<int16_t>::max() ? kBias : 0; }

OperandBounds bounds(const Levels& lhs, const Levels& rhs, std::span<const uint16_t> zeros) {
  const auto [low, high] = std::minmax_element(zeros.begin(), zeros.end());
  const int64_t offset = bias(lhs);
  // The correction takes off (zero - bias) * sum of the column: its factor counts like a difference.
  const int64_t factor = lhs.zero - offset;
  return {{-offset, lhs.max_level - offset},
          {std::min<int64_t>(-lhs.zero, factor), std::max<int64_t>(lhs.max_level - lhs.zero, factor)},
          {-int64_t{*high}, int64_t{rhs.max_level} - *low}};
}

/// How many neighbouring pair sums of the narrow path fit the pair limit; 0 where the operands need the wide path.
int narrow_depth(const OperandBounds& bounds) {
  if (!bounds.rhs.within(std::numeric_limits<int8_t>::min(), std::numeric_limits<int8_t>::max())) return 0;
  const int limit = kernels::active().gemm.pair_sum_limit;
  if (limit == 0) return 1;
  return static_cast<int>(limit / std::max<int64_t>(1, 2 * bounds.lhs.magnitude() * bounds.rhs.magnitude()));
}

/// Walks an integer product and hands each finished tile to visit(tile, corrections of its columns), in int32 where the
/// accumulator is that, else in int64. A sum of differences is the tile's sum less the correction.
template <typename Source, typename Rhs, typename Visit, typename Lhs = typename Source::Lhs>
void integer_tiles(const GatherProduct& product, const Source& lhs, const Panels<Rhs>& panels,
                   kernels::TileFn<Lhs, Rhs, int32_t> tile, int depth, int64_t zero, const Accumulator& accumulator,
                   const Visit& visit) {
  std::vector<int64_t> corrections(panels.column_sums);
  for (int64_t& correction : corrections) correction *= zero;
  if (accumulator.kind == Accumulator::Kind::int32) {
    const std::vector<int32_t> small(corrections.begin(), corrections.end());
    walk(product.lhs, panels, lhs, Direct<Lhs, Rhs, int32_t>{panels, tile, depth}, std::numeric_limits<int64_t>::max(),
         [&](const Tile<int32_t>& done) { visit(done, small.data() + done.column); });
    return;
  }
  walk(product.lhs, panels, lhs, Spilling<Lhs, Rhs>{panels, tile, depth}, accumulator.run_terms / kGroup<Rhs>,
       [&](const Tile<int64_t>& done) { visit(done, corrections.data() + done.column); });
}

/// Chooses the kernel, bytes where they fit, else int16, and runs it.
template <typename Left, typename Right, typename Visit>
void integer_tiles(const GatherProduct& product, const Left* left, const Right* right, const Levels& lhs,
                   const Levels& rhs, const Visit& visit) {
  const kernels::GemmKernels& gemm = kernels::active().gemm;
  const std::vector<uint16_t> zeros = product_zeros(product, rhs);
  const OperandBounds bound = bounds(lhs, rhs, zeros);
  // What fills up a group or a pixel of lhs meets a zero of rhs: the sums have product.terms terms and no more.
  const Accumulator accumulator = plan_accumulator(bound, product.terms);
  if constexpr (std::is_same_v<Left, uint8_t> && std::is_same_v<Right, uint8_t>)
    if (const int depth = narrow_depth(bound); depth > 0)
      return integer_tiles(product, InPlace(left, product.lhs), pack_levels<int8_t>(right, product.rhs, zeros),
                           gemm.tile_u8s8, depth, lhs.zero, accumulator, visit);
  const auto wide = [&](const auto& source) {
    Panels<int16_t> panels;
    if constexpr (std::is_same_v<Right, uint16_t>)
      if (accumulator.kind == Accumulator::Kind::split) panels = pack_split(right, product.rhs, zeros);
    if (panels.data.empty()) panels = pack_levels<int16_t>(right, product.rhs, zeros);
    integer_tiles(product, source, panels, gemm.tile_s16, 1, lhs.zero - bias(lhs), accumulator, visit);
  };
  if constexpr (std::is_same_v<Left, uint8_t>)
    wide(Widened(left, product.lhs, gemm.widen));
  else if (bias(lhs) == 0)
    wide(InPlace(reinterpret_cast<const int16_t*>(left), product.lhs));  // the same bits where they fit
  else
    wide(Widened(left, product.lhs, gemm.center));
}

template <typename Visit>
void integer_tiles(const GatherProduct& product, const Levels& lhs, const Levels& rhs, const Visit& visit) {
  if (product.lhs.rows.empty() || product.rhs.columns == 0) return;
  std::visit([&](auto left, auto right) { integer_tiles(product, left, right, lhs, rhs, visit); }, lhs.data, rhs.data);
}

}  // namespace

void integer_sums(const GatherProduct& product, const Levels& lhs, const Levels& rhs, std::span<int64_t> sums) {
  integer_tiles(product, lhs, rhs, [&](const auto& tile, const auto* corrections) {
    for (int64_t r = 0; r < tile.rows; ++r)
      for (int64_t c = 0; c < tile.columns; ++c)
        sums[static_cast<size_t>((tile.row + r) * product.rhs.columns + tile.column + c)] =
            tile.sums[r * kPanelColumns + c] - corrections[c];
  });
}

void integer_product(const GatherProduct& product, const Levels& lhs, const Levels& rhs, std::span<const double> scales,
                     float* out) {
  const std::vector<double> tile_scales = product_scales(product, scales);
  const bool plain = product.out_rows.empty();
  const auto write = [&](const auto& tile, auto scale, const auto* corrections) {
    scale(tile.sums, corrections, tile_scales.data() + tile.column, tile.rows, tile.columns,
          plain ? nullptr : product.out_rows.data() + tile.row, product.out_stride,
          out + (plain ? tile.row * product.out_stride : 0) + product.first_column + tile.column);
  };
  const kernels::GemmKernels& gemm = kernels::active().gemm;
  integer_tiles(product, lhs, rhs, [&](const auto& tile, const auto* corrections) {
    if constexpr (std::is_same_v<decltype(tile.sums), const int32_t*>)
      write(tile, gemm.scale_tile, corrections);
    else
      write(tile, gemm.scale_tile_wide, corrections);
  });
}

void float_product(const GatherProduct& product, const float* lhs, const float* rhs, float* out) {
  if (product.lhs.rows.empty() || product.rhs.columns == 0) return;
  const Panels<float> panels = pack_float(rhs, product.rhs);
  const Direct<float, float, float> add{panels, kernels::active().gemm.tile_f32, 1};
  walk(product.lhs, panels, InPlace(lhs, product.lhs), add, std::numeric_limits<int64_t>::max(),
       [&](const Tile<float>& tile) {
         for (int64_t r = 0; r < tile.rows; ++r)
           std::copy_n(tile.sums + r * kPanelColumns, tile.columns,
                       out + product.out_offset(tile.row + r) + tile.column);
       });
}

}  // namespace fqt::gemm
