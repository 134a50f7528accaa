#pragma once

#include <cstdint>
#include <span>

#include "engine/random.h"

namespace fqt::data {

/// A crop of the image's own size out of the image with a border of black pixels, then perhaps a mirror image.
struct CropFlip {
  static constexpr int64_t kBorder = 4;

  int64_t top = kBorder, left = kBorder;  ///< corner of the crop in the bordered image, 0 .. 2 * kBorder
  bool flip = false;                      ///< left and right exchanged, after the crop
};

/// Every crop and both orientations are equally likely. `position` is the image's place in the epoch.
CropFlip draw_crop_flip(const RandomKey& key, int64_t position);

/// `source` and `result` hold height * width * channels bytes, HWC, and do not overlap.
void crop_flip(std::span<const uint8_t> source, int64_t height, int64_t width, int64_t channels, const CropFlip& crop,
               std::span<uint8_t> result);

}  // namespace fqt::data
