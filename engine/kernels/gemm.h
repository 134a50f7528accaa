#pragma once

#include <cstdint>

namespace fqt::kernels {

/// Columns of a tile, and of a packed panel of the right operand, on every instruction set.
inline constexpr int kPanelColumns = 16;
/// Most rows of a tile on any instruction set.
inline constexpr int kMaxTileRows = 16;

/// Consecutive terms of a sum that a packed panel keeps side by side: 32 bits of each column.
template <typename T>
inline constexpr int kGroup = 4 / static_cast<int>(sizeof(T));

/// Tiles of a matrix product, `rows` (see GemmKernels) by kPanelColumns each, side by side. For every p < panel_count:
///
///   sums[p * sum_panel + r * sum_row + c] += sum over s < segment_count, g < groups, t < kGroup of
///       lhs[rows[r] + segments[s] + g * step + t] *
///       panel[p * panel_stride + ((s * groups + g) * kPanelColumns + c) * kGroup + t]
///
/// The left operand is read where it lies, in steps of kGroup: a row of a matrix, or the pixels under a convolution's
/// window, is an offset plus a few contiguous runs (segments). Packed by pack_terms, it has a step of rows * kGroup.
/// float32 sums are fused multiply-adds in rising order of (s, g). Integer sums have a sum_row of kPanelColumns.
template <typename Lhs, typename Rhs, typename Sum>
struct TileTask {
  const Lhs* lhs;
  const int32_t* rows;
  const int32_t* segments;
  int64_t segment_count;
  int64_t groups;
  int64_t step;
  const Rhs* panel;
  int64_t panel_count, panel_stride;
  Sum* sums;
  int64_t sum_row, sum_panel;
  bool fresh;                       ///< sums start from 0; what is in `sums` is not looked at
  int depth;                        ///< see GemmKernels
  const uint8_t* depths = nullptr;  ///< of each panel, in place of `depth`; null: that of all
  int present = kMaxTileRows;       ///< rows whose sums are wanted: those of the others may come out as anything
};
template <typename Lhs, typename Rhs, typename Sum>
using TileFn = void (*)(const TileTask<Lhs, Rhs, Sum>& task);

/// Tiles side by side, to be written as float32: row r, column n of `rows` x `columns` goes to out[offsets[r] + n], or
/// to out[r * stride + n] where offsets is null, as float32(float64(sum - corrections[n]) * scales[n]), or is added to
/// what is there. The difference must fit Sum; an int64 beyond 2^53 is rounded to the nearest float64, halves to even.
template <typename Sum>
struct ScaleTask {
  const Sum* sums;  ///< of columns 16 p to 16 p + 15 from p * sum_panel on, 16 to a row
  int64_t sum_panel;
  int64_t rows, columns;
  const Sum* corrections;
  const double* scales;
  float* out;
  const int32_t* offsets;
  int64_t stride;
  bool add = false;
};
template <typename Sum>
using ScaleFn = void (*)(const ScaleTask<Sum>& task);

/// Packs a left operand whose rows, not terms, lie side by side, for `tiles` tiles of neighbouring rows:
///
///   out[t * tile_stride + (g * rows + r) * kGroup + i] = source[(g * kGroup + i) * term_stride + t * rows + r]
///
/// Reads up to 16 bytes past a tile's last row, and writes up to 64 past a tile's last group; the next tile is written
/// afterwards only if tile_stride leaves room for them.
template <typename Level, typename Lhs>
struct PackTask {
  const Level* source;
  int64_t term_stride;
  int64_t groups, tiles;
  Lhs* out;
  int64_t tile_stride;
};
template <typename Level, typename Lhs>
using PackFn = void (*)(const PackTask<Level, Lhs>& task);

struct PackKernels {
  PackFn<float, float> floats;
  PackFn<uint8_t, uint8_t> bytes;
  PackFn<uint8_t, int16_t> widened;
  PackFn<uint16_t, int16_t> words;     ///< levels that fit int16
  PackFn<uint16_t, int16_t> centered;  ///< less 32768
};

/// How deep a panel of `groups` groups can be added up, from the values in it: any `depth` neighbouring groups' pair
/// sums, times left levels of at most `lhs_max` each, add up to no more than pair_sum_limit. 0 where not even one does.
using DepthFn = int (*)(const int8_t* panel, int64_t groups, int lhs_max);

struct GemmKernels {
  int rows;  ///< rows of a tile
  /// The largest magnitude that tile_u8s8 can hold in the sum of `depth` groups' neighbouring pairs before it widens
  /// them to int32; 0 where products go to int32 at once and `depth` is ignored.
  int pair_sum_limit;
  DepthFn panel_depth;                   ///< null where pair_sum_limit is 0
  TileFn<float, float, float> tile_f32;  ///< `depth` is ignored
  /// Exact while depth * 2 * max|lhs| * max|panel| <= pair_sum_limit, or while a panel's depth is from panel_depth.
  TileFn<uint8_t, int8_t, int32_t> tile_u8s8;
  /// tile_u8s8 from 0 and scale_tiles at once, for whole panels: the task's and the target's `sums` are not looked at.
  /// Null where it would not be faster.
  void (*tile_u8s8_scaled)(const TileTask<uint8_t, int8_t, int32_t>& task, const ScaleTask<int32_t>& to);
  TileFn<int16_t, int16_t, int32_t> tile_s16;  ///< exact while every partial sum fits int32; `depth` is ignored
  ScaleFn<int32_t> scale_tiles;
  ScaleFn<int64_t> scale_tiles_wide;
  /// totals[i] += factor * sums[i]
  void (*add_wide)(int64_t* totals, const int32_t* sums, int64_t count, int factor);
  /// out[i] = levels[i]
  void (*widen)(const uint8_t* levels, int64_t count, int16_t* out);
  /// out[i] = levels[i] - 32768
  void (*center)(const uint16_t* levels, int64_t count, int16_t* out);
  PackKernels pack;
};

}  // namespace fqt::kernels
