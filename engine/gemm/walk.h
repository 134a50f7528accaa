#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/buffer.h"
#include "engine/gemm/lhs_source.h"
#include "engine/gemm/panels.h"
#include "engine/kernels/table.h"
#include "engine/parallel.h"

// How a product is walked: blocks of the result over the threads, in each runs of terms in rising order, in each tiles.

namespace fqt::gemm {

inline constexpr int64_t kBlockBytes = 16 * 1024;  ///< of one panel, to stay in the first-level cache across rows
inline constexpr int64_t kBlockRows = 96;          ///< rows that share a panel block
inline constexpr int64_t kBlockPanels = 16;

/// A block of sums before they are written: tiles, [panel][tile][rows][16].
template <typename Total>
struct Block {
  int64_t first_row, rows, tiles;
  int64_t first_panel, panels;
  int tile_rows;
  Total* sums;

  int64_t tile_size() const { return tile_rows * kernels::kPanelColumns; }
  Total* tile(int64_t panel, int64_t index) const { return sums + (panel * tiles + index) * tile_size(); }
};

/// A finished tile: where it stands in the result, and its sums, 16 to a row.
template <typename Total>
struct Tile {
  int64_t row, rows;
  int64_t column, columns;
  const Total* sums;
};

/// The arguments of one call of a tile kernel but the panel and the sums.
template <typename Lhs>
struct TileRun {
  const Lhs* data;
  const int32_t* rows;
  const int32_t* segments;
  int64_t segment_count, groups;
};

/// Sums in the type the kernel adds in.
template <typename Lhs, typename Rhs, typename Sum>
struct Direct {
  using Total = Sum;

  const Panels<Rhs>& panels;
  kernels::TileFn<Lhs, Rhs, Sum> tile;
  int depth;

  void operator()(const TileRun<Lhs>& run, int64_t panel, int64_t offset, Sum* totals) const {
    tile(run.data, run.rows, run.segments, run.segment_count, run.groups, panels.panel(panel) + offset, totals, depth);
  }
};

/// Sums of a run in int32, added in int64; of both planes where the panels have two.
template <typename Lhs, typename Rhs>
struct Spilling {
  using Total = int64_t;

  const Panels<Rhs>& panels;
  kernels::TileFn<Lhs, Rhs, int32_t> tile;
  int depth;

  void operator()(const TileRun<Lhs>& run, int64_t panel, int64_t offset, int64_t* totals) const {
    const kernels::GemmKernels& gemm = kernels::active().gemm;
    const int64_t size = gemm.rows * kernels::kPanelColumns;
    int32_t sums[kernels::kMaxTileRows * kernels::kPanelColumns];
    for (int plane = 0; plane < panels.planes; ++plane) {
      std::fill_n(sums, size, 0);
      tile(run.data, run.rows, run.segments, run.segment_count, run.groups, panels.panel(panel, plane) + offset, sums,
           depth);
      gemm.add_wide(totals, sums, size, plane + 1 < panels.planes ? 256 : 1);
    }
  }
};

/// The terms of a product, in runs.
struct Terms {
  int64_t segments;
  int64_t segment_groups;  ///< groups of one segment
  int64_t run_groups;      ///< most groups of a run

