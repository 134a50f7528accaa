#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "engine/buffer.h"
#include "engine/gemm/lhs_source.h"
#include "engine/gemm/panels.h"
#include "engine/kernels/table.h"
#include "engine/parallel.h"
#include "engine/profile.h"

// How a product is walked: blocks of the result over the threads, in each runs of terms in rising order, in each tiles.

namespace fqt::gemm {

// Bytes of what is used over and over, and is meant to stay in the first-level cache meanwhile:
inline constexpr int64_t kRunBytes = 16 * 1024;    ///< one panel's part of a run of terms
inline constexpr int64_t kStripBytes = 16 * 1024;  ///< the panels that a row of tiles goes through in one call
inline constexpr int64_t kRowBytes = 16 * 1024;    ///< the rows of a block whose tiles are done at once
// and in the second-level cache:
inline constexpr int64_t kBlockBytes = 160 * 1024;  ///< the rows of a block whose tiles are not
inline constexpr int64_t kBlockTiles = 384;         ///< those tiles
inline constexpr int64_t kBlockRows = 96;
inline constexpr int64_t kBlockPanels = 16;
inline constexpr int64_t kShortestStrip = 4;  ///< panels of a strip: rows of the result are written in longer pieces
inline constexpr int64_t kShortestRunGroups = 64;  ///< shorter runs would spend more on their sums than they save

/// Finished tiles side by side: where they stand in the result, and their sums, 16 to a row, a panel after another.
template <typename Total>
struct Strip {
  int64_t row, rows;
  int64_t column, columns;
  const Total* sums;
  int64_t sum_panel;

  /// Nothing but whole tiles.
  bool whole(int tile_rows) const { return rows == tile_rows && columns % kernels::kPanelColumns == 0; }
};

/// Sums in the type the kernel adds in.
template <typename Lhs, typename Rhs, typename Sum>
struct Direct {
  using Accumulated = Sum;
  using Total = Sum;

  kernels::TileFn<Lhs, Rhs, Sum> tile;

  /// Adds a run of terms: `task` but for its sums.
  void operator()(kernels::TileTask<Lhs, Rhs, Sum>& task, Sum* totals) const {
    task.sums = totals;
    tile(task);
  }
};

/// Sums of a run in int32, added in int64; of both planes where the panels have two.
template <typename Lhs, typename Rhs>
struct Spilling {
  using Accumulated = int32_t;
  using Total = int64_t;

  kernels::TileFn<Lhs, Rhs, int32_t> tile;
  int planes;
  int64_t plane_size;

  void operator()(kernels::TileTask<Lhs, Rhs, int32_t> task, int64_t* totals) const {
    const kernels::GemmKernels& gemm = kernels::active().gemm;
    int32_t sums[kernels::kMaxTileRows * kernels::kPanelColumns];
    const int64_t size = task.sum_panel, panels = std::exchange(task.panel_count, 1);
    const bool fresh = std::exchange(task.fresh, true);
    const Rhs* panel = task.panel;
    const uint8_t* const depths = task.depths;
    task.sums = sums;
    for (int64_t p = 0; p < panels; ++p, totals += size, panel += task.panel_stride) {
      if (depths) task.depths = depths + p;
      if (fresh) std::fill_n(totals, size, 0);
      for (int plane = 0; plane < planes; ++plane) {
        task.panel = panel + plane * plane_size;
        tile(task);
        gemm.add_wide(totals, sums, size, plane + 1 < planes ? 256 : 1);
      }
    }
  }
};

/// The terms of a product, in runs.
struct Terms {
  int64_t segments;
  int64_t segment_groups;  ///< groups of one segment
  int64_t run_groups;      ///< most groups of a run

  int64_t groups() const { return segments * segment_groups; }

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

/// A product as it is walked. Rhs, Source and Add: see above. output.write(strip) is called for finished tiles;
/// where there are such, output.place(task, strip) may give whole tiles whose terms are one run a place in the result
/// itself, and output.finish(task, strip) may multiply and write them at once. Both say whether they did.
template <typename Rhs, typename Source, typename Add, typename Output>
class Walk {
 public:
  using Lhs = typename Source::Lhs;
  using Total = typename Add::Total;

  /// `most_groups`: of a run, where a proof bounds it. `depth`: see kernels::GemmKernels.
  Walk(const LhsGather& gather, const Panels<Rhs>& panels, const Source& source, const Add& add, int depth,
       int64_t most_groups, const Output& output)
      : gather_(gather),
        panels_(panels),
        source_(source),
        add_(add),
        output_(output),
        depth_(depth),
        tile_rows_(kernels::active().gemm.rows),
        rows_(static_cast<int64_t>(gather.rows.size())),
        panel_count_((panels.columns + kColumns - 1) / kColumns),
        terms_{static_cast<int64_t>(gather.segments.size()),
               (gather.length + kernels::kGroup<Rhs> - 1) / kernels::kGroup<Rhs>,
               std::clamp<int64_t>(most_groups, 1, cached_groups())} {}

