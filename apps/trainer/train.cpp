#include "trainer/train.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>
#include <vector>

#include "data/loader.h"
#include "engine/check.h"
#include "engine/hash.h"
#include "engine/ops/loss.h"
#include "engine/optim/schedule.h"
#include "engine/optim/sgd.h"
#include "trainer/files.h"
#include "trainer/log.h"
#include "trainer/manifest.h"
#include "trainer/plan_file.h"
#include "trainer/probe_log.h"
#include "trainer/weights.h"

namespace fqt::trainer {
namespace {

constexpr size_t kLossWindow = 100;

data::LoaderOptions loader_options(const Config& config) {
  return {.batch = config.train.batch,
          .seed = static_cast<uint64_t>(config.seed),
          .shuffle = true,
          .augment = config.train.augment == "on",
          .drop_last = false};
}

/// Adds up the time between start() and stop().
class Stopwatch {
 public:
  void start() { since_ = Clock::now(); }
  void stop() { seconds_ += std::chrono::duration<double>(Clock::now() - since_).count(); }
  double seconds() const { return seconds_; }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point since_;
  double seconds_ = 0;
};

/// One run: what lives from the first step to the last.
class Run {
 public:
  Run(Experiment& experiment, const RunDirectory& directory, Progress& progress, const Interrupt& interrupt)
      : experiment_(experiment),
        config_(experiment.config),
        directory_(directory),
        progress_(progress),
        interrupt_(interrupt),
        manifest_(describe_run(experiment)),
        log_(directory.log()),
        loader_(*experiment.data.train, experiment.data.normalization, loader_options(config_)),
        optimizer_(experiment.model->parameters(), {config_.train.momentum, config_.train.weight_decay}) {
    write_text_file(directory.config(), to_toml(config_));
    const std::string title = fmt::format("The bits of {} under the plan {}.", config_.model, config_.plan);
    write_text_file(directory.plan(), plan_toml(title, experiment.bits, experiment.sites));
    write_manifest(directory, manifest_);
  }

  TrainResult train_and_evaluate() {
    try {
      train_all();
      interrupt_.check("train");
      const Evaluation test = evaluate_now();
      const TrainResult result = result_of(test);
      manifest_["train_loss"] = result.train_loss;
      manifest_["test_loss"] = test.loss;
      manifest_["test_accuracy"] = test.accuracy;
      end("finished", "");
      return result;
    } catch (const Error& error) {
      end_with(error);
    } catch (const std::exception& error) {
      end("failed", error.what());
      throw;
    }
  }

 private:
  void train_all() {
    while (done_ < config_.train.steps && !interrupt_.requested()) {
      train_step();
      if (config_.eval.every > 0 && done_ % config_.eval.every == 0 && done_ < config_.train.steps) evaluate_now();
    }
  }

  void train_step() {
    watch_.start();
    const data::Batch batch = loader_.next();
    const double rate = learning_rate();
    const double accuracy = update_weights(batch, rate);
    ++done_;
    items_ += static_cast<int64_t>(batch.labels.size());
    watch_.stop();
    log_.step({done_, losses_.back(), accuracy, rate, watch_.seconds()});
    const double per_second = items_per_second();
    progress_.update(
        {.what = "step",
         .done = done_,
         .total = config_.train.steps,
         .has_result = true,
         .loss = losses_.back(),
         .accuracy = accuracy,
         .items_per_second = per_second,
         .seconds_left = static_cast<double>((config_.train.steps - done_) * config_.train.batch) / per_second});
  }

  /// Forward, backward and one step of the optimizer. Returns the batch's accuracy in percent.
  double update_weights(const data::Batch& batch, double rate) try {
    optimizer_.zero_grad();
    Tape tape;
    const quant::PrecisionTable precision = experiment_.precision_at(done_);
    const quant::Context context{.tape = tape,
                                 .precision = precision,
                                 .training = true,
                                 .seed = static_cast<uint64_t>(config_.seed),
                                 .step = static_cast<uint64_t>(done_),
                                 .range_momentum = config_.quant.range_momentum,
                                 .probe = probe()};
    const Var logits = experiment_.model->forward(context, Var(batch.images));
    const Var loss = ops::cross_entropy(tape, logits, batch.labels);
    const float value = loss.value().item();
    tape.backward(loss);
    optimizer_.step(rate);
    remember(value);
    return 100.0 * static_cast<double>(ops::count_correct(logits.value(), batch.labels)) /
           static_cast<double>(batch.labels.size());
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::data) diverged_ = failed_in_step_ = true;
    throw;
  }

  /// The probe where this step is to be measured.
  quant::Probe* probe() {
    const int64_t every = config_.probe.every;
    if (every == 0 || done_ % every != 0) return nullptr;
    if (!probe_) probe_.emplace(directory_.probes());
    return &*probe_;
  }

