#include "data/image_folder.h"

#include <doctest/doctest.h>

#include <cmath>

#include "data/augment.h"
#include "data/resize.h"
#include "data_files.h"

using namespace fqt;
using namespace fqt::data;
using namespace fqt::test;

namespace {

namespace fs = std::filesystem;

/// A small picture of the tree: columns of rising red, rows of rising green.
std::string sample(const std::string& name) { return FQT_SOURCE_DIR "/tests/fuzz/corpus/image/" + name; }

std::vector<uint8_t> bytes_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

int largest_difference(const Picture& a, const Picture& b) {
  REQUIRE(a.pixels.size() == b.pixels.size());
  int most = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) most = std::max(most, std::abs(a.pixels[i] - b.pixels[i]));
  return most;
}

Picture filled(int64_t height, int64_t width, uint8_t value) {
  return {height, width, std::vector<uint8_t>(static_cast<size_t>(3 * height * width), value)};
}

void write_picture(const std::string& file, const Picture& picture) {
  fs::create_directories(fs::path(file).parent_path());
  write_file(file, encode_png(picture));
}

/// Classes cat and dog with two pictures each to train and one to test, cats dark and dogs bright.
void write_small_folder(const TemporaryFolder& folder) {
  for (const auto& [name, value] : {std::pair("cat", uint8_t{20}), std::pair("dog", uint8_t{200})}) {
    write_picture(folder.path(fmt::format("train/{}/b.png", name)), filled(20, 30, value));
    write_picture(folder.path(fmt::format("train/{}/a.PNG", name)), filled(40, 30, static_cast<uint8_t>(value + 1)));
    write_picture(folder.path(fmt::format("val/{}/c.png", name)), filled(50, 50, static_cast<uint8_t>(value + 2)));
  }
}

Failure decoding(const std::vector<uint8_t>& bytes) {
  const Failure failure = failure_of([&] { decode_picture(bytes, "some.png"); });
  CHECK(failure.says("[image] some.png"));
  CHECK(failure.kind == ErrorKind::data);
  return failure;
}

}  // namespace

TEST_CASE("image: PNG and JPEG become RGB") {
  const Picture expected = read_picture(sample("rgb.png"));
  REQUIRE(expected.height == 16);
  REQUIRE(expected.width == 24);
  for (size_t y = 0; y < 16; ++y) {
    for (size_t x = 0; x < 24; ++x) {
      const uint8_t* pixel = &expected.pixels[3 * (24 * y + x)];
      CHECK(pixel[0] == 10 * x);
      CHECK(pixel[1] == 15 * y);
      CHECK(pixel[2] == 6 * (x + y));
    }
  }
  CHECK(largest_difference(read_picture(sample("rgba.png")), expected) == 0);  // transparency dropped
  CHECK(largest_difference(read_picture(sample("rgb.jpg")), expected) <= 6);
  CHECK(largest_difference(read_picture(sample("progressive.jpg")), expected) <= 40);  // colour at half the size
  CHECK(largest_difference(read_picture(sample("palette.png")), expected) <= 60);      // 16 colours
  const Picture gray = read_picture(sample("gray.png"));
  for (size_t i = 0; i < gray.pixels.size(); ++i) CHECK(gray.pixels[i] == 10 * (i / 3 % 24));
  CHECK(largest_difference(read_picture(sample("gray.jpg")), gray) <= 4);
  CHECK(largest_difference(read_picture(sample("gray16.png")), gray) <= 1);
  CHECK(read_picture(sample("cmyk.jpg")).width == 24);
}

TEST_CASE("image: what is written as PNG is read back") {
  const Picture picture = read_picture(sample("rgb.jpg"));
  CHECK(largest_difference(decode_picture(encode_png(picture), "png"), picture) == 0);
}

