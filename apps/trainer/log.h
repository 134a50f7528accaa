#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trainer/json_lines.h"

namespace fqt::trainer {

/// What a training step or an evaluation found.
struct StepRecord {
  int64_t step = 0;               ///< steps done, this one included
  double loss = 0, accuracy = 0;  ///< accuracy in percent
  double learning_rate = 0;
  double seconds = 0;  ///< of training so far
};

/// log.jsonl: what happened in a run, an event a line.
class Log {
 public:
  /// Error(io) where the file cannot be written.
  explicit Log(const std::string& path) : lines_(path) {}

  void step(const StepRecord& record);
  void evaluation(int64_t step, const Json& figures);
  /// How a run ended: "finished", "interrupted", "diverged", "failed".
  void end(const std::string& status, int64_t step, const std::string& message);

  void sync() { lines_.sync(); }
  int64_t bytes() const { return lines_.bytes(); }

 private:
  JsonLines lines_;
};

/// The training steps of a log, in order. A last line that was cut off is passed over. Error(missing), Error(io);
/// Error(data) naming the line where it is not what a log holds.
std::vector<StepRecord> read_steps(const std::string& path);

}  // namespace fqt::trainer
