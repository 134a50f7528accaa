#include "data/augment.h"

#include <algorithm>

#include "engine/check.h"

namespace fqt::data {

CropFlip draw_crop_flip(const RandomKey& key, int64_t position) {
  constexpr uint32_t kCrops = 2 * CropFlip::kBorder + 1;
  const uint64_t word = 4 * static_cast<uint64_t>(position);
  return {.top = random_below(key, word, kCrops),
          .left = random_below(key, word + 1, kCrops),
          .flip = random_below(key, word + 2, 2) == 1};
}

void crop_flip(std::span<const uint8_t> source, int64_t height, int64_t width, int64_t channels, const CropFlip& crop,
               std::span<uint8_t> result) {
  const auto size = static_cast<size_t>(height * width * channels);
  check(source.size() == size && result.size() == size, "[crop_flip] {} and {} bytes for images of {} x {} x {}",
        source.size(), result.size(), height, width, channels);
  const int64_t down = crop.top - CropFlip::kBorder, right = crop.left - CropFlip::kBorder;
  uint8_t* to = result.data();
  for (int64_t row = 0; row < height; ++row) {
    for (int64_t column = 0; column < width; ++column, to += channels) {
      const int64_t y = row + down;
      const int64_t x = (crop.flip ? width - 1 - column : column) + right;
      if (y < 0 || y >= height || x < 0 || x >= width) {
        std::fill_n(to, channels, uint8_t{0});
      } else {
        std::copy_n(source.data() + (y * width + x) * channels, channels, to);
      }
    }
  }
}

}  // namespace fqt::data