  /// Calls body(run) in rising order: whole segments as long as one fits a run, else pieces of one.
  template <typename Body>
  void for_each_run(const Body& body) const {
    if (segment_groups <= run_groups) {
      const int64_t step = run_groups / std::max<int64_t>(segment_groups, 1);
      for (int64_t s = 0; s < segments; s += step) body(TermRun{s, std::min(step, segments - s), 0, segment_groups});
      return;
    }
    for (int64_t s = 0; s < segments; ++s)
      for (int64_t g = 0; g < segment_groups; g += run_groups)
        body(TermRun{s, 1, g, std::min(run_groups, segment_groups - g)});
  }
};

/// The sums of one block: all terms, by add(tile run, panel, offset in the panel, totals).
template <typename Source, typename Add>
void sum_block(const LhsGather& gather, const Terms& terms, Source& source, const Add& add, int64_t group_size,
               const Block<typename Add::Total>& block) {
  std::vector<int32_t> rows(static_cast<size_t>(block.tiles * block.tile_rows));
  for (size_t i = 0; i < rows.size(); ++i)  // rows past the last repeat it; their sums are not used
    rows[i] =
        gather.rows[static_cast<size_t>(block.first_row + std::min<int64_t>(static_cast<int64_t>(i), block.rows - 1))];
  std::fill_n(block.sums, block.panels * block.tiles * block.tile_size(), typename Add::Total{});
  terms.for_each_run([&](const TermRun& run) {
    const LhsRun<typename Source::Lhs> lhs = source.run(rows, run);
    const int64_t offset = (run.segment * terms.segment_groups + run.group) * group_size;
    for (int64_t p = 0; p < block.panels; ++p)
      for (int64_t t = 0; t < block.tiles; ++t)
        add({lhs.data, lhs.rows + t * block.tile_rows, lhs.segments, run.segments, run.groups}, block.first_panel + p,
            offset, block.tile(p, t));
  });
}

/// Computes a product in blocks over all threads and calls visit(tile) for every finished tile, rows outside: results
/// are then written in the order they lie in memory. `most_groups`: of a run, where a proof bounds it.
template <typename Rhs, typename Source, typename Add, typename Visit>
void walk(const LhsGather& gather, const Panels<Rhs>& panels, const Source& source, const Add& add, int64_t most_groups,
          const Visit& visit) {
  using Total = typename Add::Total;
  constexpr int64_t kColumns = kernels::kPanelColumns, kGroupSize = kColumns * kernels::kGroup<Rhs>;
  const int tile_rows = kernels::active().gemm.rows;
  const int64_t cached = kBlockBytes / (kGroupSize * static_cast<int64_t>(sizeof(Rhs)));
  const Terms terms{static_cast<int64_t>(gather.segments.size()),
                    (gather.length + kernels::kGroup<Rhs> - 1) / kernels::kGroup<Rhs>,
                    std::clamp<int64_t>(most_groups, 1, cached)};
  const int64_t rows = static_cast<int64_t>(gather.rows.size());
  const int64_t panel_count = (panels.columns + kColumns - 1) / kColumns;
  const int64_t tiles = (rows + tile_rows - 1) / tile_rows;
  const int64_t panel_blocks = (panel_count + kBlockPanels - 1) / kBlockPanels;
  // Fewer rows a block where there would be too few blocks to share out; which rows share a block changes no result.
  const int64_t block_tiles = std::clamp<int64_t>(tiles * panel_blocks / (4 * threads()), 1, kBlockRows / tile_rows);
  const int64_t row_blocks = (tiles + block_tiles - 1) / block_tiles;
  parallel_for(row_blocks * panel_blocks, 1, [&](int64_t begin, int64_t end) {
    Source own = source;
    Buffer<Total> scratch(std::min(panel_count, kBlockPanels) * block_tiles * tile_rows * kColumns);
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t first_tile = unit / panel_blocks * block_tiles, first_panel = unit % panel_blocks * kBlockPanels;
      const int64_t count = std::min(block_tiles, tiles - first_tile), first_row = first_tile * tile_rows;
      const Block<Total> block{first_row,     std::min(count * tile_rows, rows - first_row),     count,
                               first_panel,   std::min(kBlockPanels, panel_count - first_panel), tile_rows,
                               scratch.data()};
      sum_block(gather, terms, own, add, kGroupSize, block);
      for (int64_t t = 0; t < block.tiles; ++t)
        for (int64_t p = 0; p < block.panels; ++p) {
          const int64_t first = t * tile_rows, column = (block.first_panel + p) * kColumns;
          visit(Tile<Total>{block.first_row + first, std::min<int64_t>(tile_rows, block.rows - first), column,
                            std::min<int64_t>(kColumns, panels.columns - column), block.tile(p, t)});
        }
    }
  });
}

}  // namespace fqt::gemm
