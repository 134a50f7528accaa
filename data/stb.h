#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

// The one door to stb_image (Debian: libstb-dev), which is compiled for PNG and JPEG alone.

namespace fqt::data::stb {

struct Size {
  int height, width;
};

/// What the header claims; false where it is neither PNG nor JPEG.
bool read_size(std::span<const uint8_t> bytes, Size& size);

struct Release {
  void operator()(uint8_t* pixels) const;
};
using Pixels = std::unique_ptr<uint8_t, Release>;

/// Three bytes a pixel, or null, with the reason. No allocation exceeds `limit` bytes: compressed data may swell a
/// thousandfold, whatever size their header claims.
Pixels decode(std::span<const uint8_t> bytes, size_t limit, const char*& reason);

std::vector<uint8_t> encode_png(std::span<const uint8_t> pixels, Size size);

}  // namespace fqt::data::stb
