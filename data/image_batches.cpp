#include <algorithm>
#include <array>

#include "data/batch.h"
#include "engine/check.h"
#include "engine/hash.h"
#include "engine/random.h"

namespace fqt::data {
namespace {

/// Quickest when epochs do not alternate, because it keeps one epoch's order.
class ImageBatches : public BatchSource {
 public:
  ImageBatches(const ImageDataset& dataset, const Normalization& normalization, const LoaderOptions& options)
      : dataset_(dataset), options_(options) {
    check(options.batch >= 1, "[loader] a batch of {} images; at least 1 is needed", options.batch);
    check(dataset.size() >= 1, "[loader] {} holds no images", dataset.name());
    check(batches_per_epoch() >= 1, "[loader] a batch of {} images does not fit in the {} of {}", options.batch,
          dataset.size(), dataset.name());
    const auto channels = static_cast<size_t>(dataset.channels());
    check(normalization.mean.size() == channels && normalization.standard_deviation.size() == channels,
          "[loader] {} means and {} standard deviations for {} channels", normalization.mean.size(),
          normalization.standard_deviation.size(), channels);
    for (size_t c = 0; c < channels; ++c) {
      std::array<float, 256>& values = normalized_.emplace_back();
      for (size_t byte = 0; byte < values.size(); ++byte) {
        values[byte] =
            (static_cast<float>(byte) / 255.0f - normalization.mean[c]) / normalization.standard_deviation[c];
      }
    }
  }

  int64_t batches_per_epoch() const override {
    const int64_t whole = dataset_.size() / options_.batch;
    return options_.drop_last || dataset_.size() % options_.batch == 0 ? whole : whole + 1;
  }

  Batch make(int64_t step) override {
    const int64_t epoch = step / batches_per_epoch();
    const int64_t begin = step % batches_per_epoch() * options_.batch;
    const int64_t end = std::min(begin + options_.batch, dataset_.size());
    const int64_t height = dataset_.height(), width = dataset_.width(), channels = dataset_.channels();
    const int64_t image = height * width * channels;
    enter(epoch);

    Batch batch{Tensor({end - begin, height, width, channels}), {}};
    const RandomKey augment_key = random_key(options_.seed, {hash_text("augment"), static_cast<uint64_t>(epoch)});
    std::vector<uint8_t> pixels(static_cast<size_t>(image));
    float* to = batch.inputs.data();
    for (int64_t position = begin; position < end; ++position, to += image) {
      const int64_t index = index_at(position);
      batch.labels.push_back(options_.augment ? dataset_.read_augmented(index, {augment_key, position}, pixels)
                                              : dataset_.read(index, pixels));
      normalize(pixels, to);
    }
    return batch;
  }

 private:
  void enter(int64_t epoch) {
    if (epoch == epoch_) return;
    if (options_.shuffle) {
      order_ = random_permutation(random_key(options_.seed, {hash_text("order"), static_cast<uint64_t>(epoch)}),
                                  dataset_.size());
    }
    epoch_ = epoch;
  }

  int64_t index_at(int64_t position) const {
    const int64_t index = options_.shuffle ? order_[static_cast<size_t>(position)] : position;
    return dataset_.endless() ? epoch_ * dataset_.size() + index : index;
  }

  void normalize(std::span<const uint8_t> pixels, float* to) const {
    const size_t channels = normalized_.size();
    for (size_t i = 0; i < pixels.size(); i += channels) {
      for (size_t c = 0; c < channels; ++c) to[i + c] = normalized_[c][pixels[i + c]];
    }
  }

  const ImageDataset& dataset_;
  const LoaderOptions options_;
  std::vector<std::array<float, 256>> normalized_;  ///< per channel, the value of every byte
  int64_t epoch_ = -1;
  std::vector<int64_t> order_;  ///< of epoch_
};

}  // namespace

std::unique_ptr<BatchSource> image_batches(const ImageDataset& dataset, const Normalization& normalization,
                                           const LoaderOptions& options) {
  return std::make_unique<ImageBatches>(dataset, normalization, options);
}

}  // namespace fqt::data
