#include "data/loader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "engine/check.h"

using namespace fqt;
using namespace fqt::data;

namespace {

/// Images of 2x2 pixels whose bytes all are the index, and whose label is the index. The image at `broken` is
/// malformed.
class CountingDataset : public ImageDataset {
 public:
  explicit CountingDataset(int64_t size, bool endless = false, int64_t broken = -1, int milliseconds = 0)
      : size_(size), endless_(endless), broken_(broken), milliseconds_(milliseconds) {}

  std::string name() const override { return "counting"; }
  int64_t height() const override { return 2; }
  int64_t width() const override { return 2; }
  int64_t channels() const override { return 1; }
  int64_t classes() const override { return 1000; }
  int64_t size() const override { return size_; }
  bool endless() const override { return endless_; }
  int32_t read(int64_t index, std::span<uint8_t> pixels) const override {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds_));
    if (index == broken_) fail(ErrorKind::data, "[counting] image {} is malformed", index);
    std::fill(pixels.begin(), pixels.end(), static_cast<uint8_t>(index));
    return static_cast<int32_t>(index);
  }
  uint64_t hash() const override { return 0; }

 private:
  int64_t size_;
  bool endless_;
  int64_t broken_;
  int milliseconds_;
};

const Normalization kHalf = {{0.5f}, {0.25f}};

bool same(const Batch& a, const Batch& b) {
  return a.labels == b.labels && a.inputs.shape() == b.inputs.shape() &&
         std::ranges::equal(a.inputs.values(), b.inputs.values());
}

std::vector<int32_t> sorted(std::vector<int32_t> labels) {
  std::sort(labels.begin(), labels.end());
  return labels;
}

}  // namespace

TEST_CASE("make_batch: pixels are normalized and labels follow") {
  const CountingDataset dataset(256);
  const Batch batch = make_batch(dataset, kHalf, {.batch = 64, .shuffle = false, .augment = false}, 3);
  CHECK(batch.inputs.shape() == Shape{64, 2, 2, 1});
  CHECK(batch.labels[63] == 255);
  CHECK(batch.inputs.data()[4 * 63] == 2.0f);                         // (255/255 - 0.5) / 0.25
  CHECK(batch.inputs.data()[3] == (192.0f / 255.0f - 0.5f) / 0.25f);  // image 3 * 64, last pixel
}

TEST_CASE("make_batch: the border of a crop is black before normalization") {
  const CountingDataset dataset(200);
  const LoaderOptions options = {.batch = 200, .shuffle = false, .augment = true};
  const Batch batch = make_batch(dataset, kHalf, options, 0);
  int64_t border = 0;
  for (int64_t i = 0; i < batch.inputs.size(); ++i) {
    const float value = batch.inputs.data()[i];
    const float inside = (static_cast<float>(i / 4) / 255.0f - 0.5f) / 0.25f;
    CHECK((value == -2.0f || value == inside));  // (0 - 0.5) / 0.25
    border += value == -2.0f;
  }
  CHECK(border > 0);
  const Batch next = make_batch(dataset, kHalf, options, 1);
  CHECK_FALSE(same(batch, next));  // another epoch, other crops
}

TEST_CASE("make_batch: an epoch shows every image once, in an order of its own") {
  const CountingDataset dataset(10);
  const LoaderOptions options = {.batch = 4, .augment = false, .drop_last = false};
  std::vector<std::vector<int32_t>> epochs;
  for (int64_t epoch = 0; epoch < 2; ++epoch) {
    std::vector<int32_t>& labels = epochs.emplace_back();
    for (int64_t i = 0; i < 3; ++i) {  // batches of 4, 4 and 2
      const Batch batch = make_batch(dataset, kHalf, options, 3 * epoch + i);
      CHECK(batch.inputs.dim(0) == (i == 2 ? 2 : 4));
      labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
    }
    CHECK(sorted(labels) == std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  }
  CHECK(epochs[0] != epochs[1]);
  LoaderOptions other = options;
  other.seed = 2;
  CHECK(make_batch(dataset, kHalf, other, 0).labels != make_batch(dataset, kHalf, options, 0).labels);
}

TEST_CASE("make_batch: an endless set goes on with new images") {
  const CountingDataset dataset(4, /*endless=*/true);
  const LoaderOptions options = {.batch = 4, .augment = false};
  CHECK(sorted(make_batch(dataset, kHalf, options, 0).labels) == std::vector<int32_t>{0, 1, 2, 3});
  CHECK(sorted(make_batch(dataset, kHalf, options, 5).labels) == std::vector<int32_t>{20, 21, 22, 23});
}

TEST_CASE("loader: yields what make_batch makes, whoever is faster and wherever it starts") {
  for (const int64_t start : {0, 7}) {
    for (const int64_t ahead : {1, 4}) {
      for (const int slow : {0, 1}) {  // milliseconds an image, or between two calls of next()
        CAPTURE(start);
        CAPTURE(ahead);
        CAPTURE(slow);
        const CountingDataset dataset(10, false, -1, slow);
        const LoaderOptions options = {.batch = 4, .drop_last = false, .start_step = start, .ahead = ahead};
        Loader loader(dataset, kHalf, options);
        CHECK(loader.batches_per_epoch() == 3);
        for (int64_t step = start; step < start + 8; ++step) {
          if (!slow) std::this_thread::sleep_for(std::chrono::milliseconds(2));
          CHECK(same(loader.next(), make_batch(dataset, kHalf, options, step)));
        }
      }
    }
  }
}

TEST_CASE("loader: an error reaches next() after the batches before it, and again") {
  const CountingDataset dataset(12, false, /*broken=*/6);
  Loader loader(dataset, kHalf, {.batch = 2, .shuffle = false, .augment = false});
  for (int i = 0; i < 3; ++i) CHECK(loader.next().labels[0] == 2 * i);
  for (int i = 0; i < 2; ++i) CHECK_THROWS_WITH_AS(loader.next(), "[counting] image 6 is malformed", Error);
}

TEST_CASE("loader: ends with work unfinished, with work unasked for, and after an error") {
  const CountingDataset slow(1000, false, -1, 1), quick(1000), broken(1000, false, 0);
  const LoaderOptions options = {.batch = 50, .shuffle = false};
  { Loader loader(slow, kHalf, options); }  // amid its first batch
  {
    Loader loader(quick, kHalf, options);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // by now it waits for room
  }
  {
    Loader loader(broken, kHalf, options);
    CHECK_THROWS_AS(loader.next(), Error);
  }
}

TEST_CASE("loader: options that make no batch are refused") {
  const CountingDataset dataset(10);
  CHECK_THROWS_AS(Loader(dataset, kHalf, {.batch = 0}), Error);
  CHECK_THROWS_AS(Loader(dataset, kHalf, {.batch = 11}), Error);
  CHECK_THROWS_AS(Loader(dataset, kHalf, {.batch = 1, .start_step = -1}), Error);
  CHECK_THROWS_AS(Loader(dataset, kHalf, {.batch = 1, .ahead = 0}), Error);
  CHECK_THROWS_AS(Loader(dataset, {{0.5f, 0.5f}, {1, 1}}, {.batch = 1}), Error);
  CHECK_THROWS_AS(make_batch(dataset, kHalf, {.batch = 1}, -1), Error);
  CHECK(make_batch(dataset, kHalf, {.batch = 11, .drop_last = false}, 0).labels.size() == 10);
}
