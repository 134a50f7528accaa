#include "trainer/trainer.h"

#include <algorithm>

#include "engine/check.h"
#include "engine/ops/loss.h"
#include "engine/optim/schedule.h"

namespace fqt::trainer {
namespace {

data::LoaderOptions loader_options(const Config& config) {
  return {.batch = config.train.batch,
          .sequence = config.train.sequence,
          .seed = static_cast<uint64_t>(config.seed),
          .shuffle = true,
          .augment = config.train.augment == "on",
          .drop_last = false};
}

}  // namespace

Trainer::Trainer(Experiment& experiment)
    : experiment_(experiment),
      config_(experiment.config),
      loader_(*experiment.data.train, experiment.data.normalization, loader_options(config_)),
      optimizer_(experiment.model->parameters(), {config_.train.momentum, config_.train.weight_decay}) {}

StepRecord Trainer::step(quant::Probe* probe) {
  watch_.start();
  const data::Batch batch = loader_.next();
  StepRecord record = update_weights(batch, probe);
  record.step = ++done_;
  items_ += static_cast<int64_t>(batch.labels.size());
  watch_.stop();
  record.seconds = watch_.seconds();
  return record;
}

StepRecord Trainer::update_weights(const data::Batch& batch, quant::Probe* probe) try {
  const double rate = learning_rate();
  optimizer_.zero_grad();
  Tape tape;
  const quant::PrecisionTable precision = experiment_.precision_at(done_);
  const quant::Context context{.tape = tape,
                               .precision = precision,
                               .training = true,
                               .seed = static_cast<uint64_t>(config_.seed),
                               .step = static_cast<uint64_t>(done_),
                               .range_momentum = config_.quant.range_momentum,
                               .probe = probe};
  const Var logits = experiment_.model->forward(context, Var(batch.inputs));
  const Var loss = ops::cross_entropy(tape, logits, batch.labels);
  const float value = loss.value().item();
  tape.backward(loss);
  optimizer_.step(rate);
  const double correct = static_cast<double>(ops::count_correct(logits.value(), batch.labels));
  return {.loss = value, .accuracy = 100.0 * correct / static_cast<double>(batch.labels.size()), .learning_rate = rate};
} catch (const Error& error) {
  if (error.kind() != ErrorKind::data) throw;
  diverged_ = true;
  fail(error.kind(), "{}; {}", error.what(), against_divergence(config_));
}

std::string against_divergence(const Config& config) {
  return fmt::format("try a lower learning rate, as in --set train.learning_rate={}, or more bits",
                     config.train.learning_rate / 10);
}

double Trainer::learning_rate() const {
  const optim::ScheduleOptions options{config_.train.learning_rate, config_.train.steps, config_.train.milestones,
                                       config_.train.factor};
  return optim::find_schedule(config_.train.schedule).learning_rate(options, done_);
}

double Trainer::items_per_second() const { return static_cast<double>(items_) / std::max(watch_.seconds(), 1e-9); }

ProgressState Trainer::progress(const StepRecord& record) const {
  const double per_second = items_per_second();
  return {.what = "step",
          .done = done_,
          .total = config_.train.steps,
          .has_result = true,
          .loss = record.loss,
          .accuracy = record.accuracy,
          .items_per_second = per_second,
          .seconds_left = static_cast<double>((config_.train.steps - done_) * config_.train.batch) / per_second};
}

}  // namespace fqt::trainer