TEST_CASE("image: malformed files are refused") {
  CHECK(decoding({}).says("empty"));
  CHECK(decoding({'G', 'I', 'F', '8', '9', 'a', 1, 0, 1, 0}).says("neither PNG nor JPEG"));
  for (const char* name : {"rgb.png", "palette.png", "gray16.png", "rgb.jpg", "progressive.jpg", "gray.jpg"}) {
    CAPTURE(name);
    const std::vector<uint8_t> whole = bytes_of(sample(name));
    for (const size_t length : {size_t{9}, size_t{20}, size_t{30}, whole.size() / 2, whole.size() - 20}) {
      CAPTURE(length);
      CHECK(decoding({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}).says("cut off"));
    }
  }
  std::vector<uint8_t> jpeg = bytes_of(sample("rgb.jpg"));
  jpeg.resize(jpeg.size() - 2);  // EOI alone is gone
  CHECK(decoding(jpeg).says("cut off"));
}

TEST_CASE("image: a Huffman table of more than 256 symbols is refused, in front of a scan and behind it") {
  const std::vector<uint8_t> whole = bytes_of(sample("progressive.jpg"));
  std::vector<size_t> tables;
  for (size_t i = 0; i + 1 < whole.size(); ++i)
    if (whole[i] == 0xFF && whole[i + 1] == 0xC4) tables.push_back(i);
  REQUIRE(tables.size() > 2);
  for (const size_t table : tables) {
    std::vector<uint8_t> bytes = whole;
    for (size_t i = 5; i < 21; ++i) bytes[table + i] = 255;
    CHECK(decoding(bytes).says("more than 256 symbols"));
  }
}

TEST_CASE("image: what claims to be too large is refused before anything is allocated") {
  std::vector<uint8_t> png = bytes_of(sample("rgb.png"));
  const auto claim = [&](uint32_t width, uint32_t height) {
    for (size_t i = 0; i < 4; ++i) {
      png[16 + i] = static_cast<uint8_t>(width >> (24 - 8 * i));
      png[20 + i] = static_cast<uint8_t>(height >> (24 - 8 * i));
    }
    return decoding(png);
  };
  CHECK(claim(60000, 60000).says("60000 x 60000 pixels"));
  CHECK(claim(16385, 1).says("16385 x 1"));
  CHECK(claim(16384, 16384).says("16384 x 16384"));
  CHECK(claim(1 << 24, 1 << 24).says("pixels"));
  CHECK(claim(0xFFFFFFFF, 0xFFFFFFFF).says("header"));
  CHECK(claim(0, 5).says("empty picture"));
  CHECK(claim(8192, 8192).says("cut off or broken"));  // allowed, but the data are those of 24 x 16
}

TEST_CASE("image: data that swell beyond what their header claims are refused") {
  // A PNG of 1 x 1 pixels whose data are 32 MB of zeros.
  const Picture large = filled(4000, 3000, 0);
  std::vector<uint8_t> png = encode_png(large);
  for (size_t i = 16; i < 24; ++i) png[i] = i % 4 == 3;
  CHECK(decoding(png).says("cut off or broken"));
}

TEST_CASE("resize: a picture at its own size is itself, and a plain one stays plain") {
  const Picture picture = read_picture(sample("rgb.png"));
  Picture result = filled(16, 24, 0);
  resize(picture, {0, 0, 16, 24}, 16, 24, result.pixels);
  CHECK(largest_difference(result, picture) == 0);
  for (const uint8_t value : {0, 1, 128, 255}) {
    for (const int64_t size : {1, 7, 50}) {
      std::vector<uint8_t> pixels(static_cast<size_t>(3 * size * size));
      resize(filled(13, 9, value), {2, 1, 10, 7.5}, size, size, pixels);
      for (const uint8_t pixel : pixels) CHECK(pixel == value);
    }
  }
}

