#include "data/image_file.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "data/jpeg.h"
#include "data/stb.h"
#include "engine/check.h"

namespace fqt::data {
namespace {

namespace fs = std::filesystem;

bool starts_with(std::span<const uint8_t> bytes, std::span<const uint8_t> magic) {
  return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

constexpr std::array<uint8_t, 8> kPng = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
constexpr std::array<uint8_t, 3> kJpeg = {0xFF, 0xD8, 0xFF};

void check_size(const stb::Size& size, const std::string& source) {
  if (size.height < 1 || size.width < 1) fail(ErrorKind::data, "[image] {} is an empty picture", source);
  if (size.height <= kMaxPictureSide && size.width <= kMaxPictureSide &&
      int64_t{size.height} * size.width <= kMaxPicturePixels) {
    return;
  }
  fail(
      ErrorKind::data,
      "[image] {} claims to be a picture of {} x {} pixels; up to {} a side and {} in all are read; make it smaller or "
      "take it out",
      source, size.width, size.height, kMaxPictureSide, kMaxPicturePixels);
}

}  // namespace

Picture decode_picture(std::span<const uint8_t> bytes, const std::string& source) {
  const bool jpeg = starts_with(bytes, kJpeg);
  if (!jpeg && !starts_with(bytes, kPng)) {
    fail(ErrorKind::data, "[image] {} is neither PNG nor JPEG{}", source, bytes.empty() ? ": it is empty" : "");
  }
  if (static_cast<int64_t>(bytes.size()) > kMaxPictureBytes) {
    fail(ErrorKind::data, "[image] {} holds {} bytes; pictures of up to {} are read", source, bytes.size(),
         kMaxPictureBytes);
  }
  if (const char* reason = jpeg ? malformed_jpeg(bytes) : nullptr) {
    fail(ErrorKind::data, "[image] {} is cut off or broken ({}); get the file again", source, reason);
  }
  stb::Size size;
  if (!stb::read_size(bytes, size)) {
    // What stb_image's own bound turns down is still to be told from a header that is broken.
    const auto at = [&](size_t i) {
      return uint32_t{bytes[i]} << 24 | bytes[i + 1] << 16 | bytes[i + 2] << 8 | bytes[i + 3];
    };
    if (!jpeg && bytes.size() >= 24 && at(16) < INT32_MAX && at(20) < INT32_MAX)
      check_size({static_cast<int>(at(20)), static_cast<int>(at(16))}, source);
    fail(ErrorKind::data, "[image] {} is cut off or broken in its header; get the file again", source);
  }
  check_size(size, source);
  // The decoder's largest buffers: 16 bits of 4 channels, or a JPEG's coefficients, padded to its blocks.
  const size_t area = (static_cast<size_t>(size.height) + 64) * (static_cast<size_t>(size.width) + 64);
  const char* reason;
  const stb::Pixels pixels = stb::decode(bytes, 16 * area + bytes.size() + (size_t{1} << 20), reason);
  if (!pixels) fail(ErrorKind::data, "[image] {} is cut off or broken ({}); get the file again", source, reason);
  const size_t count = 3 * static_cast<size_t>(size.height) * static_cast<size_t>(size.width);
  return {size.height, size.width, {pixels.get(), pixels.get() + count}};
}

Picture read_picture(const std::string& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (status.type() == fs::file_type::not_found) fail(ErrorKind::missing, "[image] {} does not exist", file);
  if (!fs::exists(status)) fail(ErrorKind::io, "[image] cannot look at {}: {}", file, error.message());
  if (!fs::is_regular_file(status)) fail(ErrorKind::data, "[image] {} is not a file", file);
  const auto bytes = static_cast<int64_t>(fs::file_size(file, error));
  if (error) fail(ErrorKind::io, "[image] cannot look at {}: {}", file, error.message());
  if (bytes > kMaxPictureBytes) {
    fail(ErrorKind::data, "[image] {} holds {} bytes; pictures of up to {} are read", file, bytes, kMaxPictureBytes);
  }
  std::vector<uint8_t> content(static_cast<size_t>(bytes));
  if (!std::ifstream(file, std::ios::binary).read(reinterpret_cast<char*>(content.data()), bytes)) {
    fail(ErrorKind::io, "[image] {} cannot be read; check its permissions", file);
  }
  return decode_picture(content, file);
}

std::vector<uint8_t> encode_png(const Picture& picture) {
  check(picture.height >= 1 && picture.width >= 1 && picture.height <= kMaxPictureSide &&
            picture.width <= kMaxPictureSide &&
            static_cast<int64_t>(picture.pixels.size()) == 3 * picture.height * picture.width,
        "[image] {} bytes for a picture of {} x {}", picture.pixels.size(), picture.width, picture.height);
  return stb::encode_png(picture.pixels, {static_cast<int>(picture.height), static_cast<int>(picture.width)});
}

}  // namespace fqt::data
