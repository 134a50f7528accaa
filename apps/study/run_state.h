#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "study/children.h"
#include "study/outcome.h"
#include "study/sweep_runs.h"

namespace fqt::study {

/// How far one run of a sweep is.
struct RunState {
  Status status = Status::waiting;
  std::string message;             ///< of one that failed or diverged
  std::optional<Outcome> outcome;  ///< once there is a run directory
};

/// A sweep's folder: runs/<name>, logs/<name>.log, results.jsonl, results.csv, sweep.toml.
class SweepFolder {
 public:
  explicit SweepFolder(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  std::string spec() const { return path_ + "/sweep.toml"; }
  std::string results_jsonl() const { return path_ + "/results.jsonl"; }
  std::string results_csv() const { return path_ + "/results.csv"; }
  std::string lock() const { return path_ + "/lock"; }
  std::string results_lock() const { return path_ + "/results.lock"; }
  std::string runs() const { return path_ + "/runs"; }
  std::string log(const SweepRun& run) const { return path_ + "/logs/" + run.name + ".log"; }
  /// There while the run of this name has failed; holds why.
  std::string failure(const std::string& name) const { return path_ + "/logs/" + name + ".failed"; }

  /// Makes the folder and those in it. Error(io).
  void make() const;

 private:
  std::string path_;
};

/// What a run's directory says of how far it is, and what `failure` (a file; it may not be there) says over that.
std::pair<Status, std::string> with_failure(Status status, const std::string& message, const std::string& failure);

/// Error(data) where the run's directory holds another run, or one of another version of fqt, whose results do not
/// compare; errors as read_outcome.
RunState state_of(const SweepRun& run, const SweepFolder& folder);

/// Whether there is something to do about a run: it waits, was interrupted or, with `retry`, failed.
bool is_left(Status status, bool retry);

/// The words of a command that runs it from its beginning, or goes on from its last checkpoint, whatever is there when
/// it is given; what a run left that was killed before it had one makes way.
std::vector<std::string> words_for(const SweepRun& run, int threads);

/// The command. A failure on record is removed.
Command command_for(const SweepRun& run, const SweepFolder& folder, int threads);

/// After its process has ended: the state, with a failure kept for next time.
RunState state_after(const SweepRun& run, const SweepFolder& folder, Exit exit);

}  // namespace fqt::study
