#pragma once

#include <cstdint>

namespace fqt::kernels {

/// Most taps of a window.
inline constexpr int kMaxTaps = 64;

/// Windows over a row of pixels, each channel by itself. For every p < pixels, c < channels:
///
///   sum = sum over t < taps of (lhs[p * step + offsets[t] + c] - bias) * weights[t * channels + c]
///   out[p * out_step + c] = float32(float64(sum - corrections[c]) * scales[c])
///
/// Integers: exact while every partial sum and the difference fit int32. `bias`: 0, or 32768 for words. float32: the
/// sum is a chain of fused multiply-adds from 0 in rising order of t, and goes to `out` as it is; what follows
/// `out_step` is not looked at.
template <typename Lhs, typename Weight>
struct WindowTask {
  const Lhs* lhs;
  int64_t step;
  const int32_t* offsets;
  int taps;
  const Weight* weights;
  int64_t pixels, channels;
  float* out;
  int64_t out_step;
  const int32_t* corrections;
  const double* scales;
  int bias;
};
template <typename Lhs, typename Weight>
using WindowFn = void (*)(const WindowTask<Lhs, Weight>& task);

/// The gradient of such windows' weights from a row of pixels. For every t < taps, c < channels:
///
///   sums[t * sum_step + c] += sum over p < pixels of (lhs[p * step + offsets[t] + c] - bias) * rhs[p * rhs_step + c]
///
/// Exact, and chains of fused multiply-adds, as above, in rising order of p.
template <typename Lhs, typename Rhs, typename Sum>
struct TapTask {
  const Lhs* lhs;
  int64_t step;
  const int32_t* offsets;
  int taps;
  const Rhs* rhs;
  int64_t rhs_step;
  int64_t pixels, channels;
  Sum* sums;
  int64_t sum_step;
  int bias;
};
template <typename Lhs, typename Rhs, typename Sum>
using TapFn = void (*)(const TapTask<Lhs, Rhs, Sum>& task);

/// A row of pixels as differences from zero levels: out[p * channels + c] = levels[p * step + c] - zeros[c], which must
/// fit int16; sums[c] += their sum, which must fit int32.
template <typename Level>
struct DifferenceTask {
  const Level* levels;
  int64_t step;
  const uint16_t* zeros;
  int64_t pixels, channels;
  int16_t* out;
  int32_t* sums;
};
template <typename Level>
using DifferenceFn = void (*)(const DifferenceTask<Level>& task);

/// Loops of depthwise convolutions, whose channels lie side by side. One source (depthwise.inl) is compiled for every
/// instruction set.
struct DepthwiseKernels {
  WindowFn<float, float> window_f32;
  WindowFn<uint8_t, int16_t> window_bytes;
  WindowFn<uint16_t, int16_t> window_words;
  TapFn<float, float, float> taps_f32;
  TapFn<uint8_t, int16_t, int32_t> taps_bytes;
  TapFn<uint16_t, int16_t, int32_t> taps_words;
  DifferenceFn<uint8_t> differences_bytes;
  DifferenceFn<uint16_t> differences_words;
};

}  // namespace fqt::kernels
