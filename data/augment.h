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

/// A part of a picture to be resized, then perhaps a mirror image.
struct ResizedCrop {
  int64_t top = 0, left = 0, height = 0, width = 0;
  bool flip = false;
};

/// As torchvision's RandomResizedCrop draws it (Szegedy et al. 2015): a share of the area between 0.08 and 1 and a
/// ratio of width to height between 3/4 and 4/3, even in its logarithm; after ten that do not fit, the largest part in
/// the middle whose ratio is allowed. Both orientations are equally likely.
ResizedCrop draw_resized_crop(const RandomKey& key, int64_t position, int64_t height, int64_t width);

/// Exchanges left and right of height x width x channels bytes, HWC.
void flip(std::span<uint8_t> pixels, int64_t height, int64_t width, int64_t channels);

/// `source` and `result` hold height * width * channels bytes, HWC, and do not overlap.
void crop_flip(std::span<const uint8_t> source, int64_t height, int64_t width, int64_t channels, const CropFlip& crop,
               std::span<uint8_t> result);

}  // namespace fqt::data
