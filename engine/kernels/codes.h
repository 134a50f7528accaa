#pragma once

#include <cstdint>

namespace fqt::kernels {

/// Levels of an evenly spaced grid: level i of 0 .. max_level stands for scale * (i - zero).
struct GridSpec {
  float scale;
  int32_t zero;
  int32_t max_level;
};

struct Extremes {
  float low, high;
  bool finite;  ///< false where a value is NaN or infinite; low and high then mean nothing
};

/// How a ratio x / scale becomes a whole number. The index of a row in CodeKernels::quantize.
enum class Rounding { nearest, nearest_away, toward_zero, stochastic };
inline constexpr int kRoundings = 4;

/// level = round(clamp(x / scale, -zero, max_level - zero)) + zero. `words`, one for each value, are read by stochastic
/// rounding only.
template <typename Level>
using QuantizeFn = void (*)(const float* x, int64_t count, const GridSpec* grid, const uint16_t* words, Level* levels);

/// One way to round, for grids of up to 2^8 and of up to 2^16 levels.
struct QuantizeKernels {
  QuantizeFn<uint8_t> narrow;
  QuantizeFn<uint16_t> wide;
};

/// Names the random words of a tensor: philox(seed, (block, stream)) as eight words, low halves first, are those of
/// elements 8 * block ...
struct NoiseStream {
  uint64_t seed, stream;
};

/// Stochastic rounding as above, where the word of element i is word first + i of a stream.
template <typename Level>
using QuantizeDrawnFn = void (*)(const float* x, int64_t count, const GridSpec* grid, const NoiseStream& stream,
                                 uint64_t first, Level* levels);

struct QuantizeDrawnKernels {
  QuantizeDrawnFn<uint8_t> narrow;
  QuantizeDrawnFn<uint16_t> wide;
};

/// Loops that turn float values into levels. One source (codes.inl) is compiled for every instruction set.
struct CodeKernels {
  /// Smallest and largest of `count` values, joined with those in `extremes`.
  void (*extremes)(const float* x, int64_t count, Extremes* extremes);
  /// With v the clamped ratio, f = v - floor(v):
  ///   nearest        the nearest integer, halves to even
  ///   nearest_away   the nearest integer, halves away from zero
  ///   toward_zero    v without its fraction
  ///   stochastic     floor(v), and one more where words[i] + 1/2 < 65536 f
  QuantizeKernels quantize[kRoundings];
  QuantizeDrawnKernels quantize_drawn;
  /// The words 8 * first_block ... of a stream.
  void (*random_words)(const NoiseStream& stream, uint64_t first_block, int64_t blocks, uint16_t* words);
};

}  // namespace fqt::kernels
