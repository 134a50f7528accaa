#include "data/augment.h"

#include <algorithm>
#include <cmath>

#include "engine/check.h"
#include "engine/math.h"

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

ResizedCrop draw_resized_crop(const RandomKey& key, int64_t position, int64_t height, int64_t width) {
  constexpr int kTries = 10;
  constexpr double kLeastArea = 0.08, kLeastRatio = 3.0 / 4, kMostRatio = 4.0 / 3;
  uint64_t word = 64 * static_cast<uint64_t>(position);
  const auto between = [&](double low, double high) { return low + (high - low) * random_uniform(key, word++); };
  const auto below = [&](int64_t bound) { return int64_t{random_below(key, word++, static_cast<uint32_t>(bound))}; };
  const auto whole = [](double value) { return static_cast<int64_t>(std::floor(value + 0.5)); };
  const bool flipped = below(2) == 1;
  const double full = static_cast<double>(height) * static_cast<double>(width);
  for (int i = 0; i < kTries; ++i) {
    const double area = full * between(kLeastArea, 1);
    const double ratio = math::exp(between(math::log(kLeastRatio), math::log(kMostRatio)));
    const int64_t w = whole(std::sqrt(area * ratio)), h = whole(std::sqrt(area / ratio));
    const int64_t top = below(std::max<int64_t>(height - h + 1, 1)), left = below(std::max<int64_t>(width - w + 1, 1));
    if (w >= 1 && h >= 1 && w <= width && h <= height) return {top, left, h, w, flipped};
  }
  const int64_t w = std::min(width, std::max<int64_t>(whole(static_cast<double>(height) * kMostRatio), 1));
  const int64_t h = std::min(height, std::max<int64_t>(whole(static_cast<double>(width) / kLeastRatio), 1));
  return {(height - h) / 2, (width - w) / 2, h, w, flipped};
}

void flip(std::span<uint8_t> pixels, int64_t height, int64_t width, int64_t channels) {
  for (int64_t row = 0; row < height; ++row) {
    uint8_t* left = pixels.data() + row * width * channels;
    for (uint8_t* right = left + (width - 1) * channels; left < right; left += channels, right -= channels)
      std::swap_ranges(left, left + channels, right);
  }
}

}  // namespace fqt::data
