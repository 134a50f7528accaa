#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "data/dataset.h"
#include "engine/tensor.h"

namespace fqt::data {

struct Batch {
  Tensor images;  ///< [n, height, width, channels], normalized
  std::vector<int32_t> labels;
};

struct LoaderOptions {
  int64_t batch = 128;
  uint64_t seed = 1;
  bool shuffle = true;     ///< a new order every epoch, from (seed, epoch)
  bool augment = true;     ///< pad-4 random crop and flip, from (seed, epoch, position)
  bool drop_last = true;   ///< leave out the last, smaller batch of an epoch
  int64_t start_step = 0;  ///< first batch to yield, counted from the beginning of training
  int64_t ahead = 4;       ///< batches prepared before they are asked for
};

/// Yields batches, epoch after epoch, prepared ahead of time on a thread of its own. Batch t is a function of
/// (data, options, t): neither timing nor the number of threads changes it.
class Loader {
 public:
  Loader(const ImageDataset& dataset, const Normalization& normalization, const LoaderOptions& options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  int64_t batches_per_epoch() const;
  /// The next batch. Rethrows what went wrong while it was prepared.
  Batch next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Batch t without a loader: the specification of what Loader yields.
Batch make_batch(const ImageDataset& dataset, const Normalization& normalization, const LoaderOptions& options,
                 int64_t step);

}  // namespace fqt::data
