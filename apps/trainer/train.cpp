#include "trainer/train.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

#include "engine/check.h"
#include "engine/hash.h"
#include "trainer/figures.h"
#include "trainer/files.h"
#include "trainer/host.h"
#include "trainer/log.h"
#include "trainer/manifest.h"
#include "trainer/plan_file.h"
#include "trainer/probe_log.h"
#include "trainer/trainer.h"
#include "trainer/weights.h"

namespace fqt::trainer {
namespace {

constexpr size_t kLossWindow = 100;

/// One run: what lives from the first step to the last.
class Run {
 public:
  Run(Experiment& experiment, const MemoryNeed& memory, const RunDirectory& directory, Progress& progress,
      const Interrupt& interrupt)
      : experiment_(experiment),
        config_(experiment.config),
        directory_(directory),
        progress_(progress),
        interrupt_(interrupt),
        manifest_(describe_run(experiment)),
        log_(directory.log()),
        trainer_(experiment) {
    manifest_["memory_expected"] = memory.total();
    write_text_file(directory.config(), to_toml(config_));
    write_text_file(directory.plan(), plan_toml(config_, experiment.bits, experiment.sites));
    write_manifest(directory, manifest_);
  }

  TrainResult train_and_evaluate() {
    try {
      train_all();
      interrupt_.check("train");
      const Evaluation test = evaluate_now(Split::test);
      const TrainResult result = result_of(test);
      manifest_["train_loss"] = result.train_loss;
      manifest_.update(figures_of(experiment_.data, test));
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
    while (trainer_.done() < config_.train.steps && !interrupt_.requested()) {
      const StepRecord record = trainer_.step(probe());
      remember(record.loss);
      log_.step(record);
      progress_.update(trainer_.progress(record));
      const bool last = record.step == config_.train.steps;
      if (config_.eval.every > 0 && record.step % config_.eval.every == 0 && !last) evaluate_now(Split::valid);
    }
  }

  /// The probe where this step is to be measured.
  quant::Probe* probe() {
    const int64_t every = config_.probe.every;
    if (every == 0 || trainer_.done() % every != 0) return nullptr;
    if (!probe_) probe_.emplace(directory_.probes());
    return &*probe_;
  }

  void remember(double loss) {
    if (losses_.size() == kLossWindow) losses_.erase(losses_.begin());
    losses_.push_back(loss);
  }

  /// Saves the weights first, so that a run killed later leaves these.
  Evaluation evaluate_now(Split split) {
    save();
    const Evaluation evaluation = evaluate(experiment_, split, progress_, interrupt_);
    log_.evaluation(trainer_.done(), figures_of(experiment_.data, evaluation, split));
    progress_.note(fmt::format("step {}: {}", trainer_.done(), describe(experiment_.data, evaluation, split)));
    return evaluation;
  }

  void save() {
    const int64_t done = trainer_.done();
    if (saved_ == done) return;
    try {
      check_finite(fmt::format("after step {}", done), *experiment_.model);
    } catch (const Error& error) {
      diverged_ = true;
      fail(error.kind(), "{}; {}", error.what(), against_divergence(config_));
    }
    save_weights(directory_.weights(), *experiment_.model, done);
    saved_ = done;
    manifest_["weights_hash"] = to_hex(layers::weights_hash(*experiment_.model));
  }

  TrainResult result_of(const Evaluation& test) {
    return {.steps = trainer_.done(),
            .epochs = trainer_.epochs(),
            .train_loss = std::accumulate(losses_.begin(), losses_.end(), 0.0) / static_cast<double>(losses_.size()),
            .test = test,
            .seconds = trainer_.seconds(),
            .items_per_second = trainer_.items_per_second(),
            .memory_peak = peak_resident_bytes(),
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
    manifest_["steps_done"] = trainer_.done();
    manifest_["seconds"] = trainer_.seconds();
    manifest_["memory_peak"] = peak_resident_bytes();
    if (!message.empty()) manifest_["message"] = message;
    log_.end(status, trainer_.done(), message);
    write_manifest(directory_, manifest_);
  }

  /// Keeps what a run that ends early leaves behind, and says where.
  [[noreturn]] void end_with(const Error& error) {
    const int64_t done = trainer_.done();
    diverged_ |= trainer_.diverged();
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
      fail(ErrorKind::io, "[train] interrupted after step {} of {}, and the weights could not be saved: {}", done,
           config_.train.steps, lost);
    if (interrupted)
      fail(error.kind(), "[train] interrupted after step {} of {}; the weights and the log are in {}", done,
           config_.train.steps, directory_.path());
    if (diverged_)
      fail(error.kind(), "[train] the run diverged in step {} of {}, its log is in {}: {}",
           done + (trainer_.diverged() ? 1 : 0), config_.train.steps, directory_.path(), error.what());
    throw;
  }

  Experiment& experiment_;
  const Config& config_;
  const RunDirectory& directory_;
  Progress& progress_;
  const Interrupt& interrupt_;
  Json manifest_;
  Log log_;
  Trainer trainer_;
  std::optional<ProbeLog> probe_;
  int64_t saved_ = -1;  ///< steps behind the weights on disk
  std::vector<double> losses_;
  bool diverged_ = false;
};

}  // namespace

TrainResult train(Experiment& experiment, const MemoryNeed& memory, const RunDirectory& directory, Progress& progress,
                  const Interrupt& interrupt) {
  return Run(experiment, memory, directory, progress, interrupt).train_and_evaluate();
}

}  // namespace fqt::trainer
