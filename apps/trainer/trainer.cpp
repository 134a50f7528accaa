#include "trainer/trainer.h"

#include <algorithm>

#include "engine/check.h"
#include "engine/optim/schedule.h"
#include "engine/profile.h"
#include "trainer/inputs.h"
#include "trainer/passes.h"

namespace fqt::trainer {

std::unique_ptr<optim::Optimizer> make_optimizer(const TrainOptions& train, layers::Module& model) {
  return optim::find_optimizer(train.optimizer)
      .make(model.parameters(), {train.momentum, train.beta1, train.beta2, train.epsilon, train.weight_decay});
}

Trainer::Trainer(Experiment& experiment, const RunState& start)
    : experiment_(experiment),
      config_(experiment.config),
      loader_(training_batches(experiment.data, config_), {.start_step = start.step}),
      optimizer_(make_optimizer(config_.train, *experiment.model)),
      watch_(start.seconds),
      done_(start.step),
      items_(start.items) {}

data::Batch Trainer::next_batch() {
  const profile::Scope scope(profile::Phase::loader, "loader");
  return loader_.next();
}

StepRecord Trainer::step(quant::Probe* probe) {
  watch_.start();
  const data::Batch batch = next_batch();
  StepRecord record = update_weights(batch, probe);
  record.step = ++done_;
  items_ += static_cast<int64_t>(batch.labels.size());
  watch_.stop();
  record.seconds = watch_.seconds();
  return record;
}

StepRecord Trainer::update_weights(const data::Batch& batch, quant::Probe* probe) try {
  const double rate = learning_rate_at(config_.train, done_);
  const auto [loss, correct] =
      train_on({config_, *experiment_.model, *optimizer_}, batch, experiment_.precision_at(done_), done_, rate, probe);
  const double share = static_cast<double>(correct) / static_cast<double>(batch.labels.size());
  return {.loss = loss, .accuracy = 100.0 * share, .learning_rate = rate};
} catch (const Error& error) {
  if (error.kind() != ErrorKind::data) throw;
  diverged_ = true;
  fail(error.kind(), "{}; {}", error.what(), against_divergence(config_));
}

std::string against_divergence(const Config& config) {
  return fmt::format("try a lower learning rate, as in --set train.learning_rate={}, or more bits",
                     config.train.learning_rate / 10);
}

double learning_rate_at(const TrainOptions& train, int64_t step) {
  const optim::ScheduleOptions options{train.learning_rate, train.steps, train.milestones, train.factor, train.warmup};
  return optim::find_schedule(train.schedule).learning_rate(options, step);
}

double Trainer::epochs() const {
  const data::ImageData* images = experiment_.data.images();
  // The first token of a text is predicted by none.
  const int64_t items = images ? images->train->size() : experiment_.data.text()->train->size() - 1;
  return static_cast<double>(items_) / static_cast<double>(items);
}

double Trainer::items_per_second() const { return static_cast<double>(items_) / std::max(watch_.seconds(), 1e-9); }

ProgressState Trainer::progress(const StepRecord& record) const {
  const double per_second = items_per_second();
  return {
      .what = "step",
      .items = item_name(experiment_.data),
      .done = done_,
      .total = config_.train.steps,
      .has_result = true,
      .loss = record.loss,
      .accuracy = record.accuracy,
      .items_per_second = per_second,
      .seconds_left = watch_.seconds() * static_cast<double>(config_.train.steps - done_) / static_cast<double>(done_)};
}

}  // namespace fqt::trainer
