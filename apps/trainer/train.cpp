#include "trainer/train.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

#include "engine/check.h"
#include "engine/hash.h"
#include "trainer/checkpoints.h"
#include "trainer/figures.h"
#include "trainer/files.h"
#include "trainer/host.h"
#include "trainer/identity.h"
#include "trainer/log.h"
#include "trainer/manifest.h"
#include "trainer/plan_file.h"
#include "trainer/probe_log.h"
#include "trainer/trainer.h"
#include "trainer/weights.h"

namespace fqt::trainer {
namespace {

constexpr size_t kLossWindow = 100;

/// Whether figures of an evaluation are better than `best`, of an earlier one or null.
bool better(const Json& figures, const Json& best) {
  if (best.is_null()) return true;
  if (figures.contains("test_accuracy")) return figures["test_accuracy"] > best["test_accuracy"];
  return figures["valid_loss"] < best["valid_loss"];
}

/// Takes back what was logged after the checkpoint.
void cut_logs(const RunDirectory& directory, const RunState& state, Progress& progress) {
  const std::pair<std::string, int64_t> logs[] = {{directory.log(), state.log_bytes},
                                                  {directory.probes(), state.probe_bytes}};
  for (const auto& [path, bytes] : logs)
    if (!cut_lines(path, bytes))
      progress.warn(fmt::format("{} is shorter than the checkpoint says: lines of earlier steps are missing", path));
}

/// One run: what lives from the first step to the last.
class Run {
 public:
  /// `manifest` describes the run; `from` may be null.
  Run(Experiment& experiment, Json manifest, const RunDirectory& directory, Progress& progress,
      const Interrupt& interrupt, Resumption* from)
      : experiment_(experiment),
        config_(experiment.config),
        directory_(directory),
        progress_(progress),
        interrupt_(interrupt),
        manifest_(std::move(manifest)),
        identity_(run_identity(config_, experiment.bits, data_hashes(experiment.data),
                               from ? from->checkpoint.identity.value("start", "") : start_hash(config_))),
        log_(directory.log()),
        state_(from ? from->checkpoint.state : RunState{}),
        trainer_(experiment, state_),
        checkpoints_(directory, config_.checkpoint, from ? &from->checkpoint : nullptr) {
    manifest_["id"] = run_id(identity_, config_.plan);
    if (from) {
      go_on(std::move(*from));
    } else {
      write_text_file(directory.config(), to_toml(config_));
      write_text_file(directory.plan(), plan_toml(config_, experiment.bits, experiment.sites));
    }
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
  void go_on(Resumption&& from) {
    if (from.config_toml != read_text_file(directory_.config())) write_text_file(directory_.config(), from.config_toml);
    restore(std::move(from.checkpoint), *experiment_.model, trainer_.optimizer());
    restore_overflows();
    manifest_["resumed_from"] = state_.step;
    note_best();
  }

  void train_all() {
    if (checkpoints_.newest() < 0) checkpoint();  // a run that is killed in its first step can be resumed, too
    while (true) {
      if (evaluation_due()) evaluate_on_the_way();
      if (checkpoints_.due(trainer_.done())) checkpoint();
      if (trainer_.done() == config_.train.steps || interrupt_.requested()) break;
      const StepRecord record = trainer_.step(probe());
      remember(record.loss);
      log_.step(record);
      progress_.update(trainer_.progress(record));
    }
    checkpoint();
  }

  bool evaluation_due() const {
    const int64_t done = trainer_.done(), every = config_.eval.every;
    return every > 0 && done > 0 && done % every == 0 && done != state_.evaluated && done < config_.train.steps;
  }

  void evaluate_on_the_way() {
    const Json figures = figures_of(experiment_.data, evaluate_now(Split::valid), Split::valid);
    state_.evaluated = trainer_.done();
    if (!better(figures, state_.best)) return;
    state_.best = {{"step", trainer_.done()}};
    state_.best.update(figures);
    note_best();
    checkpoints_.write_best(*experiment_.model, trainer_.optimizer(), state_now(), identity_);
  }

  void note_best() {
    if (!state_.best.is_null()) manifest_["best"] = state_.best;
  }

  /// Writes one unless there is one of this step.
  void checkpoint() {
    if (checkpoints_.newest() == trainer_.done()) return;
    check_weights();
    checkpoints_.write(*experiment_.model, trainer_.optimizer(), state_now(), identity_);
  }

  /// What a checkpoint says of the run; the logs are on the disk up to here before it is.
  RunState state_now() {
    log_.sync();
    if (probe_) probe_->sync();
    RunState state = state_;
    state.step = trainer_.done();
    state.items = trainer_.items();
    state.seconds = trainer_.seconds();
    if (config_.quant.accumulator_bits > 0) state.overflows = overflows();
    state.log_bytes = log_.bytes();
    if (probe_) state.probe_bytes = probe_->bytes();
    return state;
  }

  /// The probe where this step is to be measured.
  quant::Probe* probe() {
    const int64_t every = config_.probe.every;
    if (every == 0 || trainer_.done() % every != 0) return nullptr;
    if (!probe_) probe_.emplace(directory_.probes());
    return &*probe_;
  }

  void remember(double loss) {
    std::vector<double>& losses = state_.losses;
    if (losses.size() == kLossWindow) losses.erase(losses.begin());
    losses.push_back(loss);
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
    check_weights();
    save_weights(directory_.weights(), *experiment_.model, done);
    saved_ = done;
    manifest_["weights_hash"] = to_hex(layers::weights_hash(*experiment_.model));
  }

  /// Error(data) where they hold NaN or infinity; then the run has diverged.
  void check_weights() {
    try {
      check_finite(fmt::format("after step {}", trainer_.done()), *experiment_.model);
    } catch (const Error& error) {
      diverged_ = true;
      fail(error.kind(), "{}; {}", error.what(), against_divergence(config_));
    }
  }

  TrainResult result_of(const Evaluation& test) {
    return {.steps = trainer_.done(),
            .epochs = trainer_.epochs(),
            .train_loss = std::accumulate(state_.losses.begin(), state_.losses.end(), 0.0) /
                          static_cast<double>(state_.losses.size()),
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

  void restore_overflows() {
    for (quant::Site* site : experiment_.model->sites())
      if (const auto counts = state_.overflows.find(site->name); counts != state_.overflows.end())
        for (size_t kind = 0; kind < site->overflows.size(); ++kind)
          site->overflows[kind] = counts->value(std::string(quant::kProductNames[kind]), int64_t{0});
  }

  void end(const std::string& status, const std::string& message) {
    manifest_["status"] = status;
    if (config_.quant.accumulator_bits > 0) manifest_["accumulator_overflows"] = overflows();
    manifest_["steps_done"] = trainer_.done();
    manifest_["seconds"] = trainer_.seconds();
    manifest_["items_per_second"] = trainer_.items_per_second();
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
      if (interrupted) checkpoint();
    } catch (const Error& failure) {
      lost = failure.what();
    }
    try {
      end(status, error.what());
    } catch (const Error&) {
      // Where the folder cannot be written any more, the first error is the one to hear about.
    }
    if (interrupted && !lost.empty())
      fail(ErrorKind::io, "[train] interrupted after step {} of {}, and not all of it could be saved: {}", done,
           config_.train.steps, lost);
    if (interrupted)
      fail(error.kind(),
           "[train] interrupted after step {} of {}; the weights and the log are in {}; go on with `fqt train --resume "
           "{}`",
           done, config_.train.steps, directory_.path(), directory_.path());
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
  Json manifest_, identity_;
  Log log_;
  RunState state_;  ///< where trainer_ and the logs know better, as it was at the start
  Trainer trainer_;
  Checkpoints checkpoints_;
  std::optional<ProbeLog> probe_;
  int64_t saved_ = -1;  ///< steps behind the weights on disk
  bool diverged_ = false;
};

}  // namespace

TrainResult train(Experiment& experiment, const MemoryNeed& memory, const RunDirectory& directory, Progress& progress,
                  const Interrupt& interrupt, std::optional<Resumption> from) {
  Json manifest = describe_run(experiment);
  manifest["memory_expected"] = memory.total();
  if (from) {
    check_same_data(from->checkpoint, experiment);
    cut_logs(directory, from->checkpoint.state, progress);
  }
  return Run(experiment, std::move(manifest), directory, progress, interrupt, from ? &*from : nullptr)
      .train_and_evaluate();
}

}  // namespace fqt::trainer
