#include "trainer/evaluate.h"

#include <algorithm>
#include <chrono>

#include "data/loader.h"
#include "engine/ops/loss.h"

namespace fqt::trainer {
namespace {

constexpr int64_t kBatch = 100;

/// The first `count` images of a batch.
data::Batch head(data::Batch batch, int64_t count) {
  if (batch.inputs.dim(0) <= count) return batch;
  Shape shape = batch.inputs.shape();
  shape[0] = count;
  const auto values = batch.inputs.values().first(static_cast<size_t>(element_count(shape)));
  batch.inputs = Tensor(shape, values);
  batch.labels.resize(static_cast<size_t>(count));
  return batch;
}

}  // namespace

Evaluation evaluate(const Experiment& experiment, Progress& progress, const Interrupt& interrupt) {
  const Config& config = experiment.config;
  const data::ImageDataset& test = *experiment.data.test;
  const int64_t images = config.eval.images > 0 ? std::min(config.eval.images, test.size()) : test.size();
  const data::LoaderOptions options{.batch = std::min(kBatch, images),
                                    .seed = static_cast<uint64_t>(config.seed),
                                    .shuffle = false,
                                    .augment = false,
                                    .drop_last = false,
                                    .ahead = 2};
  data::Loader loader(test, experiment.data.normalization, options);
  const auto start = std::chrono::steady_clock::now();

  double loss_sum = 0;
  int64_t correct = 0, seen = 0;
  uint64_t batches = 0;
  while (seen < images) {
    interrupt.check("evaluate");
    const data::Batch batch = head(loader.next(), images - seen);
    Tape tape(false);
    const quant::Context context{.tape = tape,
                                 .precision = experiment.precision,
                                 .training = false,
                                 .seed = static_cast<uint64_t>(config.seed),
                                 .step = batches++,
                                 .range_momentum = config.quant.range_momentum};
    const Var logits = experiment.model->forward(context, Var(batch.inputs));
    const Var loss = ops::cross_entropy(tape, logits, batch.labels);
    const int64_t count = batch.inputs.dim(0);
    loss_sum += static_cast<double>(loss.value().item()) * static_cast<double>(count);
    correct += ops::count_correct(logits.value(), batch.labels);
    seen += count;

    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double rate = static_cast<double>(seen) / std::max(seconds, 1e-9);
    progress.update({.what = "test",
                     .done = seen,
                     .total = images,
                     .has_result = true,
                     .loss = loss_sum / static_cast<double>(seen),
                     .accuracy = 100.0 * static_cast<double>(correct) / static_cast<double>(seen),
                     .items_per_second = rate,
                     .seconds_left = static_cast<double>(images - seen) / rate});
  }
  return {loss_sum / static_cast<double>(seen), 100.0 * static_cast<double>(correct) / static_cast<double>(seen), seen};
}

}  // namespace fqt::trainer
