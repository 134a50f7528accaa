#pragma once

#include <chrono>
#include <cstdint>

#include "data/loader.h"
#include "engine/optim/optimizer.h"
#include "quant/probe.h"
#include "trainer/checkpoint.h"
#include "trainer/experiment.h"
#include "trainer/log.h"
#include "trainer/progress.h"

namespace fqt::trainer {

/// Adds up the time between start() and stop().
class Stopwatch {
 public:
  explicit Stopwatch(double seconds) : seconds_(seconds) {}
  void start() { since_ = Clock::now(); }
  void stop() { seconds_ += std::chrono::duration<double>(Clock::now() - since_).count(); }
  double seconds() const { return seconds_; }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point since_;
  double seconds_;
};

/// The optimizer that the options ask for.
std::unique_ptr<optim::Optimizer> make_optimizer(const TrainOptions& train, layers::Module& model);

/// Of step `step`, counted from 0.
double learning_rate_at(const TrainOptions& train, int64_t step);

/// Training by itself, without files: batches, steps of the optimizer, and how far they have come.
class Trainer {
 public:
  /// `start`: where it goes on; the model and the optimizer are restored by the caller.
  explicit Trainer(Experiment& experiment, const RunState& start = {});

  /// Forward, backward and a step of the optimizer on the next batch; `probe` may be null. Error(data) where an operand
  /// is NaN or infinite; then diverged() is true.
  StepRecord step(quant::Probe* probe);

  optim::Optimizer& optimizer() { return *optimizer_; }
  int64_t done() const { return done_; }    ///< steps
  int64_t items() const { return items_; }  ///< images or tokens in them
  double epochs() const;                    ///< passes over the data
  double seconds() const { return watch_.seconds(); }
  double items_per_second() const;
  bool diverged() const { return diverged_; }
  /// What to show after the step that `record` is of.
  ProgressState progress(const StepRecord& record) const;

 private:
  data::Batch next_batch();
  StepRecord update_weights(const data::Batch& batch, quant::Probe* probe);

  Experiment& experiment_;
  const Config& config_;
  data::Loader loader_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  Stopwatch watch_;
  int64_t done_, items_;
  bool diverged_ = false;
};

/// What to do about a run of this configuration that diverged, as the end of a message.
std::string against_divergence(const Config& config);

}  // namespace fqt::trainer
