#pragma once

#include <cstdint>
#include <span>

#include "data/image_file.h"

namespace fqt::data {

/// A part of a picture, in pixels; corners need not be whole.
struct Box {
  double top = 0, left = 0, height = 0, width = 0;
};

/// Resizes `box` of a picture to height x width x 3 bytes, HWC, with an antialiasing triangle filter, first along rows,
/// then along columns. Along an axis of n pixels of which b from p on are made into m: with s = b / m and r = max(s,
/// 1), result i is the mean of the pixels k that weigh
///
///     w(k) = max(0, 1 - |k + 1/2 - c| / r),   c = p + (i + 1/2) s,   0 <= k < n
///
/// divided by their sum, in units of 2^-16 (the units that rounding leaves over go to the heaviest), the result rounded
/// to a byte, halves up. Weights are float64 from IEEE operations alone and sums are of integers: the same bytes on
/// every machine. Error(usage) unless the box lies in the picture and holds something of it.
void resize(const Picture& picture, const Box& box, int64_t height, int64_t width, std::span<uint8_t> result);

}  // namespace fqt::data
