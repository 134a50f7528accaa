#include "trainer/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "data/loader.h"
#include "engine/rehearsal.h"
#include "models/zoo.h"
#include "trainer/host.h"
#include "trainer/inputs.h"
#include "trainer/passes.h"
#include "trainer/text.h"
#include "trainer/trainer.h"

namespace fqt::trainer {
namespace {

constexpr int64_t kSteps = 3;  ///< from then on the blocks of one step serve the next, within a percent

/// Storage taken up since the last call.
class Growth {
 public:
  int64_t operator()() {
    const int64_t before = std::exchange(seen_, storage_bytes());
    return seen_ - before;
  }

 private:
  int64_t seen_ = storage_bytes();
};

/// Zeros in place of images or tokens; all labels are 0, too.
data::Batch blank_batch(const Shape& shape, bool images) {
  const int64_t labels = images ? shape.front() : element_count(shape);
  return {Tensor::zeros(shape), std::vector<int32_t>(static_cast<size_t>(labels))};
}

std::vector<data::Batch> blank_batches(int64_t count, const Shape& shape, bool images) {
  std::vector<data::Batch> batches;
  for (int64_t i = 0; i < count; ++i) batches.push_back(blank_batch(shape, images));
  return batches;
}

int64_t bytes_of(const std::vector<Parameter*>& parameters) {
  int64_t bytes = 0;
  for (const Parameter* parameter : parameters) bytes += parameter->value.size() * static_cast<int64_t>(sizeof(float));
  return bytes;
}

int64_t in_mb(int64_t bytes) { return (bytes + 500'000) / 1'000'000; }

}  // namespace

MemoryNeed expected_memory(const Experiment& experiment) {
  const Config& config = experiment.config;
  const bool images = experiment.data.images() != nullptr;
  MemoryNeed need{.data = experiment.data_bytes};
  need.program = std::max<int64_t>(resident_bytes() - storage_bytes() - need.data, 0);

  const Rehearsal rehearsal;
  Growth growth;
  // First of all, since nothing has been written to their storage yet: they hold zeros.
  const std::vector<data::Batch> training =
      blank_batches(data::LoaderOptions{}.ahead + 1, training_shape(experiment.data, config), images);
  const std::vector<data::Batch> testing =
      blank_batches(kTestBatchesAhead + 1, evaluation_shape(experiment.data, config), images);
  need.batches = growth();
  const auto model = models::build_model(config.model, model_options(config, experiment.data));
  need.weights = growth();
  const auto optimizer = make_optimizer(config.train, *model);
  need.optimizer = growth();
  for (int64_t step = 0; step < kSteps; ++step)
    train_on({config, *model, *optimizer}, training.front(), experiment.precision, step, 0, nullptr);
  test_on(config, *model, testing.front(), experiment.precision, 0);
  need.gradients = bytes_of(model->parameters());
  need.activations = growth() - need.gradients;
  return need;
}

std::string describe(const MemoryNeed& need) {
  const std::pair<const char*, int64_t> parts[] = {{"weights", need.weights},     {"gradients", need.gradients},
                                                   {"optimizer", need.optimizer}, {"activations", need.activations},
                                                   {"batches", need.batches},     {"data", need.data},
                                                   {"program", need.program}};
  std::vector<std::string> texts;
  for (const auto& [name, bytes] : parts)
    if (in_mb(bytes) > 0) texts.push_back(fmt::format("{} {} MB", name, grouped(in_mb(bytes))));
  return fmt::format("about {} MB ({})", grouped(in_mb(need.total())), join(texts));
}

std::optional<std::string> memory_warning(const Experiment& experiment, const MemoryNeed& need, int64_t available) {
  if (need.total() <= available) return std::nullopt;
  const int64_t batch = experiment.config.train.batch;
  const std::string advice =
      batch > 1 ? fmt::format("give a smaller batch, as in --batch {}", std::max<int64_t>(batch / 2, 1))
                : "give a smaller model or smaller images";
  return fmt::format("warning: that is more than the {} MB there are here, so that the system may end this run; {}",
                     grouped(in_mb(available)), advice);
}

}  // namespace fqt::trainer
