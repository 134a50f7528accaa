#pragma once

#include <cstdint>

#include "engine/gemm/gather.h"
#include "engine/gemm/walk.h"
#include "engine/kernels/table.h"

namespace fqt::gemm {

/// Where a product's float32 results go.
struct FloatTarget {
  const GatherProduct& product;
  float* out;

  float* at(int64_t row, int64_t column) const { return out + product.out_offset(row) + column; }
};

/// Writes finished integer sums as float32.
struct ScaledWriter : FloatTarget {
  const double* scales;  ///< of every column, and of a whole panel behind them (columns.h)
  bool add = false;      ///< to what is there
  bool kept = false;     ///< results stay in the cache, for others to add to

  template <typename Sum>
  kernels::ScaleTask<Sum> task(const Strip<Sum>& strip, const Sum* corrections) const {
    const bool plain = product.out_rows.empty();
    return {strip.sums,
            strip.sum_panel,
            strip.rows,
            strip.columns,
            corrections,
            scales + strip.column,
            plain ? at(strip.row, strip.column) : out + product.first_column + strip.column,
            plain ? nullptr : product.out_rows.data() + strip.row,
            product.out_stride,
            add};
  }
  /// Fewer groups of terms are bound by memory, which whole rows are written to faster than tiles are.
  static constexpr int64_t kLeastGroups = 16;

  /// Multiplies and writes at once, where the kernels can and it is faster. Returns whether it did.
  bool finish(const kernels::TileTask<uint8_t, int8_t, int32_t>& tiles, const Strip<int32_t>& strip,
              const int32_t* corrections) const {
    const auto multiply = kernels::active().gemm.tile_u8s8_scaled;
    if (!multiply || strip.columns % kernels::kPanelColumns != 0) return false;
    if (!kept && tiles.segment_count * tiles.groups < kLeastGroups) return false;
    multiply(tiles, task(strip, corrections));
    return true;
  }
  void write(const Strip<int32_t>& strip, const int32_t* corrections) const {
    kernels::active().gemm.scale_tiles(task(strip, corrections));
  }
  void write(const Strip<int64_t>& strip, const int64_t* corrections) const {
    kernels::active().gemm.scale_tiles_wide(task(strip, corrections));
  }
};

}  // namespace fqt::gemm
