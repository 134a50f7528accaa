#pragma once

#include <cstdint>

namespace fqt::gemm {

/// Along one axis, the pixels x of the input that taps remainder, remainder + stride, ... of the kernel reach: pixel
/// first + i * stride, from the outputs low + i ... low + i + taps - 1, in that order.
struct TapClass {
  int64_t remainder, taps;
  int64_t first, count;
  int64_t low;

  bool empty() const { return taps == 0 || count == 0; }
  /// Rising outputs meet falling taps: the kernel's tap that meets the i-th of those outputs.
  int64_t tap(int64_t i, int64_t stride) const { return remainder + (taps - 1 - i) * stride; }
};

/// Output o takes pixel o * stride + tap - padding: pixel x is reached by the taps congruent to x + padding, and tap
/// remainder + t * stride reaches it from output (x + padding - remainder) / stride - t.
inline TapClass tap_class(int64_t extent, int64_t kernel, int64_t stride, int64_t padding, int64_t remainder) {
  const int64_t taps = remainder < kernel ? (kernel - remainder + stride - 1) / stride : 0;
  const int64_t first = ((remainder - padding) % stride + stride) % stride;
  const int64_t count = first < extent ? (extent - first + stride - 1) / stride : 0;
  return {remainder, taps, first, count, (first + padding - remainder) / stride - (taps - 1)};
}

}  // namespace fqt::gemm