  /// Splits the result into blocks, over all threads.
  void run() const { run_all({this, 1}); }

  /// Walks over results of one shape, with left operands of one gather: each block of all of them, in order, then the
  /// next block, so that what they add to stays in the cache.
  static void run_all(std::span<const Walk> walks) {
    const Walk& first = walks.front();
    const int64_t tiles = first.tiles();
    const int64_t panel_blocks = (first.panel_count_ + kBlockPanels - 1) / kBlockPanels;
    // Fewer rows a block where there would be too few blocks to share out; which rows share a block changes no result.
    const int64_t parts = threads() == 1 ? 1 : (Source::kAcrossRows ? 1 : 4) * threads();
    const int64_t most = walks.size() == 1 ? first.most_tiles() : first.most_kept_tiles();
    const int64_t block_tiles = std::clamp<int64_t>(tiles * panel_blocks / parts, 1, most);
    const int64_t row_blocks = (tiles + block_tiles - 1) / block_tiles;
    parallel_for(row_blocks * panel_blocks, 1, [&](int64_t begin, int64_t end) {
      std::vector<Source> sources;
      for (const Walk& walk : walks) sources.push_back(walk.source_);
      Buffer<Total> sums(first.block_panels() * (first.at_once() ? 1 : block_tiles) * first.tile_size());
      std::vector<int32_t> rows;
      for (int64_t unit = begin; unit < end; ++unit) {
        const int64_t tile = unit / panel_blocks * block_tiles, panel = unit % panel_blocks * kBlockPanels;
        const Block block{tile * first.tile_rows_, std::min(block_tiles, tiles - tile), panel,
                          std::min(kBlockPanels, first.panel_count_ - panel)};
        first.copy_rows(block, rows);
        for (size_t i = 0; i < walks.size(); ++i) walks[i].multiply(sources[i], block, rows, sums.data());
      }
    });
  }

 private:
  static constexpr int64_t kColumns = kernels::kPanelColumns, kGroupSize = kColumns * kernels::kGroup<Rhs>;
  static constexpr int64_t kGroupBytes = kGroupSize * static_cast<int64_t>(sizeof(Rhs));

  /// Tiles of rows times panels of columns.
  struct Block {
    int64_t first_row, tiles;
    int64_t first_panel, panels;
  };

  int64_t tile_size() const { return tile_rows_ * kColumns; }

  int64_t tiles() const { return (rows_ + tile_rows_ - 1) / tile_rows_; }
  int64_t tile_bytes(int64_t groups) const {
    return std::max<int64_t>(groups * kernels::kGroup<Rhs> * tile_rows_ * static_cast<int64_t>(sizeof(Lhs)), 1);
  }

  /// Groups of a run. Rows that lie side by side are best read all at once, and fewer terms of them instead.
  int64_t cached_groups() const {
    const int64_t groups = kRunBytes / kGroupBytes;
    if (!Source::kAcrossRows) return groups;
    return std::clamp<int64_t>(kBlockBytes / (std::min(tiles(), kept_tiles()) * tile_bytes(1)), kShortestRunGroups,
                               groups);
  }

  /// Most tiles of a block, of one panel, whose sums are kept between runs.
  int64_t kept_tiles() const { return kBlockTiles / block_panels(); }

  int64_t block_panels() const { return std::min(panel_count_, kBlockPanels); }

  /// Panels that stay in the cache while a block's rows of tiles go through them.
  int64_t strip_panels() const {
    const int64_t panel_bytes = std::max<int64_t>(terms_.groups() * kGroupBytes * panels_.planes, 1);
    return std::clamp<int64_t>(kStripBytes / panel_bytes, 1, block_panels());
  }

  /// Whether all terms are one run, and enough panels a strip, for tiles to be done as soon as they are added up.
  bool at_once() const {
    return terms_.groups() <= terms_.run_groups && strip_panels() >= std::min(block_panels(), kShortestStrip);
  }

  /// Most tiles of a block: as many as stay in the cache from one panel to the next.
  int64_t most_tiles() const {
    constexpr int64_t kOne = 1;
    const int64_t tiles = std::max(kBlockRows / tile_rows_, kOne);
    if (!at_once()) return Source::kAcrossRows ? kept_tiles() : tiles;
    return std::clamp(kRowBytes / tile_bytes(terms_.groups()), kOne, tiles);
  }

  /// The same where results stay as well, for others to add to.
  int64_t most_kept_tiles() const {
    const int64_t results = tile_size() * block_panels() * static_cast<int64_t>(sizeof(float));
    return std::clamp<int64_t>(kRowBytes / results, 1, most_tiles());
  }

