#include "data/augment.h"

#include <doctest/doctest.h>

#include <array>
#include <set>
#include <tuple>
#include <vector>

#include "engine/check.h"

using namespace fqt;
using namespace fqt::data;

namespace {

/// A 2x3 image of one channel: rows 1 2 3 and 4 5 6.
std::vector<uint8_t> cropped(const CropFlip& crop) {
  const std::vector<uint8_t> image = {1, 2, 3, 4, 5, 6};
  std::vector<uint8_t> result(6, 99);
  crop_flip(image, 2, 3, 1, crop, result);
  return result;
}

using Bytes = std::vector<uint8_t>;

}  // namespace

TEST_CASE("crop_flip: by hand") {
  CHECK(cropped({}) == Bytes{1, 2, 3, 4, 5, 6});                                    // the middle crop is the image
  CHECK(cropped({.top = 5, .left = 4, .flip = false}) == Bytes{4, 5, 6, 0, 0, 0});  // one row further down
  CHECK(cropped({.top = 4, .left = 3, .flip = false}) == Bytes{0, 1, 2, 0, 4, 5});  // one column further left
  CHECK(cropped({.top = 4, .left = 4, .flip = true}) == Bytes{3, 2, 1, 6, 5, 4});
  CHECK(cropped({.top = 4, .left = 3, .flip = true}) == Bytes{2, 1, 0, 5, 4, 0});   // crop first, then flip
  CHECK(cropped({.top = 0, .left = 0, .flip = false}) == Bytes{0, 0, 0, 0, 0, 0});  // nothing but border
}

TEST_CASE("crop_flip: the channels of a pixel stay together") {
  const Bytes image = {1, 2, 3, 4, 5, 6};  // one row of two pixels
  Bytes result(6);
  crop_flip(image, 1, 2, 3, {.flip = true}, result);
  CHECK(result == Bytes{4, 5, 6, 1, 2, 3});
  CHECK_THROWS_AS(crop_flip(image, 1, 1, 3, {}, result), Error);
}

TEST_CASE("draw_crop_flip: a function of key and position that reaches every crop") {
  const RandomKey key = random_key(3, {1, 2});
  std::set<std::tuple<int64_t, int64_t, bool>> seen;
  int flips = 0;
  for (int64_t position = 0; position < 2000; ++position) {
    const CropFlip crop = draw_crop_flip(key, position);
    const CropFlip again = draw_crop_flip(key, position);
    CHECK(std::tuple(crop.top, crop.left, crop.flip) == std::tuple(again.top, again.left, again.flip));
    CHECK(crop.top >= 0);
    CHECK(crop.top <= 8);
    CHECK(crop.left >= 0);
    CHECK(crop.left <= 8);
    seen.emplace(crop.top, crop.left, crop.flip);
    flips += crop.flip;
  }
  CHECK(seen.size() == 9 * 9 * 2);      // 2000 draws miss one of 162 with probability 162 (1 - 1/162)^2000 < 0.001
  CHECK(std::abs(flips - 1000) < 112);  // five standard deviations of sqrt(2000) / 2
}
