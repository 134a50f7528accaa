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

/// Whether there is one to go on from, readable or not.
bool has_checkpoint(const RunDirectory& directory);

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
  const CheckpointOptions& options_;
  int64_t newest_ = -1;
  Clock::time_point next_ = Clock::now();
};

}  // namespace fqt::trainer
