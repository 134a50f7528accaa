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

/// One tile of a matrix product, `rows` (see GemmKernels) by kPanelColumns:
///
///   sums[r][c] += sum over s < segment_count, g < groups, t < kGroup of
///                 lhs[rows[r] + segments[s] + g * kGroup + t] * panel[((s * groups + g) * kPanelColumns + c) * kGroup
///                 + t]
///
/// The left operand is read where it lies: a row of a matrix, or the pixels under a convolution's window, is an offset
/// plus a few contiguous runs (segments). float32 sums are fused multiply-adds in rising order of (s, g).
template <typename Lhs, typename Rhs, typename Sum>
using TileFn = void (*)(const Lhs* lhs, const int32_t* rows, const int32_t* segments, int64_t segment_count,
                        int64_t groups, const Rhs* panel, Sum* sums, int depth);

/// Writes one tile: row r, column c of `rows` x `columns` (<= 16) goes to out[offsets[r] + c], or to
/// out[r * stride + c] where offsets is null, as float32(float64(sums[r][c] - corrections[c]) * scales[c]). The
/// difference must fit Sum; an int64 beyond 2^53 is rounded to the nearest float64, halves to even.
template <typename Sum>
using ScaleFn = void (*)(const Sum* sums, const Sum* corrections, const double* scales, int64_t rows, int64_t columns,
                         const int32_t* offsets, int64_t stride, float* out);

struct GemmKernels {
  int rows;  ///< rows of a tile
  /// The largest magnitude that tile_u8s8 can hold in the sum of `depth` groups' neighbouring pairs before it widens
  /// them to int32; 0 where products go to int32 at once and `depth` is ignored.
  int pair_sum_limit;
  TileFn<float, float, float> tile_f32;        ///< `depth` is ignored
  TileFn<uint8_t, int8_t, int32_t> tile_u8s8;  ///< exact while depth * 2 * max|lhs| * max|panel| <= pair_sum_limit
  TileFn<int16_t, int16_t, int32_t> tile_s16;  ///< exact while every partial sum fits int32; `depth` is ignored
  ScaleFn<int32_t> scale_tile;
  ScaleFn<int64_t> scale_tile_wide;
  /// totals[i] += factor * sums[i]
  void (*add_wide)(int64_t* totals, const int32_t* sums, int64_t count, int factor);
  /// out[i] = levels[i]
  void (*widen)(const uint8_t* levels, int64_t count, int16_t* out);
  /// out[i] = levels[i] - 32768
  void (*center)(const uint16_t* levels, int64_t count, int16_t* out);
};

}  // namespace fqt::kernels
