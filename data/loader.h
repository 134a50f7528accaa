#pragma once

#include <cstdint>
#include <memory>

#include "data/batch.h"

namespace fqt::data {

/// Yields batches, epoch after epoch, prepared ahead of time on a thread of its own. Batch t is a function of
/// (data, options, t): neither timing nor the number of threads changes it.
class Loader {
 public:
  Loader(const ImageDataset& dataset, const Normalization& normalization, const LoaderOptions& options);
  Loader(const TokenStream& stream, const LoaderOptions& options);
  Loader(std::unique_ptr<BatchSource> source, const LoaderOptions& options);
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
Batch make_batch(const TokenStream& stream, const LoaderOptions& options, int64_t step);

}  // namespace fqt::data
