#include "engine/gemm/gemm.h"

#include <algorithm>
#include <vector>

#include "engine/gemm/accumulator.h"
#include "engine/gemm/panels.h"
#include "engine/kernels/table.h"
#include "engine/parallel.h"

namespace fqt::gemm {
namespace {

using kernels::kGroup;
using kernels::kPanelColumns;

constexpr int64_t kBlockBytes = 16 * 1024;  ///< of one panel, to stay in the first-level cache across rows
constexpr int64_t kBlockRows = 96;          ///< rows that share a panel block
constexpr int64_t kBlockPanels = 16;

/// A block of results before they are written: tiles of int32 or float sums, [panel][tile][rows][16].
template <typename Sum>
struct Block {
  int64_t first_row, rows, tiles;
  int64_t first_panel, panels;
  int tile_rows;
  Sum* sums;

  int64_t tile_size() const { return tile_rows * kPanelColumns; }
  Sum* tile(int64_t panel, int64_t index) const { return sums + (panel * tiles + index) * tile_size(); }
};

/// What a tile needs to know of the left operand for one run of terms.
template <typename Lhs>
struct LhsRun {
  const Lhs* data;
  const int32_t* rows;
  const int32_t* segments;
};

/// A run of terms: `groups` groups from the first one of each of `segments` segments.
struct TermRun {
  int64_t segment, segments;
  int64_t group, groups;
};

/// The left operand, read where it lies.
template <typename Lhs>
class InPlace {
 public:
  InPlace(const Lhs* data, const LhsGather& gather) : data_(data), gather_(&gather) {}

  LhsRun<Lhs> run(const std::vector<int32_t>& rows, const TermRun& terms) {
    return {data_ + terms.group * kGroup<Lhs>, rows.data(), gather_->segments.data() + terms.segment};
  }

 private:
  const Lhs* data_;
  const LhsGather* gather_;
};

/// Levels widened to int16, one run of a block's rows at a time: never more than fits the second-level cache.
class Widened {
 public:
  Widened(const uint8_t* data, const LhsGather& gather) : data_(data), gather_(&gather) {}

  LhsRun<int16_t> run(const std::vector<int32_t>& rows, const TermRun& terms) {
    const auto widen = kernels::active().gemm.widen;
    const int64_t length = terms.groups * kGroup<int16_t>, stride = terms.segments * length;
    if (wide_.size() < static_cast<int64_t>(rows.size()) * stride)
      wide_ = Buffer<int16_t>(static_cast<int64_t>(rows.size()) * stride);
    rows_.resize(rows.size());
    segments_.resize(static_cast<size_t>(terms.segments));
    for (size_t s = 0; s < segments_.size(); ++s) segments_[s] = static_cast<int32_t>(static_cast<int64_t>(s) * length);
    for (size_t r = 0; r < rows.size(); ++r) {
      rows_[r] = static_cast<int32_t>(static_cast<int64_t>(r) * stride);
      for (int64_t s = 0; s < terms.segments; ++s) {
        const int64_t segment = gather_->segments[static_cast<size_t>(terms.segment + s)];
        const uint8_t* from = data_ + rows[r] + segment + terms.group * kGroup<int16_t>;
        widen(from, length, wide_.data() + rows_[r] + s * length);
      }
    }
    return {wide_.data(), rows_.data(), segments_.data()};
  }

