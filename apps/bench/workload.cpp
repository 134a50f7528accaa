#include "bench/workload.h"

#include <algorithm>
#include <cstring>

#include "engine/random.h"

namespace fqt::bench {
namespace {

constexpr uint64_t kSeed = 1;
constexpr int64_t kImages = 256, kTokens = 1 << 16, kWords = 10000;
constexpr int64_t kSmallSide = 32, kLargestSmall = 64;

/// Words of 32 random bits.
std::vector<uint32_t> random_words(int64_t count, uint64_t stream) {
  std::vector<uint32_t> words;
  for (int64_t i = 0; i < count; ++i) words.push_back(random_word({kSeed, stream}, static_cast<uint64_t>(i)));
  return words;
}

class RandomImages : public data::ImageDataset {
 public:
  RandomImages(int64_t side, int64_t classes, int64_t size)
      : side_(side), classes_(classes), size_(size), words_(random_words(side * side * 3 / 4 + size, 1)) {}

  std::string name() const override { return "random"; }
  int64_t height() const override { return side_; }
  int64_t width() const override { return side_; }
  int64_t channels() const override { return 3; }
  int64_t classes() const override { return classes_; }
  int64_t size() const override { return size_; }
  int32_t read(int64_t index, std::span<uint8_t> pixels) const override {
    std::memcpy(pixels.data(), words_.data() + index, pixels.size());
    return static_cast<int32_t>(index % classes_);
  }
  uint64_t hash() const override { return kSeed; }

 private:
  int64_t side_, classes_, size_;
  std::vector<uint32_t> words_;
};

std::unique_ptr<data::TokenStream> random_tokens() {
  std::vector<int32_t> tokens;
  for (const uint32_t word : random_words(kTokens, 2)) tokens.push_back(static_cast<int32_t>(word % kWords));
  return std::make_unique<data::StoredTokens>("random", std::move(tokens));
}

}  // namespace

data::Data random_data(models::ModelInput input, int64_t side, int64_t batch) {
  if (input == models::ModelInput::images) {
    if (side == 0) side = kSmallSide;
    const int64_t classes = side > kLargestSmall ? 1000 : 10;
    const int64_t size = std::max(kImages, batch);
    return {data::ImageData{std::make_unique<RandomImages>(side, classes, size),
                            std::make_unique<RandomImages>(side, classes, size),
                            {{0.5f, 0.5f, 0.5f}, {0.25f, 0.25f, 0.25f}}}};
  }
  data::TextData text{random_tokens(), random_tokens(), random_tokens(), {}, {}};
  for (int64_t word = 0; word < kWords; ++word) text.vocabulary.add(std::to_string(word));
  return {std::move(text)};
}

}  // namespace fqt::bench
