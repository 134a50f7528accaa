#include "study/sweep.h"

#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

#include "engine/check.h"
#include "study/results.h"
#include "trainer/descriptor.h"
#include "trainer/files.h"
#include "trainer/host.h"
#include "trainer/text.h"

namespace fqt::study {
namespace {

using trainer::Json;
using Clock = std::chrono::steady_clock;

constexpr auto kLook = std::chrono::seconds(1);  ///< between looks at how far the runs are

/// While one lives, no other sweep works in the folder.
class SweepLock {
 public:
  explicit SweepLock(const SweepFolder& folder) : file_(folder.lock(), O_RDWR | O_CREAT) {
    if (!file_.open()) fail(ErrorKind::io, "[sweep] {} cannot be written: {}", folder.lock(), std::strerror(errno));
    const bool taken = ::flock(file_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    check(!taken, "[sweep] another sweep works in {}; let it end first", folder.path());
  }

 private:
  trainer::Descriptor file_;
};

double share_done(const SweepRun& run) {
  return static_cast<double>(last_step(run.directory)) / static_cast<double>(run.config.train.steps);
}

std::string figure_text(const RunState& state) {
  if (!state.outcome || !state.outcome->final) return state.message;
  const Figure& figure = *state.outcome->final;
  return fmt::format("{} {:.2f}, {} of training", figure.name, figure.value,
                     trainer::clock_time(state.outcome->seconds));
}

/// The runs at work: what is shown of them, and what is written when one ends.
class Watch {
 public:
  Watch(const Sweep& sweep, const std::vector<Work>& work, const SweepOptions& options, trainer::Progress& progress)
      : sweep_(sweep), work_(work), weights_(weights_of(work)), options_(options), progress_(progress) {
    for (size_t i = 0; i < work.size(); ++i) left_ += weights_[i] * (1 - work[i].done);
  }

  void run(const trainer::Interrupt& interrupt) {
    const auto start = [&](size_t i) { return this->start(i); };
    const auto ended = [&](size_t i, Exit exit) { end(i, exit); };
    const auto tick = [&](const std::vector<size_t>& running) { look(running); };
    run_children(work_.size(), static_cast<size_t>(options_.share.jobs), {start, ended, tick}, interrupt, SIGINT);
  }

 private:
  /// None where another process has begun or ended the run since this sweep began.
  std::optional<Command> start(size_t i) {
    const SweepRun& run = *work_[i].run;
    const Status status = state_of(run, sweep_.folder()).status;
    const bool left = is_left(status, options_.retry);
    progress_.note(fmt::format("{:<11} {}", left ? "started" : name_of(status), run.name));
    if (left) return command_for(run, sweep_.folder(), options_.share.threads);
    count_ended(i);
    return std::nullopt;
  }

  void count_ended(size_t i) {
    ++ended_;
    ended_seconds_ += weights_[i] * (1 - work_[i].done);
  }

  void end(size_t i, Exit exit) {
    const SweepRun& run = *work_[i].run;
    const RunState state = state_after(run, sweep_.folder(), exit);
    count_ended(i);
    progress_.note(fmt::format("{:<11} {}  {}", name_of(state.status), run.name, figure_text(state)));
    sweep_.write_results();
  }

  void look(const std::vector<size_t>& running) {
    if (Clock::now() < next_look_) return;
    next_look_ = Clock::now() + kLook;
    double done = ended_seconds_;
    for (const size_t i : running) done += weights_[i] * std::max(share_done(*work_[i].run) - work_[i].done, 0.0);
    trainer::ProgressState state{.what = "run", .done = ended_, .total = static_cast<int64_t>(work_.size())};
    const std::chrono::duration<double> passed = Clock::now() - begun_;
    if (done > 0) state.seconds_left = std::max(left_ - done, 0.0) * passed.count() / done;
    progress_.update(state);
  }

  const Sweep& sweep_;
  const std::vector<Work>& work_;
  std::vector<double> weights_;
  const SweepOptions& options_;
  trainer::Progress& progress_;
  int64_t ended_ = 0;
  double left_ = 0, ended_seconds_ = 0;  ///< expected seconds: of all work at the start, and of what has ended
  Clock::time_point begun_ = Clock::now(), next_look_ = begun_;
};

}  // namespace

Sweep::Sweep(SweepSpec spec, const SweepChoices& choices, const DataPlaces& places)
    : spec_(std::move(spec)), folder_(choices.out), runs_(sweep_runs(spec_, choices, places)) {}

std::vector<RunState> Sweep::states() const {
  std::vector<RunState> states;
  for (const SweepRun& run : runs_) states.push_back(state_of(run, folder_));
  return states;
}

std::vector<Work> Sweep::work(const SweepOptions& options, trainer::Progress& progress) const {
  const std::vector<RunState> states = this->states();
  std::vector<Work> work;
  for (size_t i = 0; i < runs_.size(); ++i) {
    if (options.index && i != *options.index) continue;
    const Status status = states[i].status;
    if (status == Status::failed && !options.retry)
      progress.warn(fmt::format("failed      {}: {} (--retry runs it again)", runs_[i].name, states[i].message));
    if (status == Status::running)
      progress.warn(fmt::format("running     {}: another process trains it", runs_[i].name));
    if (is_left(status, options.retry))
      work.push_back({.run = &runs_[i], .place = i, .done = states[i].outcome ? share_done(runs_[i]) : 0});
  }
  return work;
}

void estimate(std::vector<Work>& work, Share share, trainer::Progress& progress, const trainer::Interrupt& interrupt) {
  if (work.empty()) return;
  std::vector<const SweepRun*> runs;
  for (const Work& item : work) runs.push_back(item.run);
  const std::vector<Expected> expected = expect(runs, share, progress, interrupt);
  int64_t most = 0;
  for (size_t i = 0; i < work.size(); ++i) {
    work[i].expected = expected[i];
    most = std::max(most, expected[i].memory);
  }
  if (const int64_t available = trainer::available_bytes(); most * share.jobs > available)
    progress.warn(fmt::format("{} runs at a time may take {} MB, and {} MB are left; give fewer with --jobs",
                              share.jobs, most * share.jobs / 1'000'000, available / 1'000'000));
}

void Sweep::run(const SweepOptions& options, trainer::Progress& progress, const trainer::Interrupt& interrupt) const {
  folder_.make();
  // Single runs of a sweep may be at work on many machines at once; each has a lock of its own.
  std::optional<SweepLock> lock;
  if (!options.index) lock.emplace(folder_);
  trainer::write_text_file(folder_.spec(), spec_.toml);
  std::vector<Work> work = this->work(options, progress);
  if (!options.index && !work.empty()) {  // a single run says itself how far it is
    estimate(work, options.share, progress, interrupt);
    progress.note(estimate_text(work, options.share));
  }
  Watch(*this, work, options, progress).run(interrupt);
  write_results();
  if (interrupt.requested())
    fail(ErrorKind::interrupted,
         "[sweep] interrupted: {}; runs at work wrote checkpoints. Start the same sweep again to go on",
         describe_counts(states()));
}

void Sweep::write_results() const {
  study::write_results(folder_, [&] {
    std::vector<Json> rows;
    for (const SweepRun& run : runs_)
      if (const RunState state = state_of(run, folder_); spec_.sizes_only || state.status != Status::waiting)
        rows.push_back(result_row(run, state));
    const std::vector<Json> others = other_rows(folder_, runs_);
    rows.insert(rows.end(), others.begin(), others.end());
    return rows;
  });
}

}  // namespace fqt::study
