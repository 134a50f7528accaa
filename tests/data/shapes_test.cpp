#include "data/shapes.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <vector>

#include "data/figures.h"
#include "engine/check.h"
#include "engine/hash.h"

using namespace fqt;
using namespace fqt::data;
using ShapesSplit = ShapesDataset::Split;

namespace {

std::vector<uint8_t> image(const ShapesDataset& dataset, int64_t index) {
  std::vector<uint8_t> pixels(3072);
  dataset.read(index, pixels);
  return pixels;
}

}  // namespace

TEST_CASE("figures: none reaches beyond the bound that drawing relies on, and none is empty") {
  for (const Figure& figure : figures()) {
    CAPTURE(figure.name);
    int inside = 0, beyond = 0;
    for (int i = -200; i <= 200; ++i) {
      for (int j = -200; j <= 200; ++j) {
        const float x = 0.01f * static_cast<float>(j), y = 0.01f * static_cast<float>(i);
        if (!figure.contains(x, y)) continue;
        ++inside;
        beyond += x * x + y * y > kFigureReach * kFigureReach;
      }
    }
    CHECK(beyond == 0);
    CHECK(inside > 5000);  // half a unit square
  }
}

TEST_CASE("shapes: the first images have known bytes") {
  // Golden: any change of a pixel makes another data set, which must get another version in its keys.
  const ShapesDataset train(ShapesSplit::train, 1, 20000), test(ShapesSplit::test, 1, 2000);
  const auto hash = [](const ShapesDataset& dataset) {
    uint64_t hash = 0;
    for (int64_t i = 0; i < 20; ++i) {
      const std::vector<uint8_t> pixels = image(dataset, i);
      hash = hash_bytes(std::as_bytes(std::span(pixels)), hash);
    }
    return to_hex(hash);
  };
  CHECK(hash(train) == "10c4a96c8ed9a368");
  CHECK(hash(test) == "f1f7d50fb30bcb79");
}

TEST_CASE("shapes: an image depends on seed, split and index, and on nothing else") {
  const ShapesDataset train(ShapesSplit::train, 1, 100), longer(ShapesSplit::train, 1, 200),
      other(ShapesSplit::train, 2, 100);
  const ShapesDataset test(ShapesSplit::test, 1, 100);
  CHECK(image(train, 7) == image(longer, 7));
  CHECK(image(train, 7) != image(train, 17));
  CHECK(image(train, 7) != image(other, 7));
  CHECK(image(train, 7) != image(test, 7));
  CHECK(train.hash() == ShapesDataset(ShapesSplit::train, 1, 100).hash());
  CHECK(train.hash() != other.hash());
  CHECK(train.hash() != test.hash());
}

TEST_CASE("shapes: the same scene at another side") {
  // 96 pixels a side, averaged over 3x3, are near the 32 of the same image: edges and grain apart.
  const ShapesDataset small(ShapesSplit::test, 1, 40), large(ShapesSplit::test, 1, 40, 96);
  CHECK(large.height() == 96);
  CHECK(large.hash() != small.hash());
  std::vector<uint8_t> pixels(96 * 96 * 3);
  double difference = 0;
  for (int64_t index = 0; index < 40; ++index) {
    CHECK(large.read(index, pixels) == index % 10);
    const std::vector<uint8_t> expected = image(small, index);
    for (size_t y = 0; y < 32; ++y) {
      for (size_t x = 0; x < 32; ++x) {
        for (size_t c = 0; c < 3; ++c) {
          int sum = 0;
          for (size_t i = 0; i < 9; ++i) sum += pixels[((3 * y + i / 3) * 96 + 3 * x + i % 3) * 3 + c];
          difference += std::abs(sum / 9 - expected[(y * 32 + x) * 3 + c]);
        }
      }
    }
  }
  CHECK(difference / (40 * 3072) < 7);  // the grain alone is 4 on average
  std::vector<uint8_t> odd(35 * 35 * 3);
  CHECK(ShapesDataset(ShapesSplit::test, 1, 40, 35).read(39, odd) == 9);
  CHECK_THROWS_AS(ShapesDataset(ShapesSplit::test, 1, 40, 7), Error);
  CHECK_THROWS_AS(ShapesDataset(ShapesSplit::test, 1, 40, 1025), Error);
}

TEST_CASE("shapes: training images never end, test images do, and classes are balanced") {
  const ShapesDataset train(ShapesSplit::train, 1, 100), test(ShapesSplit::test, 1, 100);
  std::vector<uint8_t> pixels(3072);
  CHECK(train.endless());
  CHECK(train.read(int64_t{1} << 40, pixels) == (int64_t{1} << 40) % 10);
  CHECK_FALSE(test.endless());
  CHECK_THROWS_AS(test.read(100, pixels), Error);
  CHECK_THROWS_AS(train.read(-1, pixels), Error);
  CHECK_THROWS_AS(ShapesDataset(ShapesSplit::train, 1, 0), Error);
  std::array<int, 10> counts{};
  for (int64_t i = 0; i < test.size(); ++i) ++counts[static_cast<size_t>(test.read(i, pixels))];
  for (const int count : counts) CHECK(count == 10);
  CHECK(test.classes() == 10);
  CHECK(ShapesDataset::class_name(5) == "star");
  CHECK_THROWS_AS(ShapesDataset::class_name(10), Error);
}

TEST_CASE("shapes: the mean colour of a class is the mean colour of all") {
  const ShapesDataset train(ShapesSplit::train, 1, 20000);
  std::array<double, 10> mean{};
  constexpr int kEach = 200;
  for (int64_t i = 0; i < 10 * kEach; ++i) {
    for (const uint8_t value : image(train, i)) mean[static_cast<size_t>(i % 10)] += value;
  }
  // An image's mean has a standard deviation near 35; five of the mean of 200 are 12.
  for (const double sum : mean) CHECK(sum / (kEach * 3072) == doctest::Approx(127.5).epsilon(12 / 127.5));
}
