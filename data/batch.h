#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "data/dataset.h"
#include "data/text.h"
#include "engine/tensor.h"

namespace fqt::data {

struct Batch {
  /// Images, [n, height, width, channels], normalized; or tokens, [rows, steps], whole numbers held in float32.
  Tensor inputs;
  /// One an image; or one a token, in the inputs' order: the token that follows it.
  std::vector<int32_t> labels;
  /// Whether a recurrent state has to start anew here, because these tokens do not follow those of the batch before.
  bool restart = false;
};

struct LoaderOptions {
  int64_t batch = 128;       ///< images, or rows of tokens
  int64_t sequence = 35;     ///< tokens of a row in one batch
  uint64_t seed = 1;         ///< of images' order and augmentation
  bool shuffle = true;       ///< images: a new order every epoch, from (seed, epoch)
  bool augment = true;       ///< images: as ImageDataset::read_augmented, from (seed, epoch, position)
  bool drop_last = true;     ///< leave out the last, smaller batch of an epoch
  bool every_token = false;  ///< tokens: batches of one row at the end of an epoch for those that fill no row
  int64_t start_step = 0;    ///< first batch to yield, counted from the beginning of training
  int64_t ahead = 4;         ///< batches prepared before they are asked for
};

/// Batches by their number. Used by one thread at a time.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual int64_t batches_per_epoch() const = 0;
  /// Batch `step`, counted from the beginning of training. Any order is right; rising order is the quickest.
  virtual Batch make(int64_t step) = 0;
};

/// Batches of images. Error(usage) for options that make no batch. What is given must outlive the source.
std::unique_ptr<BatchSource> image_batches(const ImageDataset& dataset, const Normalization& normalization,
                                           const LoaderOptions& options);

/// Batches of tokens, as language models are trained (Zaremba et al. 2014). Of an epoch of n tokens, n - 1 are inputs
/// and have a label, the token that follows. They are cut into `batch` rows of L = floor((n - 1) / batch) consecutive
/// tokens: row b is inputs b * L to (b + 1) * L - 1. Batch t of an epoch holds tokens t * sequence to (t + 1) *
/// sequence - 1 of every row; the last batch may be shorter, and is left out with drop_last. Fewer than `batch` inputs
/// fill no row: training leaves them out; with every_token they follow as batches of one row of up to `sequence`
/// tokens, so that each label is counted exactly once. Error(usage) for options that make no batch. The stream must
/// outlive the source.
std::unique_ptr<BatchSource> token_batches(const TokenStream& stream, const LoaderOptions& options);

}  // namespace fqt::data
