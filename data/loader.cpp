#include "data/loader.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "engine/check.h"

namespace fqt::data {

/// One thread produces; whoever calls next() consumes.
struct Loader::State {
  State(std::unique_ptr<BatchSource> batches, const LoaderOptions& options)
      : source(std::move(batches)), batches_per_epoch(source->batches_per_epoch()) {
    check(options.ahead >= 1, "[loader] {} batches ahead; at least 1 is needed", options.ahead);
    check(options.start_step >= 0, "[loader] start at step {}; steps count from 0", options.start_step);
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
        Batch batch = source->make(step);
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

  const std::unique_ptr<BatchSource> source;  ///< the producer's alone
  const int64_t batches_per_epoch;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Batch> ready;
  std::exception_ptr error;
  bool stop = false;
  std::thread producer;
};

Loader::Loader(std::unique_ptr<BatchSource> source, const LoaderOptions& options)
    : state_(std::make_unique<State>(std::move(source), options)) {}

Loader::Loader(const ImageDataset& dataset, const Normalization& normalization, const LoaderOptions& options)
    : Loader(image_batches(dataset, normalization, options), options) {}

Loader::Loader(const TokenStream& stream, const LoaderOptions& options)
    : Loader(token_batches(stream, options), options) {}

Loader::~Loader() = default;

int64_t Loader::batches_per_epoch() const { return state_->batches_per_epoch; }

Batch Loader::next() { return state_->next(); }

Batch make_batch(const ImageDataset& dataset, const Normalization& normalization, const LoaderOptions& options,
                 int64_t step) {
  check(step >= 0, "[make_batch] step {}; steps count from 0", step);
  return image_batches(dataset, normalization, options)->make(step);
}

Batch make_batch(const TokenStream& stream, const LoaderOptions& options, int64_t step) {
  check(step >= 0, "[make_batch] step {}; steps count from 0", step);
  return token_batches(stream, options)->make(step);
}

}  // namespace fqt::data
