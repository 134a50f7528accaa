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

/// Loops that turn float values into levels. One source (codes.inl) is compiled for every instruction set.
struct CodeKernels {
  /// Smallest and largest of `count` values, joined with those in `extremes`.
  void (*extremes)(const float* x, int64_t count, Extremes* extremes);
  /// level = round_half_even(clamp(x / scale, -zero, max_level - zero)) + zero
  void (*quantize_nearest)(const float* x, int64_t count, const GridSpec* grid, uint8_t* levels);
  /// With v the clamped x / scale and f = v - floor(v): floor(v) + zero, and one more where words[i] + 1/2 < 65536 f.
  void (*quantize_stochastic)(const float* x, int64_t count, const GridSpec* grid, const uint16_t* words,
                              uint8_t* levels);
  /// The 16-bit words 8 * first_block ... of a stream: philox(seed, (block, stream)) as eight words, low halves first.
  void (*random_words)(uint64_t seed, uint64_t stream, uint64_t first_block, int64_t blocks, uint16_t* words);
};

}  // namespace fqt::kernels
