#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "trainer/checkpoint.h"
#include "trainer/config.h"
#include "trainer/run_directory.h"

namespace fqt::trainer {

/// The newest checkpoint that can be read, the last two in turn and then the best; `warn` hears of those that cannot.
/// Error(missing) where there is none, Error(data) where none can be read.
Checkpoint newest_checkpoint(const RunDirectory& directory, const std::function<void(const std::string&)>& warn);

/// The files of checkpoints that a run directory has: the last steps in turn, newest first, and then the best.
std::vector<std::string> checkpoint_files(const RunDirectory& directory);

/// Loads the weights of the last step that a run directory has: those of the last evaluation, or of a checkpoint
/// behind it where the run was killed. Returns the step. Errors as load_weights().
int64_t load_last_weights(const RunDirectory& directory, layers::Module& model,
                          const std::function<void(const std::string&)>& warn);

/// Writes the checkpoints of a run: when they are due, and which are kept.
class Checkpoints {
 public:
  /// `from`: where the run was resumed; null where it begins.
  Checkpoints(const RunDirectory& directory, const CheckpointOptions& options, const Checkpoint* from);

  /// Whether one should be written after `step` steps. What the clock says decides when a file is written, never what a
  /// run computes.
  bool due(int64_t step) const;
  /// Steps behind the newest; -1: there is none.
  int64_t newest() const { return newest_; }

  /// checkpoints/step-N.safetensors; the one before it is kept, older ones and those that could not be read go.
  /// Error(io) naming the last good one.
  void write(layers::Module& model, optim::Optimizer& optimizer, const RunState& state, const Json& identity);
  /// checkpoints/best.safetensors. Error(io) likewise.
  void write_best(layers::Module& model, optim::Optimizer& optimizer, const RunState& state, const Json& identity);

 private:
  using Clock = std::chrono::steady_clock;
  void write_to(const std::string& path, layers::Module& model, optim::Optimizer& optimizer, const RunState& state,
                const Json& identity);

  const RunDirectory& directory_;
  CheckpointOptions options_;
  int64_t newest_ = -1;
  Clock::time_point next_ = Clock::now();
};

}  // namespace fqt::trainer
