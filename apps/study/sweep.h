#pragma once

#include <optional>
#include <string>
#include <vector>

#include "study/run_state.h"
#include "study/work.h"
#include "trainer/interrupt.h"
#include "trainer/json.h"
#include "trainer/progress.h"

namespace fqt::study {

struct SweepOptions {
  Share share;
  bool retry = false;             ///< run failed ones again, too
  std::optional<size_t> index{};  ///< only this one, counted from 0
};

/// A spec's runs and their folder: asked how far they are, and run.
class Sweep {
 public:
  /// Opens the spec's data and works out its runs; nothing is written. Errors as sweep_runs.
  Sweep(SweepSpec spec, const SweepChoices& choices, const DataPlaces& places);

  const SweepSpec& spec() const { return spec_; }
  const SweepFolder& folder() const { return folder_; }
  const std::vector<SweepRun>& runs() const { return runs_; }

  /// Of every run, in order. Errors as state_of.
  std::vector<RunState> states() const;

  /// Runs that wait or were interrupted, and with `retry` those that failed. `progress` hears of those that are failed
  /// or at work elsewhere.
  std::vector<Work> work(const SweepOptions& options, trainer::Progress& progress) const;

  /// Does the work, each run in a process of its own, and writes the results after each that ends. Error(usage) where
  /// another sweep works in the folder; Error(interrupted) after a signal, when every run has written its checkpoint.
  void run(const SweepOptions& options, trainer::Progress& progress, const trainer::Interrupt& interrupt) const;

  /// Writes the results as they are now: a row for each run that has begun, or, of a sweep of sizes, for each; then
  /// those of runs that other sweeps have left in the folder (other_rows).
  void write_results() const;

 private:
  SweepSpec spec_;
  SweepFolder folder_;
  std::vector<SweepRun> runs_;
};

/// Finds out what work is expected to take, as expect() does, and warns where there is less memory. Error(interrupted)
/// after a signal.
void estimate(std::vector<Work>& work, Share share, trainer::Progress& progress, const trainer::Interrupt& interrupt);

/// "5 finished, 1 failed, 2 waiting"
std::string describe_counts(const std::vector<RunState>& states);

/// A line for each run: its number, status and name, how far it is, its figure. Names give way where a line would be
/// wider than `width`.
std::string status_text(const Sweep& sweep, const std::vector<RunState>& states, size_t width);

/// For each plan what a step holds and computes.
std::string sizes_text(const std::vector<SweepRun>& runs);

/// The figures of finished runs over seeds, and C+ beside C-.
std::string summary_text(const Sweep& sweep, const std::vector<RunState>& states);

/// All of it for programs: counts, runs, groups and comparisons.
trainer::Json sweep_json(const Sweep& sweep, const std::vector<RunState>& states);

}  // namespace fqt::study