TEST_CASE("resize: by hand, and by the formula in two dimensions") {
  Picture row{1, 4, {0, 0, 0, 80, 80, 80, 160, 160, 160, 240, 240, 240}};
  std::vector<uint8_t> two(6), eight(24);
  // Halving: the triangle over 4 pixels about c = 1 weighs 1/4, 3/4, 3/4, 1/4, of which what lies outside is left out.
  resize(row, {0, 0, 1, 4}, 1, 2, two);
  CHECK(two[0] == (0 * 3 + 80 * 3 + 160 * 1 + 3) / 7);
  CHECK(two[3] == (80 * 1 + 160 * 3 + 240 * 3 + 3) / 7);
  // Doubling: linear between the middles of the pixels, constant outside.
  resize(row, {0, 0, 1, 4}, 1, 8, eight);
  CHECK(eight[0] == 0);
  CHECK(eight[3] == 20);
  CHECK(eight[6] == 60);
  CHECK(eight[21] == 240);

  const Picture picture = read_picture(sample("rgb.png"));
  const Box box{1.5, 2.25, 12.5, 20};
  constexpr int64_t kSide = 9;
  std::vector<uint8_t> result(3 * kSide * kSide);
  resize(picture, box, kSide, kSide, result);
  const auto weight = [](double begin, double length, int64_t i, int64_t k) {
    const double scale = length / kSide, centre = begin + (static_cast<double>(i) + 0.5) * scale;
    return std::max(0.0, 1 - std::fabs(static_cast<double>(k) + 0.5 - centre) / std::max(scale, 1.0));
  };
  for (int64_t y = 0; y < kSide; ++y) {
    for (int64_t x = 0; x < kSide; ++x) {
      for (int64_t c = 0; c < 3; ++c) {
        double sum = 0, weights = 0;
        for (int64_t i = 0; i < 16; ++i) {
          for (int64_t j = 0; j < 24; ++j) {
            const double w = weight(box.top, box.height, y, i) * weight(box.left, box.width, x, j);
            weights += w;
            sum += w * picture.pixels[static_cast<size_t>((i * 24 + j) * 3 + c)];
          }
        }
        // Two roundings to a byte.
        CHECK(std::fabs(result[static_cast<size_t>((y * kSide + x) * 3 + c)] - sum / weights) < 1.01);
      }
    }
  }
}

TEST_CASE("resize: boxes outside the picture are refused") {
  std::vector<uint8_t> pixels(3);
  for (const Box& box : {Box{-1, 0, 2, 2}, Box{0, 0, 5, 2}, Box{0, 0, 0, 2}, Box{3, 3, 2, 1}})
    CHECK_THROWS_AS(resize(filled(4, 4, 1), box, 1, 1, pixels), Error);
  CHECK_THROWS_AS(resize(filled(4, 4, 1), {0, 0, 4, 4}, 2, 1, pixels), Error);
}

TEST_CASE("draw_resized_crop: inside, of the areas and ratios asked for, each way round") {
  const RandomKey key = random_key(5, {1});
  double area = 0;
  int flips = 0, wide = 0;
  constexpr int kDraws = 4000;
  for (int64_t position = 0; position < kDraws; ++position) {
    const ResizedCrop crop = draw_resized_crop(key, position, 300, 400);
    REQUIRE((crop.top >= 0 && crop.left >= 0 && crop.height >= 1 && crop.width >= 1));
    REQUIRE((crop.top + crop.height <= 300 && crop.left + crop.width <= 400));
    const double share = static_cast<double>(crop.height * crop.width) / 120000;
    const double ratio = static_cast<double>(crop.width) / static_cast<double>(crop.height);
    REQUIRE((share > 0.078 && share < 1.001));
    REQUIRE((ratio > 0.74 && ratio < 1.35));
    area += share;
    flips += crop.flip;
    wide += ratio > 1;
  }
  CHECK(std::abs(flips - kDraws / 2) < 158);  // five standard deviations
  // Near (0.08 + 1) / 2, less the tall ones that do not fit.
  CHECK(area / kDraws == doctest::Approx(0.5).epsilon(0.06));
  CHECK(wide > kDraws / 2);
  // Nothing of these shapes fits a stripe: the middle is taken.
  const ResizedCrop stripe = draw_resized_crop(key, 0, 10, 1000);
  CHECK(stripe.height == 10);
  CHECK(stripe.width == 13);
  CHECK(stripe.left == 493);
  CHECK(draw_resized_crop(key, 0, 1, 1).width == 1);
}

