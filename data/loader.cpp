#include "data/loader.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "data/augment.h"
#include "engine/check.h"
#include "engine/hash.h"
#include "engine/random.h"

namespace fqt::data {
namespace {

/// Makes batches in any order; quickest when epochs do not alternate, because it keeps one epoch's order.
class BatchMaker {
 public:
  BatchMaker(const ImageDataset& dataset, const Normalization& normalization, const LoaderOptions& options)
      : dataset_(dataset), options_(options) {
    check(options.batch >= 1, "[loader] a batch of {} images; at least 1 is needed", options.batch);
    check(options.ahead >= 1, "[loader] {} batches ahead; at least 1 is needed", options.ahead);
    check(options.start_step >= 0, "[loader] start at step {}; steps count from 0", options.start_step);
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

  int64_t batches_per_epoch() const {
    const int64_t whole = dataset_.size() / options_.batch;
    return options_.drop_last || dataset_.size() % options_.batch == 0 ? whole : whole + 1;
  }

  Batch make(int64_t step) {
    const int64_t epoch = step / batches_per_epoch();
    const int64_t begin = step % batches_per_epoch() * options_.batch;
    const int64_t end = std::min(begin + options_.batch, dataset_.size());
    const int64_t height = dataset_.height(), width = dataset_.width(), channels = dataset_.channels();
    const int64_t image = height * width * channels;
    enter(epoch);

    Batch batch{Tensor({end - begin, height, width, channels}), {}};
    const RandomKey augment_key = random_key(options_.seed, {hash_text("augment"), static_cast<uint64_t>(epoch)});
    std::vector<uint8_t> pixels(static_cast<size_t>(image)), cropped(static_cast<size_t>(image));
    float* to = batch.images.data();
    for (int64_t position = begin; position < end; ++position, to += image) {
      batch.labels.push_back(dataset_.read(index_at(position), pixels));
      if (options_.augment) {
        crop_flip(pixels, height, width, channels, draw_crop_flip(augment_key, position), cropped);
        normalize(cropped, to);
      } else {
        normalize(pixels, to);
      }
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

/// One thread produces; whoever calls next() consumes.
struct Loader::State {
  State(const ImageDataset& dataset, const Normalization& normalization, const LoaderOptions& options)
      : maker(dataset, normalization, options), batches_per_epoch(maker.batches_per_epoch()) {
    try {
      producer = std::thread([this, options] { produce(options.start_step, static_cast<size_t>(options.ahead)); });
    } catch (const std::system_error& error) {
      fail(ErrorKind::io, "[loader] the system gives no thread to prepare batches on: {}", error.what());
    }
  }

  ~State() {
    {
      const std::lock_guard lock(mutex);
      stop = true;
    }
    changed.notify_all();
    producer.join();
  }

  void produce(int64_t step, size_t ahead) {
    try {
      for (;; ++step) {
        {
          std::unique_lock lock(mutex);
          changed.wait(lock, [&] { return stop || ready.size() < ahead; });
          if (stop) return;
        }
        Batch batch = maker.make(step);
        const std::lock_guard lock(mutex);
        ready.push_back(std::move(batch));
        changed.notify_all();
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      error = std::current_exception();
      changed.notify_all();
    }
  }

  Batch next() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return error || !ready.empty(); });
    if (ready.empty()) std::rethrow_exception(error);  // after the batches that came before it
    Batch batch = std::move(ready.front());
    ready.pop_front();
    changed.notify_all();
    return batch;
  }

  BatchMaker maker;  ///< the producer's alone
  const int64_t batches_per_epoch;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Batch> ready;
  std::exception_ptr error;
  bool stop = false;
  std::thread producer;
};

Loader::Loader(const ImageDataset& dataset, const Normalization& normalization, const LoaderOptions& options)
    : state_(std::make_unique<State>(dataset, normalization, options)) {}

Loader::~Loader() = default;

int64_t Loader::batches_per_epoch() const { return state_->batches_per_epoch; }

Batch Loader::next() { return state_->next(); }

Batch make_batch(const ImageDataset& dataset, const Normalization& normalization, const LoaderOptions& options,
                 int64_t step) {
  check(step >= 0, "[make_batch] step {}; steps count from 0", step);
  return BatchMaker(dataset, normalization, options).make(step);
}

}  // namespace fqt::data