  void remember(float loss) {
    if (losses_.size() == kLossWindow) losses_.erase(losses_.begin());
    losses_.push_back(loss);
  }

  double learning_rate() const {
    const optim::ScheduleOptions options{config_.train.learning_rate, config_.train.steps, config_.train.milestones,
                                         config_.train.factor};
    return optim::find_schedule(config_.train.schedule).learning_rate(options, done_);
  }

  double items_per_second() const { return static_cast<double>(items_) / std::max(watch_.seconds(), 1e-9); }

  /// Saves the weights first, so that a run killed later leaves these.
  Evaluation evaluate_now() {
    save();
    const Evaluation evaluation = evaluate(experiment_, progress_, interrupt_);
    log_.evaluation(done_, evaluation.loss, evaluation.accuracy, evaluation.images);
    progress_.note(fmt::format("step {}: test loss {:.3f}, test accuracy {:.2f} % ({} images)", done_, evaluation.loss,
                               evaluation.accuracy, evaluation.images));
    return evaluation;
  }

  void save() {
    if (saved_ == done_) return;
    try {
      check_finite(fmt::format("after step {}", done_), *experiment_.model);
    } catch (const Error&) {
      diverged_ = true;
      throw;
    }
    save_weights(directory_.weights(), *experiment_.model, done_);
    saved_ = done_;
    manifest_["weights_hash"] = to_hex(layers::weights_hash(*experiment_.model));
  }

  TrainResult result_of(const Evaluation& test) {
    const int64_t images = experiment_.data.train->size();
    return {.steps = done_,
            .epochs = static_cast<double>(items_) / static_cast<double>(images),
            .train_loss = std::accumulate(losses_.begin(), losses_.end(), 0.0) / static_cast<double>(losses_.size()),
            .test = test,
            .seconds = watch_.seconds(),
            .items_per_second = items_per_second(),
            .weights_hash = layers::weights_hash(*experiment_.model)};
  }

  /// By site: additions that left an emulated accumulator's range in each product.
  Json overflows() const {
    Json sites = Json::object();
    for (const quant::Site* site : experiment_.model->sites())
      for (size_t kind = 0; kind < site->overflows.size(); ++kind)
        sites[site->name][std::string(quant::kProductNames[kind])] = site->overflows[kind];
    return sites;
  }

  void end(const std::string& status, const std::string& message) {
    manifest_["status"] = status;
    if (config_.quant.accumulator_bits > 0) manifest_["accumulator_overflows"] = overflows();
    manifest_["steps_done"] = done_;
    manifest_["seconds"] = watch_.seconds();
    if (!message.empty()) manifest_["message"] = message;
    log_.end(status, done_, message);
    write_manifest(directory_, manifest_);
  }

  /// Keeps what a run that ends early leaves behind, and says where.
  [[noreturn]] void end_with(const Error& error) {
    const bool interrupted = error.kind() == ErrorKind::interrupted;
    const std::string status = interrupted ? "interrupted" : diverged_ ? "diverged" : "failed";
    std::string lost;
    try {
      if (!diverged_) save();
    } catch (const Error& failure) {
      lost = failure.what();
    }
    try {
      end(status, error.what());
    } catch (const Error&) {
      // Where the folder cannot be written any more, the first error is the one to hear about.
    }
    if (interrupted && !lost.empty())
      fail(ErrorKind::io, "[train] interrupted after step {} of {}, and the weights could not be saved: {}", done_,
           config_.train.steps, lost);
    if (interrupted)
      fail(error.kind(), "[train] interrupted after step {} of {}; the weights and the log are in {}", done_,
           config_.train.steps, directory_.path());
    if (diverged_)
      fail(error.kind(),
           "[train] the run diverged in step {} of {}: {}; its log is in {}; try a lower learning rate, as in "
           "--set train.learning_rate={}",
           done_ + (failed_in_step_ ? 1 : 0), config_.train.steps, error.what(), directory_.path(),
           config_.train.learning_rate / 10);
    throw;
  }

  Experiment& experiment_;
  const Config& config_;
  const RunDirectory& directory_;
  Progress& progress_;
  const Interrupt& interrupt_;
  Json manifest_;
  Log log_;
  data::Loader loader_;
  optim::Sgd optimizer_;
  std::optional<ProbeLog> probe_;
  Stopwatch watch_;
  int64_t done_ = 0;    ///< steps
  int64_t items_ = 0;   ///< images in them
  int64_t saved_ = -1;  ///< steps behind the weights on disk
  std::vector<double> losses_;
  bool diverged_ = false;
  bool failed_in_step_ = false;  ///< within step done_ + 1
};

}  // namespace

TrainResult train(Experiment& experiment, const RunDirectory& directory, Progress& progress,
                  const Interrupt& interrupt) {
  return Run(experiment, directory, progress, interrupt).train_and_evaluate();
}

}  // namespace fqt::trainer