TEST_CASE("flip: left and right are exchanged") {
  std::vector<uint8_t> pixels = {1, 2, 3, 4, 5, 6};
  flip(pixels, 2, 3, 1);
  CHECK(pixels == std::vector<uint8_t>{3, 2, 1, 6, 5, 4});
  flip(pixels, 1, 2, 3);
  CHECK(pixels == std::vector<uint8_t>{6, 5, 4, 3, 2, 1});
}

TEST_CASE("image folder: classes are sorted folders, pictures sorted files") {
  const TemporaryFolder folder;
  write_small_folder(folder);
  write_text(folder.path("train/cat/notes.txt"), "no picture");
  const Data opened = open_data(folder.path(), {.side = 16});
  CHECK(opened.name() == "images");
  const ImageData& data = *opened.images();
  CHECK(data.augment);
  CHECK(data.train->size() == 4);
  CHECK(data.test->size() == 2);
  CHECK(data.train->classes() == 2);
  std::vector<uint8_t> pixels(16 * 16 * 3);
  CHECK(data.train->read(0, pixels) == 0);
  CHECK(pixels[100] == 21);  // cat/a.PNG
  CHECK(data.train->read(3, pixels) == 1);
  CHECK(pixels[100] == 200);  // dog/b.png
  CHECK(data.test->read_augmented(1, {random_key(1, {}), 3}, pixels) == 1);
  CHECK(pixels[100] == 202);
  CHECK(open_images(folder.path(), {}).train->height() == 224);
  const uint64_t hash = data.train->hash();
  CHECK(open_images(folder.path(), {}).train->hash() == hash);
  write_picture(folder.path("train/dog/b.png"), filled(21, 30, 1));
  CHECK(open_images(folder.path(), {}).train->hash() != hash);
}

TEST_CASE("image folder: evaluation reads the middle, training crops that differ by place") {
  const TemporaryFolder folder;
  Picture picture = filled(64, 128, 0);  // the middle: rows 4 to 60, columns 36 to 92
  for (size_t y = 0; y < 64; ++y) {
    for (size_t x = 0; x < 128; ++x) picture.pixels[3 * (128 * y + x)] = static_cast<uint8_t>(2 * x);
  }
  write_picture(folder.path("one/a.png"), picture);
  const ImageFolder images("images/train", folder.path(), 56);
  std::vector<uint8_t> pixels(56 * 56 * 3), other(pixels.size());
  images.read(0, pixels);
  for (size_t x = 0; x < 56; ++x) CHECK(pixels[3 * x] == 2 * (36 + x));
  const RandomKey key = random_key(1, {});
  images.read_augmented(0, {key, 0}, pixels);
  images.read_augmented(0, {key, 1}, other);
  CHECK(pixels != other);
  images.read_augmented(0, {key, 0}, other);
  CHECK(pixels == other);
}

TEST_CASE("image folder: what is wrong with a folder is named") {
  const TemporaryFolder folder;
  write_small_folder(folder);
  const auto opening = [&] { return failure_of([&] { open_data(folder.path(), {.side = 8}); }); };
  fs::create_directory(folder.path("train/cow"));
  CHECK(opening().says("cow holds no .png"));
  write_picture(folder.path("train/cow/a.png"), filled(1, 1, 1));
  CHECK(opening().says("In train alone: cow. In val alone: none"));
  fs::remove_all(folder.path("train/cow"));
  fs::remove_all(folder.path("val"));
  CHECK(opening().kind == ErrorKind::missing);
  fs::create_directory(folder.path("val"));
  CHECK(opening().says("holds no folders"));
  fs::remove_all(folder.path("train"));
  CHECK(opening().kind == ErrorKind::missing);
  fs::remove_all(folder.path("val"));
  CHECK(opening().says("exists but is no data that fqt knows"));

  write_small_folder(folder);
  write_text(folder.path("train/dog/b.png"), "not a picture");
  const ImageData data = open_images(folder.path(), {.side = 8});
  std::vector<uint8_t> pixels(8 * 8 * 3);
  const Failure failure = failure_of([&] { data.train->read(3, pixels); });
  CHECK(failure.kind == ErrorKind::data);
  CHECK(failure.says(folder.path("train/dog/b.png") + " is neither PNG nor JPEG"));
}
