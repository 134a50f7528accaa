#include "trainer/evaluate.h"

#include <algorithm>
#include <chrono>

#include "data/loader.h"
#include "engine/math.h"
#include "engine/ops/loss.h"
#include "trainer/passes.h"

namespace fqt::trainer {
namespace {

/// The first `count` images of a batch.
data::Batch head(data::Batch batch, int64_t count) {
  if (batch.inputs.dim(0) <= count) return batch;
  Shape shape = batch.inputs.shape();
  shape[0] = count;
  batch.inputs = Tensor(shape, batch.inputs.values().first(static_cast<size_t>(element_count(shape))));
  batch.labels.resize(static_cast<size_t>(count));
  return batch;
}

/// Sums over what has been seen.
struct Tally {
  double loss = 0;
  int64_t correct = 0, among_five = 0, items = 0;

  void add(const Tensor& logits, double mean_loss, std::span<const int32_t> labels) {
    const auto count = static_cast<int64_t>(labels.size());
    loss += mean_loss * static_cast<double>(count);
    correct += ops::count_correct(logits, labels);
    among_five += ops::count_correct(logits, labels, 5);
    items += count;
  }

  Evaluation mean() const {
    const double all = static_cast<double>(items);
    return {loss / all, 100.0 * static_cast<double>(correct) / all, 100.0 * static_cast<double>(among_five) / all,
            items};
  }
};

}  // namespace

double Evaluation::perplexity() const { return math::exp(loss); }

Evaluation evaluate(const Experiment& experiment, Split split, Progress& progress, const Interrupt& interrupt) {
  const Config& config = experiment.config;
  EvaluationBatches batches = evaluation_batches(experiment.data, config, split);
  data::Loader loader(std::move(batches.source), {.ahead = kTestBatchesAhead});
  const auto start = std::chrono::steady_clock::now();

  Tally tally;
  uint64_t number = 0;
  while (tally.items < batches.items) {
    interrupt.check("evaluate");
    data::Batch batch = loader.next();
    if (experiment.data.images()) batch = head(std::move(batch), batches.items - tally.items);
    const TestOutcome outcome = test_on(config, *experiment.model, batch, experiment.precision, number++);
    tally.add(outcome.logits, outcome.loss, batch.labels);

    const Evaluation mean = tally.mean();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double rate = static_cast<double>(tally.items) / std::max(seconds, 1e-9);
    progress.update({.what = "test",
                     .items = item_name(experiment.data),
                     .done = tally.items,
                     .total = std::max(tally.items, batches.items),
                     .has_result = true,
                     .loss = mean.loss,
                     .accuracy = mean.accuracy,
                     .items_per_second = rate,
                     .seconds_left = static_cast<double>(std::max<int64_t>(batches.items - tally.items, 0)) / rate});
  }
  return tally.mean();
}

}  // namespace fqt::trainer
