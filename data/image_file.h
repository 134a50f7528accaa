#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace fqt::data {

/// An RGB picture of any size: height * width * 3 bytes, HWC.
struct Picture {
  int64_t height = 0, width = 0;
  std::vector<uint8_t> pixels;
};

/// What is decoded at most: pixels a side, and in all.
inline constexpr int64_t kMaxPictureSide = 16384, kMaxPicturePixels = int64_t{64} << 20;
/// Bytes of a file at most.
inline constexpr int64_t kMaxPictureBytes = int64_t{256} << 20;

/// Decodes PNG or JPEG, whichever the bytes are. Grayscale becomes RGB, transparency is dropped, 16 bits become 8. The
/// same bytes give the same pixels on every machine. Error(data) "[image] source: ..." where they are neither, are cut
/// off, claim too large a picture, or are malformed otherwise.
Picture decode_picture(std::span<const uint8_t> bytes, const std::string& source);

/// The picture in a file. Error(missing), Error(io), or what decode_picture says, naming the file.
Picture read_picture(const std::string& file);

/// The PNG of a picture.
std::vector<uint8_t> encode_png(const Picture& picture);

}  // namespace fqt::data