 private:
  const uint8_t* data_;
  const LhsGather* gather_;
  Buffer<int16_t> wide_;
  std::vector<int32_t> rows_, segments_;
};

template <typename Source, typename Lhs, typename Rhs, typename Sum>
struct Operands {
  const LhsGather& gather;
  Source source;  ///< InPlace or Widened; copied for each thread
  const Panels<Rhs>& panels;
  kernels::TileFn<Lhs, Rhs, Sum> tile;
  int depth;
  int64_t block_groups;  ///< most groups summed between two calls of `flush`
};

/// Computes one block: walks the terms in rising order, in runs of at most block_groups groups, and calls
/// flush(block, first, last) after each run.
template <typename Source, typename Lhs, typename Rhs, typename Sum, typename Flush>
void compute_block(const Operands<Source, Lhs, Rhs, Sum>& operands, Source& source, const Block<Sum>& block,
                   const Flush& flush) {
  std::vector<int32_t> rows(static_cast<size_t>(block.tiles * block.tile_rows));
  for (size_t i = 0; i < rows.size(); ++i)  // rows past the last repeat it; their sums are not used
    rows[i] =
        operands.gather
            .rows[static_cast<size_t>(block.first_row + std::min<int64_t>(static_cast<int64_t>(i), block.rows - 1))];
  std::fill_n(block.sums, block.panels * block.tiles * block.tile_size(), Sum{});

  const int64_t segments = static_cast<int64_t>(operands.gather.segments.size());
  const int64_t segment_groups = (operands.gather.length + kGroup<Rhs> - 1) / kGroup<Rhs>;
  const auto add_terms = [&](const TermRun& terms) {
    const LhsRun<Lhs> lhs = source.run(rows, terms);
    const int64_t offset = (terms.segment * segment_groups + terms.group) * kPanelColumns * kGroup<Rhs>;
    for (int64_t p = 0; p < block.panels; ++p)
      for (int64_t t = 0; t < block.tiles; ++t)
        operands.tile(lhs.data, lhs.rows + t * block.tile_rows, lhs.segments, terms.segments, terms.groups,
                      operands.panels.panel(block.first_panel + p) + offset, block.tile(p, t), operands.depth);
  };
  if (segment_groups <= operands.block_groups) {
    const int64_t step = operands.block_groups / std::max<int64_t>(segment_groups, 1);
    for (int64_t s = 0; s < segments; s += step) {
      add_terms({s, std::min(step, segments - s), 0, segment_groups});
      flush(block, s == 0, s + step >= segments);
    }
    return;
  }
  for (int64_t s = 0; s < segments; ++s)
    for (int64_t g = 0; g < segment_groups; g += operands.block_groups) {
      add_terms({s, 1, g, std::min(operands.block_groups, segment_groups - g)});
      flush(block, s == 0 && g == 0, s + 1 == segments && g + operands.block_groups >= segment_groups);
    }
}

/// Splits the result into blocks, over all threads.
template <typename Source, typename Lhs, typename Rhs, typename Sum, typename Flush>
void run(const Operands<Source, Lhs, Rhs, Sum>& operands, const Flush& flush) {
  const int tile_rows = kernels::active().gemm.rows;
  const int64_t rows = static_cast<int64_t>(operands.gather.rows.size());
  const int64_t panels = (operands.panels.columns + kPanelColumns - 1) / kPanelColumns;
  const int64_t tiles = (rows + tile_rows - 1) / tile_rows;
  const int64_t panel_blocks = (panels + kBlockPanels - 1) / kBlockPanels;
  // Fewer rows a block where there would be too few blocks to share out; which rows share a block changes no result.
  const int64_t block_tiles = std::clamp<int64_t>(tiles * panel_blocks / (4 * threads()), 1, kBlockRows / tile_rows);
  const int64_t row_blocks = (tiles + block_tiles - 1) / block_tiles;
  parallel_for(row_blocks * panel_blocks, 1, [&](int64_t begin, int64_t end) {
    Source source = operands.source;
    Buffer<Sum> scratch(std::min(panels, kBlockPanels) * block_tiles * tile_rows * kPanelColumns);
    for (int64_t unit = begin; unit < end; ++unit) {
      Block<Sum> block;
      const int64_t first_tile = unit / panel_blocks * block_tiles;
      block.tiles = std::min(block_tiles, tiles - first_tile);
      block.tile_rows = tile_rows;
      block.first_row = first_tile * tile_rows;
      block.rows = std::min(block.tiles * tile_rows, rows - block.first_row);
      block.first_panel = unit % panel_blocks * kBlockPanels;
      block.panels = std::min(kBlockPanels, panels - block.first_panel);
      block.sums = scratch.data();
      compute_block(operands, source, block, flush);
    }
  });
}

/// A finished tile: where it stands in the result, and its sums, 16 to a row.
template <typename Sum>
struct Tile {
  int64_t row, rows;
  int64_t column, columns;
  const Sum* sums;
};

template <typename Sum, typename Visit>
void for_each_tile(const Block<Sum>& block, int64_t columns, const Visit& visit) {
  for (int64_t t = 0; t < block.tiles; ++t)  // rows outside: results are written in the order they lie in memory
    for (int64_t p = 0; p < block.panels; ++p) {
      const int64_t first = t * block.tile_rows, column = (block.first_panel + p) * kPanelColumns;
      visit(Tile<Sum>{block.first_row + first, std::min<int64_t>(block.tile_rows, block.rows - first), column,
                      std::min<int64_t>(kPanelColumns, columns - column), block.tile(p, t)});
    }
}

/// Calls visit(row, column, value) for every element of a tile.
template <typename Sum, typename Visit>
void for_each_value(const Tile<Sum>& tile, const Visit& visit) {
  for (int64_t r = 0; r < tile.rows; ++r)
    for (int64_t c = 0; c < tile.columns; ++c) visit(tile.row + r, tile.column + c, tile.sums[r * kPanelColumns + c]);
}

int64_t out_offset(const GatherProduct& product, int64_t row) {
  return product.out_rows.empty() ? row * product.rhs.columns : product.out_rows[static_cast<size_t>(row)];
}

int64_t max_difference(const Levels& levels) { return std::max(levels.zero, levels.max_level - levels.zero); }

/// How many neighbouring pair sums of the narrow path fit the pair limit; 0 where the operands need the wide path.
int narrow_depth(const Levels& lhs, const Levels& rhs) {
  if (rhs.zero > 128 || rhs.max_level - rhs.zero > 127) return 0;
  const int limit = kernels::active().gemm.pair_sum_limit;
  if (limit == 0) return 1;
  return static_cast<int>(limit / std::max<int64_t>(1, 2 * lhs.max_level * max_difference(rhs)));
}

/// Runs an integer product and hands each finished tile to narrow(tile of int32, corrections of its columns) where
/// int32 is proven, or to wide(tile of int64, corrections). A sum of differences is the tile's sum less the correction.
template <typename Source, typename Lhs, typename Rhs, typename Narrow, typename Wide>
void integer_tiles(const GatherProduct& product, const Source& lhs, const Panels<Rhs>& panels,
                   kernels::TileFn<Lhs, Rhs, int32_t> tile, int depth, int lhs_zero, const Accumulator& accumulator,
                   const Narrow& narrow, const Wide& wide) {
  Operands<Source, Lhs, Rhs, int32_t> operands{
      product.lhs, lhs,   panels,
      tile,        depth, kBlockBytes / (kPanelColumns * kGroup<Rhs> * static_cast<int64_t>(sizeof(Rhs)))};
  std::vector<int64_t> corrections(panels.column_sums);
  for (int64_t& correction : corrections) correction *= lhs_zero;
  if (accumulator.fits_int32) {
    const std::vector<int32_t> small(corrections.begin(), corrections.end());
    run(operands, [&](const Block<int32_t>& block, bool /*first*/, bool last) {
      if (!last) return;
      for_each_tile(block, panels.columns,
                    [&](const Tile<int32_t>& tile) { narrow(tile, small.data() + tile.column); });
    });
    return;
  }
  operands.block_groups = std::clamp<int64_t>(accumulator.safe_terms / kGroup<Rhs>, 1, operands.block_groups);
  run(operands, [&](const Block<int32_t>& block, bool first, bool last) {
    thread_local std::vector<int64_t> totals;
    const size_t size = static_cast<size_t>(block.panels * block.tiles * block.tile_size());
    if (first) totals.assign(size, 0);
    for (size_t i = 0; i < size; ++i) totals[i] += block.sums[i];
    std::fill_n(block.sums, size, 0);
    if (!last) return;
    const Block<int64_t> wide_block{block.first_row, block.rows,      block.tiles,  block.first_panel,
                                    block.panels,    block.tile_rows, totals.data()};
    for_each_tile(wide_block, panels.columns,
                  [&](const Tile<int64_t>& tile) { wide(tile, corrections.data() + tile.column); });
  });
}

/// Chooses the narrow kernel (bytes) or the wide one (int16) and runs it.
template <typename Narrow, typename Wide>
void integer_tiles(const GatherProduct& product, const Levels& lhs, const Levels& rhs, const Narrow& narrow,
                   const Wide& wide) {
  if (product.lhs.rows.empty() || product.rhs.columns == 0) return;
  const kernels::GemmKernels& gemm = kernels::active().gemm;
  // What fills up a group or a pixel of lhs meets a zero of rhs: the sums have product.terms terms and no more.
  const Accumulator accumulator = plan_accumulator(lhs.max_level, max_difference(rhs), product.terms);
  if (const int depth = narrow_depth(lhs, rhs); depth > 0) {
    const Panels<int8_t> panels = pack_levels<int8_t>(rhs.data, product.rhs, rhs.zero);
    integer_tiles(product, InPlace(lhs.data, product.lhs), panels, gemm.tile_u8s8, depth, lhs.zero, accumulator, narrow,
                  wide);
  } else {
    const Panels<int16_t> panels = pack_levels<int16_t>(rhs.data, product.rhs, rhs.zero);
    integer_tiles(product, Widened(lhs.data, product.lhs), panels, gemm.tile_s16, 1, lhs.zero, accumulator, narrow,
                  wide);
  }
}

}  // namespace

void integer_sums(const GatherProduct& product, const Levels& lhs, const Levels& rhs, std::span<int64_t> sums) {
  const auto store = [&](const auto& tile, const auto* corrections) {
    for_each_value(tile, [&](int64_t row, int64_t column, int64_t sum) {
      sums[static_cast<size_t>(row * product.rhs.columns + column)] = sum - corrections[column - tile.column];
    });
  };
  integer_tiles(product, lhs, rhs, store, store);
}

void integer_product(const GatherProduct& product, const Levels& lhs, const Levels& rhs, double scale, float* out) {
  const auto scale_tile = kernels::active().gemm.scale_tile;
  const auto narrow = [&](const Tile<int32_t>& tile, const int32_t* corrections) {
    const bool plain = product.out_rows.empty();
    scale_tile(tile.sums, corrections, scale, tile.rows, tile.columns,
               plain ? nullptr : product.out_rows.data() + tile.row, product.rhs.columns,
               out + (plain ? tile.row * product.rhs.columns : 0) + tile.column);
  };
  const auto wide = [&](const Tile<int64_t>& tile, const int64_t* corrections) {
    for_each_value(tile, [&](int64_t row, int64_t column, int64_t sum) {
      out[out_offset(product, row) + column] =
          static_cast<float>(static_cast<double>(sum - corrections[column - tile.column]) * scale);
    });
  };
  integer_tiles(product, lhs, rhs, narrow, wide);
}

void float_product(const GatherProduct& product, const float* lhs, const float* rhs, float* out) {
  if (product.lhs.rows.empty() || product.rhs.columns == 0) return;
  const Panels<float> panels = pack_float(rhs, product.rhs);
  const Operands<InPlace<float>, float, float, float> operands{
      product.lhs, InPlace(lhs, product.lhs),
      panels,      kernels::active().gemm.tile_f32,
      1,           kBlockBytes / (kPanelColumns * static_cast<int64_t>(sizeof(float)))};
  run(operands, [&](const Block<float>& block, bool /*first*/, bool last) {
    if (!last) return;
    for_each_tile(block, panels.columns, [&](const Tile<float>& tile) {
      for (int64_t r = 0; r < tile.rows; ++r)
        std::copy_n(tile.sums + r * kPanelColumns, tile.columns, out + out_offset(product, tile.row + r) + tile.column);
    });
  });
}

}  // namespace fqt::gemm