  void copy_rows(const Block& block, std::vector<int32_t>& rows) const {
    const int64_t count = block.tiles * tile_rows_, present = std::min(count, rows_ - block.first_row);
    rows.resize(static_cast<size_t>(count));
    std::copy_n(gather_.rows.data() + block.first_row, present, rows.begin());
    // The last one is repeated to fill a tile; those sums are not used.
    std::fill_n(rows.begin() + present, count - present, rows[static_cast<size_t>(present - 1)]);
  }

  /// Tile `tile` of the block and `panels` panels from `panel` on, for one run of terms.
  kernels::TileTask<Lhs, Rhs, typename Add::Accumulated> task(const Block& block, const LhsRun<Lhs>& lhs,
                                                              const TermRun& run, int64_t tile, int64_t panel,
                                                              int64_t panels, bool fresh) const {
    const int64_t offset = (run.segment * terms_.segment_groups + run.group) * kGroupSize;
    return {lhs.data,
            lhs.rows + tile * tile_rows_,
            lhs.segments,
            run.segments,
            run.groups,
            lhs.step,
            panels_.panel(block.first_panel + panel) + offset,
            panels,
            panels_.planes * panels_.panel_size(),
            nullptr,
            kColumns,
            tile_size(),
            fresh,
            depth_,
            panels_.depths.empty() ? nullptr : panels_.depths.data() + block.first_panel + panel,
            static_cast<int>(std::min<int64_t>(tile_rows_, rows_ - block.first_row - tile * tile_rows_))};
  }

  Strip<Total> strip(const Block& block, int64_t tile, int64_t panel, int64_t panels, const Total* sums,
                     int64_t sum_panel) const {
    const int64_t row = block.first_row + tile * tile_rows_, column = (block.first_panel + panel) * kColumns;
    return {row,    std::min<int64_t>(tile_rows_, rows_ - row),
            column, std::min<int64_t>(panels * kColumns, panels_.columns - column),
            sums,   sum_panel};
  }

  LhsRun<Lhs> prepare(Source& source, const std::vector<int32_t>& rows, const TermRun& run) const {
    const profile::Tally tally(profile::Phase::pack);
    return source.run(rows, run, tile_rows_);
  }

  void multiply(Source& source, const Block& block, const std::vector<int32_t>& rows, Total* sums) const {
    if (at_once())
      multiply_at_once(source, block, rows, sums);
    else
      multiply_in_runs(source, block, rows, sums);
  }

  /// All terms of a strip, then the next: its sums are all there is to keep.
  void multiply_at_once(Source& source, const Block& block, const std::vector<int32_t>& rows, Total* sums) const {
    const TermRun run{0, terms_.segments, 0, terms_.segment_groups};
    const LhsRun<Lhs> lhs = prepare(source, rows, run);
    const int64_t width = strip_panels();
    for (int64_t p = 0; p < block.panels; p += width)
      for (int64_t t = 0; t < block.tiles; ++t) {
        const int64_t panels = std::min(width, block.panels - p);
        const Strip<Total> done = strip(block, t, p, panels, sums, tile_size());
        auto task = this->task(block, lhs, run, t, p, panels, true);
        if constexpr (requires { output_.place(task, done); })
          if (done.whole(tile_rows_) && output_.place(task, done)) {
            add_.tile(task);
            continue;
          }
        if constexpr (requires { output_.finish(task, done); })
          if (output_.finish(task, done)) continue;
        add_(task, sums);
        const profile::Tally tally(profile::Phase::epilogue);
        output_.write(done);
      }
  }

  /// Runs of terms in rising order; the sums of a whole block, [panel][tile][rows][16], are kept between them.
  void multiply_in_runs(Source& source, const Block& block, const std::vector<int32_t>& rows, Total* sums) const {
    bool fresh = true;
    terms_.for_each_run([&](const TermRun& run) {
      const LhsRun<Lhs> lhs = prepare(source, rows, run);
      for (int64_t p = 0; p < block.panels; ++p)
        for (int64_t t = 0; t < block.tiles; ++t) {
          auto task = this->task(block, lhs, run, t, p, 1, fresh);
          add_(task, sums + (p * block.tiles + t) * tile_size());
        }
      fresh = false;
    });
    const profile::Tally tally(profile::Phase::epilogue);
    for (int64_t t = 0; t < block.tiles; ++t)
      output_.write(strip(block, t, 0, block.panels, sums + t * tile_size(), block.tiles * tile_size()));
  }

  const LhsGather& gather_;
  const Panels<Rhs>& panels_;
  const Source& source_;
  const Add& add_;
  const Output& output_;
  int depth_, tile_rows_;
  int64_t rows_, panel_count_;
  Terms terms_;
};

}  // namespace fqt::gemm
